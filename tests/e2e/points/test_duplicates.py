"""The four-way duplicate verdict: in the file; the same name with other bytes; another name with the same bytes; a
record's key seen before. Two genuine transactions are never merged, and nothing is credited twice."""
import os

import accruals
from harness import equal, has, test
from world import World


@test
def a_key_that_stands_twice_in_a_file_is_credited_once():
    with World() as world:
        world.start()
        made = accruals.records(10)
        made.append(accruals.Record(made[2].member, made[2].reference, made[2].points))
        world.drop("POINTS_twice.dat.pgp", made)
        answer = world.feedback("POINTS_twice.dat.pgp")
        equal((answer.lines, answer.accepted), (11, 10), "lines and accepted")
        results = [result for result, _ in answer.of(made[2].reference)]
        equal((results[0], results[1] == "OK"), ("OK", False), "first and second time")
        world.settle()


@test
def a_key_seen_in_an_earlier_file_is_a_duplicate_and_another_amount_a_conflict():
    with World() as world:
        world.start()
        first = accruals.records(10)
        world.drop("POINTS_1.dat.pgp", first)
        world.feedback("POINTS_1.dat.pgp")
        again = accruals.Record(first[0].member, first[0].reference, first[0].points)
        conflict = accruals.Record(first[1].member, first[1].reference, str(int(first[1].points) + 1))
        moved = accruals.Record("M000000999", first[2].reference, first[2].points)
        fresh = accruals.records(5, prefix="NEW")
        world.drop("POINTS_2.dat.pgp", [again, conflict, moved, *fresh], sequence=2)
        answer = world.feedback("POINTS_2.dat.pgp")
        equal(answer.accepted, 5, "accepted")
        equal(answer.of(again.reference)[0][0], "DUPLICATE", "the same record again")
        equal(answer.of(conflict.reference)[0][0], "REJECTED", "the key with another amount")
        equal(answer.of(moved.reference)[0][0], "REJECTED", "the key with another account")
        world.settle()
        equal(world.credits()[0], 15, "credits")


@test
def the_same_name_with_other_bytes_is_held_and_told_and_a_person_decides():
    with World() as world:
        world.start()
        world.drop("POINTS_n.dat.pgp", accruals.records(10))
        world.feedback("POINTS_n.dat.pgp")
        world.settle()
        world.drop("POINTS_n.dat.pgp", accruals.records(12, prefix="OTHER"))
        row = world.gateway.wait_state("POINTS_n.dat.pgp", "held")
        assert row["reason"], "no reason is told"
        equal(world.credits()[0], 10, "credits")
        has(world.gateway.log(), "held", "the log")
        world.gateway.ok("reject", row["id"], "--reason", "sent by mistake")
        world.gateway.wait_state("POINTS_n.dat.pgp", "closed")
        world.gateway.wait_quiet()
        equal(world.credits()[0], 10, "credits after the rejection")


@test
def the_same_name_with_other_bytes_goes_on_when_a_person_releases_it():
    with World() as world:
        world.start()
        world.drop("POINTS_r.dat.pgp", accruals.records(10))
        world.feedback("POINTS_r.dat.pgp")
        world.settle()
        world.drop("POINTS_r.dat.pgp", accruals.records(12, prefix="OTHER"))
        row = world.gateway.wait_state("POINTS_r.dat.pgp", "held")
        world.gateway.ok("release", row["id"])
        world.gateway.wait_state("POINTS_r.dat.pgp", "closed")
        world.gateway.wait_quiet()
        equal(world.credits()[0], 22, "credits")


@test
def the_same_records_under_another_name_are_a_duplicate_with_one_set_of_credits():
    with World() as world:
        world.start()
        plain = accruals.text(accruals.records(25))
        world.drop("POINTS_x.dat.pgp", plain)
        world.feedback("POINTS_x.dat.pgp")
        world.drop("POINTS_y.dat.pgp", plain)  # sealed anew: other ciphertext, same plaintext
        row = world.gateway.wait_state("POINTS_y.dat.pgp", "closed")
        equal(row["duplicate_of"], world.gateway.file("POINTS_x.dat.pgp")["id"], "duplicate of")
        equal(world.credits()[0], 25, "credits")
        world.settle()


@test
def two_copies_that_arrive_together_credit_once():
    with World() as world:
        world.start()
        plain = accruals.text(accruals.records(400))
        names = [f"POINTS_{i}.dat.pgp" for i in range(4)]
        for name in names:
            world.drop(name, plain)
        for name in names:
            world.gateway.wait_state(name, "closed")
        equal(world.credits()[0], 400, "credits")
        equal(sum(bool(f["duplicate_of"]) for f in world.gateway.files()), 3, "duplicates")
        world.settle()


@test
def a_refused_file_can_be_repaired_and_sent_again_under_its_name():
    with World() as world:
        world.start()
        world.drop("POINTS_fix.dat.pgp", accruals.records(10), count=9)
        world.exception("POINTS_fix.dat.pgp")
        world.gateway.wait_quiet()
        world.drop("POINTS_fix.dat.pgp", accruals.records(10))
        row = world.gateway.wait_state("POINTS_fix.dat.pgp", "closed", "held")
        if row["state"] == "held":  # the name was used before: a person says that it is the repair
            world.gateway.ok("release", row["id"])
        equal(world.feedback("POINTS_fix.dat.pgp").accepted, 10, "accepted")
        world.settle()


@test
def the_very_same_file_with_the_very_same_time_stamp_does_not_stop_its_feed():
    with World() as world:
        world.start()
        plain = accruals.text(accruals.records(10))
        sealed = world.partner.seal(plain)
        name = "POINTS_same.dat.pgp"
        path = os.path.join(world.partner.outgoing, name)
        for _ in range(2):
            world.partner.originals[name] = plain
            world.partner.put(name, sealed)
            os.utime(path, (1_790_000_000, 1_790_000_000))
            world.partner.put(world.partner.marker(name), b"")
            world.gateway.wait_state(name, "closed")
            world.gateway.wait_quiet()
        world.drop("POINTS_next.dat.pgp", accruals.records(5, prefix="NEXT"))
        equal(world.feedback("POINTS_next.dat.pgp").accepted, 5, "accepted of the next file")
        world.gateway.wait_quiet()
        equal(world.credits()[0], 15, "credits")
