"""The working day of what is watched: numbers, what is owed, alarms."""
import json
import os
import sqlite3

import accruals
from harness import equal, wait_until
from watching import calendar, lane, midday_zone, standing, today, with_command


class Morning:
    """Numbered files: one waits for its predecessor, one has a number that was used. Answers have numbers of ours. A
    day was missed while the gateway was down, and a command is told of it."""
    name = "morning"

    first = {"POINTS_0001.dat.pgp": "FB"}
    later = {"POINTS_0002.dat.pgp": "FB", "POINTS_0003.dat.pgp": "FB", "POINTS_x0001.dat.pgp": "EX"}

    @staticmethod
    def configure(feed):
        feed.settings["sequence"] = {"name": "POINTS_*{sequence:4}.dat.pgp", "on-gap": "wait", "wait-limit": "10m",
                                     "on-reused": "reject"}
        feed.settings['expect "daily"'] = {"by": "11:00", "time-zone": midday_zone(), "calendar": "all"}
        feed.feedback.update({"name": "{sequence:3}_{stem}_FB.dat.pgp",
                              "exception-name": "{sequence:3}_{stem}_EX.dat.pgp"})

    @staticmethod
    def prepare(world):
        """The gateway has run before, and was down yesterday."""
        with_command(world)
        world.configuration.extra += calendar("all", weekend=3, holiday=4)
        world.start()
        wait_until("the first due day", lambda: lane(world)["due"], log=world.gateway.log_tail)
        world.gateway.stop()
        book = sqlite3.connect(os.path.join(world.state, "lanes/points/book.db"))
        with book:
            book.execute("UPDATE expectation SET day = ?, state = 'met', opens_at = 0, due_at = 1, closes_at = 2",
                         (today(-2),))
        book.close()

    @staticmethod
    def drop_first(world):
        world.drop("POINTS_0001.dat.pgp", accruals.records(5, prefix="ONE"))

    @staticmethod
    def drop_later(world):
        world.drop("POINTS_0003.dat.pgp", accruals.records(5, prefix="THREE"), sequence=3)
        world.drop("POINTS_x0001.dat.pgp", accruals.records(5, prefix="AGAIN"))
        world.gateway.wait_state("POINTS_0003.dat.pgp", "staged")
        world.drop("POINTS_0002.dat.pgp", accruals.records(5, prefix="TWO"), sequence=2)

    @staticmethod
    def finish(world, is_done):
        missing = ("file-missing", f"acme-points daily {today(-1)}")
        refused = ("file-rejected", "acme-points")  # the number that was used
        wait_until("these two alarms to stand", lambda: sorted(standing(world)) == [missing, refused],
                   log=world.gateway.log_tail)
        wait_until("it to be told", lambda: any(a["kind"] == "file-missing" and a["told"] == 1
                                                for a in lane(world)["alarms"]), seconds=60,
                   log=world.gateway.log_tail)
        with open(os.path.join(world.folder, "told.jsonl")) as file:
            told = [json.loads(line)["subject"] for line in file if line.endswith("}\n")]
        assert told.count(missing[1]) in (1, 2), f"told {told}"  # a crash between telling and noting it tells once more
        numbers = sorted(int(name[:3]) for name in world.partner.received())
        equal(numbers, [1, 2, 3, 4], "the numbers of the answers")
