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
