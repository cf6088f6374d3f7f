"""What is credited for a day whose reconciliation is published: it is told, and a version has it in the end."""
import json
import os

import accruals
from harness import equal, has, lacks, test, wait_until
from statements import DAY, bring, lines_of, recon_world, run, wait_pushed

OTHER = "2024-11-21"


def late(world):
    """What the alarms of this kind that stand are about."""
    return sorted(alarm["subject"] for alarm in world.gateway.json("alarms")["alarms"]
                  if alarm["kind"] == "recon-late" and alarm["state"] == "standing")


def wait_late(world, *subjects):
    wait_until(f"the alarms about {subjects}", lambda: late(world) == sorted(subjects), log=world.gateway.log_tail)


def versions(world):
    return [(task["period"], task["version"], task["state"], task["records"])
            for task in world.gateway.json("recon", "list")["tasks"]]


@test
def what_is_credited_late_for_a_published_day_is_told_until_a_version_has_it():
    with recon_world() as world:
        world.start()
        bring(world, "A", accruals.records(10, prefix="A"))
        run(world)
        bring(world, "B", accruals.records(10, prefix="A"), sequence=2)     # duplicates: nothing of it is credited
        bring(world, "C", accruals.records(5, prefix="C"), sequence=3, day=OTHER)   # not published yet
        bring(world, "D", accruals.records(3, prefix="D"), sequence=4)
        wait_late(world, f"acme-daily {DAY}")
        status = world.gateway.run("status").out
        has(status, "recon-late", "status")
        has(status, "POINTS_D.dat.pgp came after version 1 was made, and is in no version; `sallyport recon run "
                    f"acme-daily --date {DAY} --again` makes version 2 with it", "status")
        has(world.gateway.log(), "recon-late", "the log")
        equal(len(versions(world)), 1, "what was made by itself")
        world.gateway.stop()
        world.start()
        run(world, day=OTHER)
        bring(world, "E", accruals.records(2, prefix="E"), sequence=5, day=OTHER)
        wait_late(world, f"acme-daily {DAY}", f"acme-daily {OTHER}")
        equal(run(world, "--again")["records"], 13, "the version that has it")
        wait_late(world, f"acme-daily {OTHER}")
        equal(run(world, "--again", day=OTHER)["records"], 7, "the other day's")
        wait_late(world)
        world.settle()


@test
def the_next_version_is_made_by_itself_where_the_configuration_says_so():
    with recon_world(late="new-version", **{"late-wait": "1s"}) as world:
        world.start()
        bring(world, "A", accruals.records(10, prefix="A"))
        run(world)
        for n, name in enumerate("BCD", 2):
            world.drop(f"POINTS_{name}.dat.pgp", accruals.records(n, prefix=name),
                       header=f"H|ACME|{DAY}|{n:06d}|1")
        for name in "BCD":
            world.gateway.wait_state(f"POINTS_{name}.dat.pgp", "closed")
        wait_until("a version that has all", lambda: (DAY, max(v for _, v, _, _ in versions(world)), "done", 19)
                   in versions(world), log=world.gateway.log_tail)
        wait_late(world)
        last = max(world.gateway.json("recon", "list")["tasks"], key=lambda task: task["version"])
        equal(len(lines_of(world, last["task"])), 19, "its lines")
        wait_pushed(world, last["version"])
        world.settle()


@test
def a_supplement_has_what_no_version_has_and_says_what_it_adds_to():
    with recon_world(late="supplement", push=None, **{"late-wait": "1s"}) as world:
        world.start()
        bring(world, "A", accruals.records(10, prefix="A"))
        run(world)
        bring(world, "B", accruals.records(3, prefix="B"), sequence=2)
        wait_until("the first supplement", lambda: (DAY, 2, "done", 3) in versions(world), log=world.gateway.log_tail)
        bring(world, "C", accruals.records(4, prefix="C"), sequence=3)
        wait_until("the second one", lambda: (DAY, 3, "done", 4) in versions(world), log=world.gateway.log_tail)
        wait_late(world)
        last, _, first = sorted(world.gateway.json("recon", "list")["tasks"], key=lambda task: -task["version"])
        equal({line.split(",")[0][0] for line in lines_of(world, last["task"])}, {"C"}, "keys of the last one")
        equal([told(world, task) for task in (first, last)], [None, 2], "what they add to")
        world.gateway.ok("recon", "run", "acme-daily", "--date", DAY, "--again")
        equal(sorted(version for _, version, _, _ in versions(world)), [1, 2, 3], "nothing came: no version")
        world.settle()


def told(world, task):
    with open(os.path.join(world.state, "lanes", "points", "recon", task["task"], task["manifest"])) as file:
        return json.load(file).get("supplements")


@test
def records_with_days_of_their_own_are_late_for_each_of_them():
    with recon_world() as world:
        record = world.configuration.layouts["accrual-v1"]['record "D"']
        record['field "store"'] = {"type": "date"}
        world.feed.settings["business-date"] = "store"
        world.start()

        def made(prefix, *days):
            records = accruals.records(len(days), prefix=prefix)
            for one, day in zip(records, days):
                one.store = day
            return records

        bring(world, "A", made("A", DAY, OTHER))
        run(world)
        run(world, day=OTHER)
        bring(world, "B", made("B", "2024-11-22", "2024-11-22"), sequence=2)
        bring(world, "C", made("C", "2024-11-22", OTHER), sequence=3)
        wait_late(world, f"acme-daily {OTHER}")
        bring(world, "D", made("D", OTHER, DAY), sequence=4)
        wait_late(world, f"acme-daily {DAY}", f"acme-daily {OTHER}")
        equal([run(world, "--again")["records"], run(world, "--again", day=OTHER)["records"]], [2, 3], "records")
        wait_late(world)


@test
def files_that_come_late_are_told_for_a_reconciliation_of_files():
    with recon_world(read={"from": "files", "ledger": None, "columns": ["name", "accepted"]}) as world:
        world.start()
        bring(world, "A", accruals.records(3, prefix="A"))
        run(world)
        bring(world, "B", accruals.records(3, prefix="A"), sequence=2)     # all duplicates, and yet a file
        wait_late(world, f"acme-daily {DAY}")
        equal(run(world, "--again")["records"], 2, "records")
        wait_late(world)
        lacks(world.gateway.ok("status").out, "recon-late", "status")
