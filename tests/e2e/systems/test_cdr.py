"""Full files: what was rated, each record in exactly one of them, and what platforms get of it."""
import os

import usage
from cdrs import chain, folder, lines
from harness import equal, has, test, wait_until
from packers import finish
from usage import Music
from world import World

FULL = {"name": "MUSIC_{period}_{sequence}.dat", "fields": ["serial", "msisdn", "event", "tier", "amount"],
        "records": 100000, "age": "7d"}
PLATFORMS = {'platform "boss"': {"when": "amount > 0", "fields": ["serial", "amount"],
                                 "file": "BOSS_{period}_{sequence}.dat"},
             'platform "gold"': {"when": "tier = 'gold'", "fields": ["msisdn", "serial"],
                                 "file": "GOLD_{sequence}.dat"}}


@test
def each_record_is_in_one_full_file_and_platforms_get_their_part():
    with World(local=True) as world:
        music = Music(world, **{"full-file": FULL, **PLATFORMS})
        music.rate("one", usage.record("S1"), usage.record("S2", 60, tier="gold"), usage.record("S3", 0),
                   usage.record('S"4', tier='go"ld'), usage.record("S5", product="P9"))
        world.gateway.ok("cdr", "close")
        first, = world.gateway.json("cdr", "list")["files"]
        equal([first[word] for word in ("sequence", "records", "sum", "reason")], [1, 4, "0.88", "manual"], "the file")
        path = os.path.join(folder(world), first["name"])
        text = lines(path)
        equal(text[1], "F|serial|msisdn|event|tier|amount", "the fields")
        equal(sorted(text[2:-1]), sorted([
            "D|S1|A1|2026-06-01T10:00:00Z||0.33", "D|S2|A1|2026-06-01T10:00:00Z|gold|0.24",
            "D|S3|A1|2026-06-01T10:00:00Z||0.00", 'D|"S""4"|A1|2026-06-01T10:00:00Z|"go""ld"|0.31']), "the records")
        parts = os.path.join(folder(world), "platforms")
        boss, gold = (lines(os.path.join(parts, name)) for name in (first["name"].replace("MUSIC", "BOSS"),
                                                                    "GOLD_000001.dat"))
        equal(boss[2:], ["D|S1|0.33", "D|S2|0.24", 'D|"S""4"|0.31', "T|3|0.88"], "boss")
        equal((gold[0].split("|")[8], gold[2:]), (first["sha256"], ["D|A1|S2", "T|1|0.24"]), "gold")
        equal(world.gateway.json("cdr", "split", path, "--into", parts),
              {"records": 4, "unrouted": 1, "several": 1, "already_split": True}, "once more")
        elsewhere = os.path.join(world.folder, "parts")
        equal(world.gateway.json("cdr", "split", path, "--into", elsewhere)["already_split"], False, "elsewhere")
        for name in os.listdir(parts):
            equal(lines(os.path.join(elsewhere, name)), lines(os.path.join(parts, name)), name)
        altered = os.path.join(world.folder, "altered.dat")
        with open(altered, "w", encoding="utf-8") as file:
            file.write("\n".join(text).replace("S1", "S7") + "\n")
        refused = world.gateway.run("cdr", "split", altered, "--into", os.path.join(world.folder, "other"))
        equal(refused.status != 0, True, "an altered one")
        has(refused.err, "is not as it was written", "an altered one")
        world.gateway.ok("cdr", "close")
        music.rate("two", usage.record("S6"))
        world.gateway.ok("cdr", "close")
        equal(sorted(chain(world)), sorted(["S1", "S2", "S3", '"S""4"', "S6"]), "every record, once")
        equal([f["records"] for f in world.gateway.json("cdr", "list")["files"]], [4, 0, 1], "an empty one among them")
        finish(world)


@test
def a_full_file_is_closed_by_records_or_age_and_what_is_priced_later_comes_later():
    with World(local=True) as world:
        music = Music(world, **{"full-file": {**FULL, "records": 3, "age": "2s"}})
        music.rate("one", *[usage.record(f"S{i}") for i in range(5)], usage.record("Q", product="P9"))
        music.rate("two", usage.record("S5"))
        wait_until("all in files", lambda: len(chain(world)) == 6, log=world.gateway.log_tail)
        music.load([("P1", "0.2500"), ("P2", "1"), ("P9", "0.5000")])
        wait_until("the late one", lambda: len(chain(world)) == 7, log=world.gateway.log_tail)
        equal(sorted(chain(world)), ["Q"] + [f"S{i}" for i in range(6)], "every record, once")
        reasons = {f["reason"] for f in world.gateway.json("cdr", "list")["files"]}
        equal(reasons <= {"records", "age"}, True, f"reasons {reasons}")
        finish(world)


@test
def platforms_get_their_files_in_order_once_and_a_record_is_traced_to_its_lines():
    """A platform that is away, a routing that fails, an altered file, and full files of others."""
    with World(local=True) as world:
        there, incoming, archive = (os.path.join(world.folder, name) for name in ("billing", "incoming", "archive"))
        for path in (there, incoming):
            os.makedirs(path)
        world.configuration.systems["billing"] = {"in": {"url": f"file://{there}"}}
        boss = {**PLATFORMS['platform "boss"'], "push": {"system": "billing", "endpoint": "in", "path": "/cdr"}}
        music = Music(world, **{"full-file": {**FULL, "incoming": incoming, "archive": archive}, **PLATFORMS,
                                'platform "boss"': boss})
        for number in (1, 2):
            music.rate(f"u{number}", usage.record(f"S{number}"), usage.record(f"G{number}", 60, tier="gold"),
                       usage.record(f"N{number}", 0))
            world.gateway.ok("cdr", "close")

        def way(number):
            return {p["platform"]: (p["state"], p.get("reason")) for p in
                    world.gateway.json("cdr", "show", str(number))["platforms"]}
        wait_until("a try", lambda: way(1)["boss"][1], log=world.gateway.log_tail)
        equal((way(1)["boss"][0], way(2)["boss"], way(2)["gold"][0]), ("waits", ("waits", None), "here"), "both wait")
        alarm = [a for a in world.gateway.json("alarms")["alarms"] if a["kind"] == "platform-failing"]
        equal([a["subject"] for a in alarm], ["music/boss"], "the alarm")
        os.makedirs(os.path.join(there, "cdr"))
        wait_until("both to be there", lambda: way(2)["boss"][0] == "pushed", log=world.gateway.log_tail)
        files = world.gateway.json("cdr", "list")["files"]
        names = [f["name"].replace("MUSIC", "BOSS") for f in files]
        equal(sorted(os.listdir(os.path.join(there, "cdr"))), sorted(names), "what is there")
        parts = os.path.join(folder(world), "platforms")
        for name in names:
            equal(lines(os.path.join(there, "cdr", name)), lines(os.path.join(parts, name)), name)
        wait_until("no alarm", lambda: not [a for a in world.gateway.json("alarms")["alarms"]
                                            if a["kind"] == "platform-failing" and a["state"] != "cleared"],
                   log=world.gateway.log_tail)
        shown = world.gateway.json("cdr", "show", "2")
        equal((shown["records"], shown["unrouted"], shown["several"], shown["sum"]), (3, 1, 1, "0.57"), "the matrix")
        equal([(p["platform"], p["records"], p["sum"]) for p in shown["platforms"]],
              [("boss", 2, "0.57"), ("gold", 1, "0.24")], "the matrix by platform")

        traced = world.gateway.json("cdr", "trace", "G2")
        path = os.path.join(folder(world), files[1]["name"])
        with open(path, "rb") as file:
            file.seek(traced["offset"])
            equal(file.readline().decode().split("|")[1], "G2", "the place")
        equal((traced["file"], lines(path)[traced["line"] - 1].split("|")[1]), (path, "G2"), "the line")
        equal([lines(os.path.join(parts, p["name"]))[p["line"] - 1] for p in traced["platforms"]],
              ["D|G2|0.24", "D|A1|G2"], "its lines at platforms")
        equal(world.gateway.run("cdr", "trace", "X9").status, 4, "no such record")
        world.gateway.ok("verify")
        equal(lines(os.path.join(archive, files[0]["name"])), lines(os.path.join(folder(world), files[0]["name"])),
              "the archive's copy")

        def put_in(name, text):
            with open(os.path.join(incoming, ".part"), "w", encoding="utf-8") as file:
                file.write(text)
            os.rename(os.path.join(incoming, ".part"), os.path.join(incoming, name))
        whole = "\n".join(lines(path)) + "\n"
        put_in("theirs.dat", whole)
        put_in("altered.dat", whole.replace("|0.33", "|0.34"))
        put_in("newer.dat", whole.replace("sallyport-cdr-2", "sallyport-cdr-9"))
        for name, at in (("theirs.dat", "done"), ("altered.dat", "refused"), ("newer.dat", "refused")):
            wait_until(name, lambda name=name, at=at: os.path.exists(os.path.join(incoming, at, name)),
                       log=world.gateway.log_tail)
        put_in("theirs.dat", whole)  # once more, of the same name: the one that is there stays
        wait_until("both", lambda: os.path.exists(os.path.join(incoming, "done", "theirs.dat.2")),
                   log=world.gateway.log_tail)
        equal(lines(os.path.join(incoming, "done", "theirs.dat")), lines(path), "the first one")
        for name in (names[1], "GOLD_000002.dat"):
            equal(lines(os.path.join(incoming, "platforms", name)), lines(os.path.join(parts, name)), "split the same")
        standing = {a["subject"]: a["id"] for a in world.gateway.json("alarms")["alarms"]
                    if a["kind"] == "full-file-unrouted" and a["state"] == "standing"}
        equal(sorted(standing), ["music/000001", "music/000002"], "one for each file, whatever came behind it")
        world.gateway.ok("alarms", "acknowledge", standing["music/000001"])
        equal([a["subject"] for a in world.gateway.json("alarms")["alarms"]
               if a["kind"] == "full-file-unrouted" and a["state"] != "cleared"], ["music/000002"], "seen, and over")

        # the archive is away: an alarm tells it, and what others have put there does not wait for it
        os.rename(archive, archive + ".away")
        with open(archive, "w", encoding="utf-8"):
            pass
        music.rate("u3", usage.record("S3"))
        equal(world.gateway.run("cdr", "close").status != 0, True, "no archive")

        def failing():
            return [a for a in world.gateway.json("alarms")["alarms"]
                    if a["kind"] == "full-file-failing" and a["state"] != "cleared"]
        wait_until("the alarm", lambda: [a["subject"] for a in failing()] == ["music"], log=world.gateway.log_tail)
        put_in("later.dat", whole)
        wait_until("it does not wait", lambda: os.path.exists(os.path.join(incoming, "done", "later.dat")),
                   log=world.gateway.log_tail)
        os.remove(archive)
        os.rename(archive + ".away", archive)
        wait_until("no alarm", lambda: not failing(), log=world.gateway.log_tail)
        equal(world.gateway.json("cdr", "show", "3")["records"], 1, "it is made")
        refused = os.path.join(incoming, "refused")
        other = os.path.join(world.folder, "other")
        equal([world.gateway.run("cdr", "split", os.path.join(refused, name), "--into", other).status
               for name in ("altered.dat", "newer.dat")], [11, 3], "altered, and of a form that is not known")
        with open(path, "a", encoding="utf-8") as file:
            file.write("D|more\n")
        found = world.gateway.run("verify")
        equal((found.status, "is not as it was written" in found.out + found.err), (6, True), "an altered one")
        with open(path, "w", encoding="utf-8") as file:
            file.write(whole)
        finish(world)
