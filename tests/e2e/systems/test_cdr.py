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
