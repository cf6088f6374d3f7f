"""Files that say what another file is: digests beside it, indexes of many, key and value; as evidence that it is
complete, and held against what came and what was in it."""
import hashlib
import os

import accruals
from harness import equal, has, test, wait_until
from packers import OtherFeed, answered, finish, opened, problem_of
from waits import waits
from world import World


def sealed(world, count, *, prefix="R"):
    return world.partner.seal(accruals.text(accruals.records(count, prefix=prefix)))


def one_feed(world, **declared):
    retry = declared.pop("retry", 10)
    feed = OtherFeed(world, "declared", ready="declared", marker=None)
    feed.source["declared"] = declared
    feed.settings["retry-limit"] = retry
    world.configuration.lanes = {"points": [feed]}
    return feed


def digest(kind, content):
    return hashlib.new(kind, content).hexdigest()


@test
def digests_as_the_tools_print_them_are_evidence_and_go_where_their_file_goes():
    with World(local=True) as world:
        feed = one_feed(world, file="{name}.sum", format="sums")
        world.start()
        lines = {"md5": "{hex}  {name}\n", "sha1": "{hex} *{name}\n", "sha256": "{hex}\n",
                 "sha512": "{HEX}  ./out/{name}\n"}
        for kind, line in lines.items():
            name, content = f"POINTS_{kind}.dat", sealed(world, 5, prefix=kind)
            feed.put(name, content)
            hexed = digest(kind, content)
            feed.put(name + ".sum", line.format(hex=hexed, HEX=hexed.upper(), name=name).encode())
        for kind in lines:
            equal(opened(world, feed, f"POINTS_{kind}_FB.dat.pgp").accepted, 5, kind)
        finish(world)
        row = world.gateway.file("POINTS_md5.dat")
        equal((row["evidence"]["kind"], row["evidence"]["declared"]["file"]), ("declared", "POINTS_md5.dat.sum"),
              "evidence")
        assert "md5" in row["evidence"]["declared"]
        equal(len(os.listdir(os.path.join(feed.out, "archive"))), 8, "archived at the partner's")
        equal([n for n in os.listdir(feed.out) if n != "archive"], [], "left in the folder")


@test
def a_file_waits_for_its_declaration_and_for_its_declared_size():
    with World(local=True) as world:
        feed = one_feed(world, file="{stem}.ctl", format="pairs",
                        columns=["BYTES:size", "ROWS:records", "SUM:total", "MD5:md5"], retry=100)
        world.start()
        content, made = sealed(world, 40), accruals.records(40)
        feed.put("POINTS_1.dat", content[:100])
        waits(world, "POINTS_1.dat", "declaration", "waits for its declaration")
        pairs = {"BYTES": len(content), "ROWS": 40, "SUM": sum(int(r.points) for r in made),
                 "MD5": digest("md5", content), "REMARK": "a=b"}
        feed.put("POINTS_1.ctl", "".join(f"{k} = {v}\r\n" for k, v in pairs.items() if k != "MD5").encode())
        wait_until("the missing key to be told", lambda: "not all of its keys" in problem_of(world, "POINTS_1.dat"),
                   log=world.gateway.log_tail)
        feed.put("POINTS_1.ctl", "".join(f"{k} = {v}\r\n" for k, v in pairs.items()).encode())
        wait_until("the size to be told",
                   lambda: f"{len(content)} bytes are declared" in problem_of(world, "POINTS_1.dat"),
                   log=world.gateway.log_tail)
        feed.put("POINTS_1.dat", content)
        equal(opened(world, feed, "POINTS_1_FB.dat.pgp").accepted, 40, "accepted")
        finish(world)


@test
def what_is_not_as_declared_is_told_with_both_values():
    with World(local=True) as world:
        feed = one_feed(world, file="{name}.ctl", format="columns",
                        columns=["name", "size", "records", "total", "sha256"], delimiter="|", retry=2)
        world.start()
        cases = {"digest": ("D002", {"sha256": "0" * 64}), "size": ("D001", {"size": 7}),
                 "records": ("D003", {"records": 11}),
                 "total": ("D004", {"total": "999"}), "good": (None, {})}
        for case, (_, wrong) in cases.items():
            name, made = f"POINTS_{case}.dat", accruals.records(10, prefix=case)
            content = world.partner.seal(accruals.text(made))
            values = {"size": len(content), "records": 10, "total": sum(int(r.points) for r in made),
                      "sha256": digest("sha256", content), **wrong}
            feed.put(name, content)
            feed.put(name + ".ctl", "|".join([name, *[str(values[k]) for k in ("size", "records", "total",
                                                                               "sha256")]]).encode() + b"\n")
        for case, (code, wrong) in cases.items():
            answer = opened(world, feed, f"POINTS_{case}_{'EX' if code else 'FB'}.dat.pgp")
            equal((answer.verdict, answer.code), ("REJECTED", code) if code else ("ACCEPTED", ""),
                  f"{case}: {answer.message}")
            for value in wrong.values():
                has(world.gateway.file(f"POINTS_{case}.dat")["reason"], str(value)[:60], case)
        has(world.gateway.file("POINTS_records.dat")["reason"],
            "11 records are declared in POINTS_records.dat.ctl, 10 came", "both values")
        finish(world)
        equal(world.credits()[0], 10, "credits")


@test
def a_declaration_that_was_wrong_and_is_repaired_lets_its_file_in():
    with World(local=True) as world:
        feed = one_feed(world, file="{name}.sha256", format="sums", retry=6)
        world.start()
        content = sealed(world, 5)
        feed.put("POINTS_1.dat.sha256", b"this is no digest\n")
        feed.put("POINTS_1.dat", content)
        wait_until("the unreadable declaration to be told",
                   lambda: "not a line of md5sum" in problem_of(world, "POINTS_1.dat"), log=world.gateway.log_tail)
        feed.put("POINTS_1.dat.sha256", f"{digest('sha256', b'other')}  POINTS_1.dat\n".encode())
        wait_until("the other digest to be told", lambda: "is declared in" in problem_of(world, "POINTS_1.dat"),
                   log=world.gateway.log_tail)
        feed.put("POINTS_1.dat.sha256", f"{digest('sha256', content)}  POINTS_1.dat\n".encode())
        equal(opened(world, feed, "POINTS_1_FB.dat.pgp").accepted, 5, "accepted")
        finish(world)


@test
def an_index_declares_many_files_and_goes_with_the_last_of_them():
    with World(local=True) as world:
        feed = one_feed(world, file="INDEX_*.csv", format="columns", columns=["name", "-", "size", "md5"])
        world.start()
        contents = {f"POINTS_{n}.dat": sealed(world, 4, prefix=f"N{n}") for n in range(3)}
        feed.put("INDEX_1.csv",
                 "".join(f"{n},whatever,{len(c)},{digest('md5', c)}\n" for n, c in contents.items()).encode())
        for name in list(contents)[:2]:
            feed.put(name, contents[name])
        for name in list(contents)[:2]:
            world.gateway.wait_state(name, "closed") if world.gateway.file(name) else answered(feed, name[:-4]
                                                                                               + "_FB.dat.pgp")
        world.gateway.wait_quiet()
        assert os.path.exists(os.path.join(feed.out, "INDEX_1.csv")), "the index is still needed"
        feed.put("POINTS_9.dat", sealed(world, 1, prefix="UNLISTED"))
        feed.put("POINTS_2.dat", contents["POINTS_2.dat"])
        world.gateway.wait_state("POINTS_2.dat", "closed") if world.gateway.file("POINTS_2.dat") else answered(feed,
            "POINTS_2_FB.dat.pgp")
        wait_until("the index to go", lambda: not os.path.exists(os.path.join(feed.out, "INDEX_1.csv")),
                   log=world.gateway.log_tail)
        equal(world.credits()[0], 12, "credits")
        wait_until("the file that no index names to wait",
                   lambda: "waits for its declaration" in problem_of(world, "POINTS_9.dat"), log=world.gateway.log_tail)


@test
def an_index_of_names_that_come_every_day_goes_with_the_last_of_todays():
    with World(local=True) as world:
        feed = one_feed(world, file="INDEX.csv", format="columns", columns=["name", "size", "md5"])
        feed.repeats = {"same-name": "accept"}
        world.start()
        index = os.path.join(feed.out, "INDEX.csv")
        names = ("POINTS_1.dat", "POINTS_2.dat")
        for day in range(2):
            contents = {name: sealed(world, 4, prefix=f"D{day}{name[7]}") for name in names}
            feed.put("INDEX.csv", "".join(f"{n},{len(c)},{digest('md5', c)}\n" for n, c in contents.items()).encode())
            for number, name in enumerate(names, 1):
                feed.put(name, contents[name])
                count = 2 * day + number
                wait_until(f"{name} of day {day}", lambda: [f["state"] for f in world.gateway.files()].count("closed")
                           == count, log=world.gateway.log_tail)
                equal(os.path.exists(index), number == 1, "the index")
        equal(world.credits()[0], 16, "credits")


@test
def indexes_that_contradict_each_other_are_told_and_their_file_waits():
    with World(local=True) as world:
        feed = one_feed(world, file="INDEX_*", format="columns", columns=["name", "records"])
        world.start()
        feed.put("INDEX_1", b"POINTS_1.dat,5\n")
        feed.put("INDEX_2", b"POINTS_1.dat,6\n")
        feed.put("POINTS_1.dat", sealed(world, 5))
        wait_until("the contradiction to be told", lambda: "contradict" in problem_of(world, "POINTS_1.dat"),
                   log=world.gateway.log_tail)
        os.unlink(os.path.join(feed.out, "INDEX_2"))
        equal(opened(world, feed, "POINTS_1_FB.dat.pgp").accepted, 5, "accepted")


@test
def a_digest_beside_a_file_with_a_marker_is_checked_when_it_is_there():
    with World(local=True) as world:
        feed = OtherFeed(world, "optional", declared={"file": "{name}.md5", "format": "sums"})
        feed.settings["retry-limit"] = 1
        world.configuration.lanes = {"points": [feed]}
        world.start()
        feed.drop("POINTS_without.dat", sealed(world, 3, prefix="W"))
        feed.put("POINTS_wrong.dat.md5", b"0" * 32 + b"\n")
        feed.drop("POINTS_wrong.dat", sealed(world, 3, prefix="X"))
        equal(opened(world, feed, "POINTS_without_FB.dat.pgp").accepted, 3, "without a digest")
        equal(opened(world, feed, "POINTS_wrong_EX.dat.pgp").code, "D002", "with a wrong one")
        finish(world)
