"""Crediting points: each file once, opened, staged, checked, posted in batches, answered once; whatever dies
whenever."""
import os

import accruals
import invariants
from harness import equal, has, test, wait_until
from ledger_lock import LedgerLock
from world import World


def history(world, name):
    """The states that a file went through, in order."""
    return [row["event"] for row in world.gateway.json("show", name)["history"] if row["event"].isalpha()]


def warm_up(world):
    """One file through the whole way, so that the ledger is there."""
    world.drop("POINTS_warm.dat.pgp", accruals.records(3, prefix="WARM"))
    world.gateway.wait_state("POINTS_warm.dat.pgp", "closed")


@test(quick=True)
def a_file_comes_in_and_its_feedback_goes_back():
    with World() as world:
        world.start()
        made = accruals.records(120, broken={7, 70})
        world.drop("POINTS_A.dat.pgp", made)
        answer = world.feedback("POINTS_A.dat.pgp")
        equal((answer.verdict, answer.lines, answer.accepted, answer.rejected), ("ACCEPTED", 120, 118, 2), "feedback")
        equal([key for key, _, _ in answer.results], [r.reference for r in made], "a result for each record, in order")
        equal(answer.of("R-00000007"), [("REJECTED", "E012")], "the record that breaks a rule")
        world.settle()
        equal(world.credits(), (118, sum(int(r.points) for r in made if int(r.points) <= 100000)), "credits")
        expected = ["seen", "admitted", "fetched", "opened", "staged", "validated", "posting", "posted", "sealed",
                    "answered", "closed"]
        equal([s for s in history(world, "POINTS_A.dat.pgp") if s in expected], expected, "the states it went through")


@test
def each_file_is_collected_once_also_across_restarts():
    with World() as world:
        world.feed.source["after"] = "keep"
        world.start()
        for i in range(3):
            world.drop(f"POINTS_{i}.dat.pgp", accruals.records(20, prefix=f"F{i}"))
        for i in range(3):
            world.feedback(f"POINTS_{i}.dat.pgp")
        world.settle()
        before = world.credits()
        for how in (world.gateway.stop, world.gateway.kill):
            how()
            world.restart()
            world.drop(f"POINTS_{how.__name__}.dat.pgp", accruals.records(5, prefix=how.__name__))
            world.feedback(f"POINTS_{how.__name__}.dat.pgp")
            world.settle()
        equal(world.credits()[0], before[0] + 10, "credits after two restarts")
        equal(len(world.gateway.files()), 5, "files in the book")


@test
def a_file_that_breaks_rules_goes_back_whole_and_credits_nothing():
    with World() as world:
        world.feed.settings["on-reject"] = "file"
        world.start()
        world.drop("POINTS_bad.dat.pgp", accruals.records(30, broken={11}))
        answer = world.exception("POINTS_bad.dat.pgp")
        equal((answer.verdict, answer.accepted, answer.amount), ("REJECTED", 0, 0), "exception file")
        equal(answer.lines, 30, "lines in it")
        has(answer.of("R-00000011")[0][1], "E012", "the broken rule's code")
        world.settle()
        world.assert_nothing_credited()
        world.drop("POINTS_good.dat.pgp", accruals.records(30))
        equal(world.feedback("POINTS_good.dat.pgp").accepted, 30, "the same keys in a repaired file")
        world.settle()


@test
def a_file_of_fewer_than_x_records_is_one_batch_and_more_are_chunks():
    with World() as world:
        world.feed.batch = {"size-min": 2500, "size-max": 2500}
        world.start()
        for count, batches in ((2499, 1), (2500, 1), (2501, 2)):
            name = f"POINTS_{count}.dat.pgp"
            world.drop(name, accruals.records(count, prefix=f"N{count}"))
            equal(world.feedback(name).accepted, count, "accepted")
            shown = world.gateway.json("show", name)["batches"]
            equal(len(shown), batches, f"batches of {count} records")
            equal(sum(b["last"] - b["first"] + 1 for b in shown), count, "records in batches")
        world.settle()


@test
def the_batch_size_is_within_its_range_unless_asked_for_explicitly():
    with World() as world:
        world.feed.batch = {"size-min": 10, "size-max": 10}
        world.write_configuration()
        refused = world.gateway.run("check")
        equal(refused.status, 3, "exit status of check")
        has(refused.out + refused.err, "allow-any-size", "what check says")
        world.feed.batch["allow-any-size"] = True
        world.start()
        world.drop("POINTS_small.dat.pgp", accruals.records(95))
        world.feedback("POINTS_small.dat.pgp")
        equal(len(world.gateway.json("show", "POINTS_small.dat.pgp")["batches"]), 10, "batches")
        world.settle()


@test
def the_batch_size_without_a_word_about_it_is_between_2500_and_5000():
    with World() as world:
        world.feed.batch = None
        world.start()
        world.drop("POINTS_many.dat.pgp", accruals.records(5001))
        world.feedback("POINTS_many.dat.pgp")
        sizes = [b["last"] - b["first"] + 1 for b in world.gateway.json("show", "POINTS_many.dat.pgp")["batches"]]
        assert max(sizes) <= 5000 and len(sizes) in (2, 3), sizes
        world.settle()


@test
def a_new_file_is_taken_in_while_an_older_one_is_still_accruing():
    with World() as world:
        world.start()
        warm_up(world)
        with LedgerLock(world, 0), LedgerLock(world, 1):
            world.drop("POINTS_old.dat.pgp", accruals.records(6000, prefix="OLD"))
            world.gateway.wait_state("POINTS_old.dat.pgp", "posting")
            world.drop("POINTS_new.dat.pgp", accruals.records(50, prefix="ZNEW"))
            world.gateway.wait_state("POINTS_new.dat.pgp", "staged", "validated", "posting")
            equal(world.gateway.file("POINTS_old.dat.pgp")["state"], "posting", "the older file meanwhile")
            shown = world.gateway.json("show", "POINTS_old.dat.pgp")
            equal({b["state"] for b in shown["batches"]}, {"pending"}, "progress per batch")
            has(world.gateway.ok("trace", "POINTS_old.dat.pgp:5").out, "not credited yet", "progress per record")
            equal(world.credits()[0], 3, "credits so far")
        equal(world.feedback("POINTS_new.dat.pgp").accepted, 50, "accepted of the new")
        equal(world.feedback("POINTS_old.dat.pgp", seconds=60).accepted, 6000, "accepted of the old")
        world.settle()


@test
def progress_can_be_asked_per_file_batch_and_record():
    with World() as world:
        world.start()
        made = accruals.records(40, broken={9})
        world.drop("POINTS_P.dat.pgp", made)
        world.feedback("POINTS_P.dat.pgp")
        world.settle()
        row = world.gateway.file("POINTS_P.dat.pgp")
        equal((row["state"], row["records"], row["accepted"], row["rejected"]), ("closed", 40, 39, 1), "per file")
        batch, = world.gateway.json("show", row["id"])["batches"]
        equal((batch["state"], batch["accepted"], batch["rejected"]), ("posted", 39, 1), "per batch")
        accepted = world.gateway.ok("trace", f"{row['id']}:2").out
        has(accepted, "R-00000001", "trace of line 2")
        has(world.gateway.ok("trace", f"{row['id']}:10").out, "E012", "trace of line 10")
        has(world.gateway.ok("trace", "R-00000001").out, "POINTS_P.dat.pgp", "trace of a key")
        account = made[0].member
        expected = sum(int(r.points) for r in made if r.member == account)
        equal(int(world.gateway.json("balance", account)["balance"]), expected, "balance")


@test
def every_accepted_file_has_exactly_one_feedback_with_each_line_in_it():
    with World() as world:
        world.start()
        for i in range(12):
            world.drop(f"POINTS_{i:02d}.dat.pgp", accruals.records(10 + i, prefix=f"B{i}", broken={1 + i % 3}))
        for i in range(12):
            answer = world.feedback(f"POINTS_{i:02d}.dat.pgp")
            equal((answer.lines, answer.rejected), (10 + i, 1), "lines and rejected")
        world.settle()
        equal(len(world.partner.received()), 12, "files at the partner's")


@test
def feedback_is_pushed_until_it_is_there_and_then_not_again():
    with World() as world:
        world.start()
        warm_up(world)
        with LedgerLock(world, 0), LedgerLock(world, 1):
            world.drop("POINTS_late.dat.pgp", accruals.records(20))
            world.gateway.wait_state("POINTS_late.dat.pgp", "posting")
            world.sshd.stop()
        world.gateway.wait_state("POINTS_late.dat.pgp", "sealed")

        wait_until("two failed pushes", lambda: world.gateway.log().count("for=endpoint") >= 2,
                   log=world.gateway.log_tail)
        feed, = world.gateway.json("status")["lanes"][0]["feeds"]
        has(feed["problem"], "Connection refused", "the problem in status")
        equal(world.partner.received(), ["POINTS_warm_FB.dat.pgp"], "at the partner's so far")
        world.sshd.start()
        equal(world.feedback("POINTS_late.dat.pgp", seconds=90).accepted, 20, "accepted")
        world.settle()
        equal(sum(name.startswith("POINTS_late") for name in world.partner.received()), 1, "copies of it")


@test(quick=True)
def nothing_is_lost_or_doubled_when_everything_is_killed_in_the_middle():
    with World() as world:
        world.start()
        warm_up(world)
        with LedgerLock(world, 0):
            world.drop("POINTS_mid.dat.pgp", accruals.records(12000, prefix="MID"))
            world.gateway.wait_state("POINTS_mid.dat.pgp", "posting")
            world.gateway.kill()
        world.restart()
        equal(world.feedback("POINTS_mid.dat.pgp", seconds=60).accepted, 12000, "accepted")
        world.settle()


@test
def a_killed_lane_comes_back_and_finishes_its_work():
    with World() as world:
        world.start()
        warm_up(world)
        for round_ in range(2):
            name = f"POINTS_{round_}.dat.pgp"
            lane, = wait_until("a lane", lambda: world.gateway.named("lane"), log=world.gateway.log_tail)
            world.drop(name, accruals.records(3000, prefix=f"L{round_}"))
            world.gateway.wait_state(name, "admitted", "fetched", "opened", "staged", "validated", "posting", "posted",
                                     "sealed", "closed")
            os.kill(lane, 9)
            equal(world.feedback(name, seconds=60).accepted, 3000, "accepted")
            assert lane not in world.gateway.named("lane")
        world.settle()


@test
def couriers_killed_again_and_again_delay_a_file_but_lose_nothing():
    with World() as world:
        world.start()
        world.drop("POINTS_c.dat.pgp", accruals.records(2000))
        killed = 0
        while killed < 4 and world.answer_name("POINTS_c.dat.pgp", "FB") + ".ok" not in world.partner.markers():
            courier = wait_until("a courier", lambda: world.gateway.named("courier"), pause=0.002,
                                 log=world.gateway.log_tail)[0]
            try:
                os.kill(courier, 9)
                killed += 1
            except ProcessLookupError:
                pass
            wait_until("it to be gone", lambda: courier not in world.gateway.named("courier"))
        equal(world.feedback("POINTS_c.dat.pgp", seconds=60).accepted, 2000, "accepted")
        world.settle()


@test
def lanes_end_when_their_supervisor_is_killed_and_the_next_run_goes_on():
    with World() as world:
        world.start()
        world.drop("POINTS_s.dat.pgp", accruals.records(100))
        world.gateway.wait_state("POINTS_s.dat.pgp", "seen", "admitted", "fetched", "staged", "posted", "sealed",
                                 "closed")
        world.gateway.kill_supervisor()
        world.restart()
        equal(world.feedback("POINTS_s.dat.pgp").accepted, 100, "accepted")
        world.settle()
        invariants.check_children(world)
