"""A ledger that feeds share or that is busy; feeds that are taken away and come back; files that are refused by hand or
whole."""
import os
import signal
import sqlite3

import accruals
from accruals import Record
from configuration import Feed
from harness import equal, has, lacks, test, wait_until
from world import World


def record_of(number, points="100", **fields):
    return Record(f"M{number:09d}", f"R-{number:08d}", points, **fields)


@test
def two_feeds_share_a_ledger_and_a_key_counts_once_and_what_one_masks_is_masked():
    with World() as world:
        open_layout = {**world.configuration.layouts["accrual-v1"]}
        open_layout['record "D"'] = {name: {k: v for k, v in body.items() if k != "mask"} for name,
                                     body in open_layout['record "D"'].items()}
        world.configuration.layouts["open"] = open_layout
        masked = world.configuration.layouts["accrual-v1"]['record "D"']
        masked['field "points"'] = {**masked['field "points"'], "mask": True}
        first = Feed("open-points")
        first.settings["layout"], first.source["match"] = "open", "OPEN_*.pgp"
        world.configuration.lanes["points"].insert(0, first)
        world.start()
        made = [record_of(1, "4711"), record_of(2, "4712")]
        world.drop("POINTS_s.dat.pgp", made)
        world.feedback("POINTS_s.dat.pgp")
        world.drop("OPEN_s.dat.pgp", [made[0], record_of(2, "4713"), record_of(3, "4714")])
        told = world.feedback("OPEN_s.dat.pgp")
        equal([code for _, _, code in told.results], ["K003", "K004", ""], "the same keys through another feed")
        for words in (["entries"], ["entries", "--json"], ["trace", "R-00000001"], ["trace", "--json", "R-00000001"]):
            shown = world.gateway.ok(*words).out
            lacks(shown, "M000000001", f"what {words} shows")
            lacks(shown, "4711", f"what {words} shows")
        has(world.gateway.ok("entries", "--unmask").out, "4711", "entries --unmask")
        world.settle()


class Locked:
    """The ledger's shards, so that posting waits."""

    def __init__(self, world):
        self.paths = [os.path.join(world.state, "lanes", "points", f"miles.ledger-{i}.db") for i in (0, 1)]

    def __enter__(self):
        self.connections = [sqlite3.connect(path, timeout=30, isolation_level=None) for path in self.paths]
        for connection in self.connections:
            connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, *_):
        for connection in self.connections:
            connection.execute("ROLLBACK")
            connection.close()


@test
def a_feed_whose_file_is_being_posted_cannot_be_taken_away_and_the_file_goes_on():
    with World() as world:
        world.start()
        world.drop("POINTS_w.dat.pgp", accruals.records(3, prefix="WARM"))
        world.feedback("POINTS_w.dat.pgp")
        world.settle()
        removed = world.feed
        with Locked(world):
            world.drop("POINTS_live.dat.pgp", accruals.records(30))
            world.gateway.wait_state("POINTS_live.dat.pgp", "posting")
            other = Feed("other-points")
            other.source["match"] = "OTHER_*.pgp"
            world.configuration.lanes["points"] = [other]
            world.write_configuration()
            world.gateway.process.send_signal(signal.SIGHUP)
            wait_until("the reload to be refused", lambda: "reload-refused" in world.gateway.log(),
                       log=world.gateway.log_tail)
            status = world.gateway.run("status", "--json")
            equal(status.status, 3, "status's exit status")
            equal(status.json()["lanes"][0]["without_feed"], {"acme-points": 1}, "status --json")
            has(world.gateway.run("status").out, "1 of them not at their end", "status")
        equal(world.feedback("POINTS_live.dat.pgp").accepted, 30, "accepted by the configuration that stayed in force")
        world.configuration.lanes["points"].append(removed)
        world.write_configuration()
        world.gateway.process.send_signal(signal.SIGHUP)
        world.settle()
        equal(world.gateway.json("status")["lanes"][0]["without_feed"], {}, "status --json")


@test
def a_file_rejected_by_hand_before_its_validation_is_answered_with_the_reason():
    with World() as world:
        world.start()
        world.drop("POINTS_w.dat.pgp", accruals.records(3, prefix="WARM"))
        world.feedback("POINTS_w.dat.pgp")
        with Locked(world):
            world.drop("POINTS_1.dat.pgp", accruals.records(300, prefix="SAME"))
            world.gateway.wait_state("POINTS_1.dat.pgp", "posting")
            world.drop("POINTS_2.dat.pgp", accruals.records(30, prefix="SAME"))
            world.gateway.wait_state("POINTS_2.dat.pgp", "staged")
            wait_until("it to be held",
                       lambda: world.gateway.run("hold", "POINTS_2.dat.pgp", "--reason", "asked").status == 0)
            world.gateway.ok("reject", "POINTS_2.dat.pgp", "--reason", "withdrawn by phone")
            equal(world.raw_answer("POINTS_2.dat.pgp", "EX"),
                  b"H|POINTS_2.dat.pgp|REJECTED|F006|withdrawn by phone\nT|0|0|0|0|0\n", "the answer")
        equal(world.feedback("POINTS_1.dat.pgp").accepted, 300, "accepted of the other")
        world.settle()


@test
def a_conflict_sends_the_whole_file_back_where_the_feed_says_so():
    with World() as world:
        world.feed.settings["on-reject"] = "file"
        world.feed.feedback.update({"if-exists": "replace", "compress": "zlib"})
        world.start()
        world.drop("POINTS_1.dat.pgp", accruals.records(3))
        world.feedback("POINTS_1.dat.pgp")
        made = accruals.records(3)
        made[1].points = "77"
        with open(os.path.join(world.partner.incoming, "POINTS_2_EX.dat.pgp"), "w") as file:
            file.write("something of the partner's own")
        world.drop("POINTS_2.dat.pgp", [*made, record_of(9)])
        told = world.exception("POINTS_2.dat.pgp")
        equal([code for _, _, code in told.results], ["K003", "K004", "K003", "F004"], "codes")
        has(told.message, "line 3: K004", "the file's reason")
        world.drop("POINTS_3.dat.pgp", [*accruals.records(3), record_of(9)])
        told = world.feedback("POINTS_3.dat.pgp")
        equal([result for _, result, _ in told.results], ["DUPLICATE"] * 3 + ["OK"],
              "duplicates alone are no reason to refuse")
        world.settle()


HUGE = "5000000000000000000"


def codes_of(told):
    return [code for _, _, code in told.results]


def world_of_huge_amounts(on_reject):
    world = World()
    world.feed.settings["on-reject"] = on_reject
    del world.feed.rules["points-range"]
    return world


@test
def a_balance_beyond_64_bits_is_refused_before_anything_is_posted_also_of_files_that_come_at_once():
    with world_of_huge_amounts("record") as world:
        names = [f"POINTS_{n}.dat.pgp" for n in range(4)]
        for n, name in enumerate(names):    # each alone fits, no two of them do; each has a record that fits always
            world.drop(name, [Record("M000000001", f"H-{n}", HUGE), Record(f"M00000001{n}", f"S-{n}", "7")])
        world.start()
        told = [codes_of(world.feedback(name)) for name in names]
        equal(sorted(told), [["", ""]] + [["K005", ""]] * 3, "one is credited")
        world.drop("POINTS_8.dat.pgp", [Record("M000000002", "T-1", HUGE)])
        equal(codes_of(world.feedback("POINTS_8.dat.pgp")), [""], "another account, with which the sum leaves 64 bits")
        world.drop("POINTS_9.dat.pgp", accruals.records(200))
        equal(world.feedback("POINTS_9.dat.pgp").accepted, 200, "accepted of what comes behind")
        has(world.gateway.ok("show", names[told.index(["K005", ""])]).out, "K005", "show")
        has(world.gateway.ok("verify").out, "206 credits of 10000000000000020626 in miles", "verify")
        plain = os.path.join(world.folder, "plain.dat")
        world.feed.source["envelope"] = "unprotected-plain-text"
        with open(plain, "w", encoding="utf-8") as file:
            file.write(accruals.text([Record("M000000001", "X-1", HUGE), Record("M000000001", "X-2", "5")]))
        world.write_configuration()
        has(world.gateway.ok("try", "acme-points", plain).out, "K005", "try")


@test
def a_balance_beyond_64_bits_sends_the_whole_file_back_where_the_feed_says_so():
    with world_of_huge_amounts("file") as world:
        world.drop("POINTS_1.dat.pgp", [Record("M000000001", "H-1", HUGE)])
        world.start()
        world.feedback("POINTS_1.dat.pgp")
        world.drop("POINTS_2.dat.pgp", [Record("M000000002", "H-2", "7"), Record("M000000001", "H-3", HUGE)])
        told = world.exception("POINTS_2.dat.pgp")
        equal((told.code, codes_of(told)), ("F004", ["F004", "K005"]), "the answer")
        has(told.message, "line 3: K005", "the file's reason")
        equal(world.credits(), (1, int(HUGE)), "credits")
        world.settle()


@test
def a_file_without_its_credits_is_told_by_verify():
    with World() as world:
        for n in range(3):
            world.drop(f"POINTS_{n}.dat.pgp", accruals.records(5, prefix=f"P{n}"))
        world.start()
        for n in range(3):
            world.feedback(f"POINTS_{n}.dat.pgp")
        world.settle()
        has(world.gateway.ok("verify").out, "3 files, 15 records, 15 credits", "verify")
        world.gateway.stop()
        moved = world.gateway.json("files")["files"][0]["id"]

        def rename(old, new):
            for path in Locked(world).paths:
                with sqlite3.connect(path) as shard:
                    shard.execute("UPDATE posting SET file = ? WHERE file = ?", (new, old))
                shard.close()

        rename(moved, "zzzzzzzzzzzzzzzz")
        result = world.gateway.run("verify")
        equal(result.status, 6, "verify's exit status")
        has(result.out, f"conservation: file {moved} (closed) has 0 credits, and should have 5 to 5", "verify")
        rename("zzzzzzzzzzzzzzzz", moved)
        world.gateway.ok("verify")


@test
def verify_finds_nothing_wrong_at_any_moment_while_files_are_posted():
    with World() as world:
        world.feed.batch = {"size-min": 25, "size-max": 25, "allow-any-size": True}
        names = [f"POINTS_{n:02d}.dat.pgp" for n in range(30)]
        for n, name in enumerate(names):
            world.drop(name, accruals.records(100, prefix=f"P{n:02d}"))
        world.start()
        looks = 0
        while sum(f["state"] == "closed" for f in world.gateway.files()) < len(names):
            result = world.gateway.run("verify")
            equal(result.status, 0, f"verify, look {looks}: {result.out}")
            looks += 1
        assert looks > 0, "no look while files were posted"
        has(world.gateway.ok("verify").out, "30 files, 3000 records, 3000 credits", "verify")
        world.settle()
