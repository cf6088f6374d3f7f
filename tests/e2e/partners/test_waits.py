"""A file that waits says what for: in show, in files, and in --json."""
import os
import signal

import accruals
from harness import equal, has, test
from ledger_lock import LedgerLock
from waits import waits
from watching import numbered, send
from world import World


@test
def a_forgotten_marker_a_missing_number_and_a_hold_are_told_in_words():
    with World() as world:
        numbered(world, **{"on-gap": "wait", "wait-limit": "10m"})
        world.start()
        world.drop("POINTS_0001.dat.pgp", accruals.records(2), sequence=1, marker=False)
        equal(waits(world, "POINTS_0001.dat.pgp", "marker", "waits for its marker POINTS_0001.dat.pgp.ok")["on"],
              "POINTS_0001.dat.pgp.ok", "on")
        send(world, 2)
        equal(waits(world, "POINTS_0002.dat.pgp", "number", "waits for number 1", "of the sequence")["until"], None,
              "until")
        world.gateway.ok("hold", "POINTS_0001.dat.pgp", "--reason", "ask them")
        held = world.gateway.file("POINTS_0001.dat.pgp")
        equal((held["waits"]["for"], held["reason_code"], held["reason"]), ("operator", "F012", "ask them"),
              "a hold by hand")
        has(world.gateway.ok("show", "POINTS_0001.dat.pgp").out, "waits for an operator (F012)", "show of a held file")
        world.gateway.ok("release", "POINTS_0001.dat.pgp")
        world.partner.put(world.partner.marker("POINTS_0001.dat.pgp"), b"")
        for number in (1, 2):
            world.gateway.wait_state(f"POINTS_000{number}.dat.pgp", "seen", "admitted", "fetched", "opened", "staged",
                                     "validated", "posting",
                                     "posted", "sealed", "answered", "closed")
        world.settle()
        done = world.gateway.file("POINTS_0002.dat.pgp")
        equal((done["waits"], done["outcome"]), (None, "accepted"), "at the end it waits for nothing")


@test
def evidence_a_server_that_is_down_and_a_refused_answer_are_told_in_words():
    with World() as world:
        world.feed.source.update(ready="stable", looks=40, marker=None)
        world.start()
        world.drop("POINTS_e.dat.pgp", accruals.records(2), marker=False)
        waits(world, "POINTS_e.dat.pgp", "evidence", "waits for evidence that it is complete: seen ",
              "of 40 times without a change")
        world.feed.source.update(looks=2)
        os.rmdir(world.partner.incoming)
        world.write_configuration()
        world.gateway.process.send_signal(signal.SIGHUP)
        waits(world, "POINTS_e.dat.pgp", "retry", "waits for the next try to deliver until ")
        world.sshd.stop()
        world.gateway.ok("retry", "POINTS_e.dat.pgp")
        wait = waits(world, "POINTS_e.dat.pgp", "endpoint", "waits for endpoint acme-bank/main until ", "refused")
        assert wait["until"], wait
        world.sshd.start()
        os.mkdir(world.partner.incoming)
        world.gateway.ok("retry", "POINTS_e.dat.pgp")
        world.settle()


@test
def a_file_that_waits_for_keys_names_the_file_that_holds_them():
    with World() as world:
        world.start()
        world.drop("POINTS_w.dat.pgp", accruals.records(1, prefix="W"))
        world.feedback("POINTS_w.dat.pgp")
        with LedgerLock(world, 0), LedgerLock(world, 1):
            world.drop("POINTS_a.dat.pgp", accruals.records(5, prefix="K"))
            first = world.gateway.wait_state("POINTS_a.dat.pgp", "posting")
            world.drop("POINTS_b.dat.pgp", accruals.records(7, prefix="K"))
            wait = waits(world, "POINTS_b.dat.pgp", "keys", f"waits for keys that file {first['id']} holds")
            equal(wait["on"], first["id"], "on")
        world.settle()


@test
def what_was_sent_back_is_found_by_its_outcome():
    with World() as world:
        world.start()
        world.drop("POINTS_g.dat.pgp", accruals.records(3))
        world.drop("POINTS_b.dat.pgp", accruals.records(3, prefix="B"), total=1)
        equal(world.feedback("POINTS_g.dat.pgp").accepted, 3, "accepted")
        equal(world.exception("POINTS_b.dat.pgp").verdict, "REJECTED", "verdict")
        world.settle()
        for outcome, names in (("rejected", ["POINTS_b.dat.pgp"]), ("accepted", ["POINTS_g.dat.pgp"]),
                               ("duplicate", []),
                               ("accepted,rejected", ["POINTS_b.dat.pgp", "POINTS_g.dat.pgp"])):
            found = world.gateway.files("--outcome", outcome)
            equal(sorted(f["name"] for f in found), names, outcome)
        equal(world.gateway.file("POINTS_b.dat.pgp")["state"], "closed", "its state")
        has(world.gateway.run("files", "--outcome", "lost").err, "there are: accepted, rejected, duplicate",
            "an outcome that is none")
