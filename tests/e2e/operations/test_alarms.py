"""Alarms that stand while something fails, and end when it is over: told once each way."""
import os

import accruals
from harness import equal, has, lacks, test, wait_until
from lying import LyingWorld
from watching import numbered, send, standing, wait_told, with_command
from world import World


@test
def a_file_that_cannot_be_fetched_is_an_alarm_until_it_can():
    with LyingWorld() as world:
        told = with_command(world)
        world.liar.lie_about({"POINTS_grows*": "fstat-larger"})
        world.start()
        world.drop("POINTS_grows.dat.pgp", accruals.records(4))
        raised = wait_told(world, told, "raised", "fetch-failing")
        file = world.gateway.file("POINTS_grows.dat.pgp")
        equal(raised["text"], f"acme-points: 1 file cannot be fetched, the first of them {file['id']}", "text")
        equal(file["state"], "admitted", "state")
        world.liar.tell_the_truth()
        world.gateway.run("retry", "POINTS_grows.dat.pgp")
        equal(world.feedback("POINTS_grows.dat.pgp").accepted, 4, "accepted")
        wait_told(world, told, "cleared", "fetch-failing")
        world.settle()


@test
def a_folder_that_cannot_be_polled_is_an_alarm_until_it_can():
    """At its first failure, as the next poll is ten minutes off; later ones wait for five minutes of failures."""
    with World() as world:
        told = with_command(world)
        world.feed.source["every"] = "10m"
        away = world.partner.outgoing + ".away"
        os.rename(world.partner.outgoing, away)
        world.start()
        raised = wait_told(world, told, "raised", "poll-failing")
        equal((raised["subject"], raised["text"]), ("acme-points", "acme-points: its folder cannot be polled"), "it")
        os.rename(away, world.partner.outgoing)
        world.gateway.poll()
        wait_told(world, told, "cleared", "poll-failing")


@test
def a_file_that_is_refused_as_a_whole_is_an_alarm_until_a_person_has_seen_it():
    with World() as world:
        told = with_command(world)
        world.start()
        world.partner.put("POINTS_bad.dat.pgp", b"this is not OpenPGP\n" * 50)
        world.partner.put(world.partner.marker("POINTS_bad.dat.pgp"), b"")
        raised = wait_told(world, told, "raised", "file-rejected")
        file = world.gateway.file("POINTS_bad.dat.pgp")
        equal(raised["text"], f"acme-points: file {file['id']} is refused as a whole, its answer says so "
                              f"({file['reason_code']})", "text")
        lacks(raised["text"], "POINTS_bad", "a partner's words in what is told")
        world.gateway.wait_state("POINTS_bad.dat.pgp", "closed")
        equal([s for s in standing(world) if s[0] == "file-rejected"], [("file-rejected", "acme-points")], "standing")
        has(world.gateway.ok("status").out, "file-rejected", "status")
        world.gateway.ok("alarms", "acknowledge", raised["id"])
        wait_until("the alarm to end", lambda: "file-rejected" not in world.gateway.ok("alarms").out,
                   log=world.gateway.log_tail)
        equal([m["event"] for m in told() if m["kind"] == "file-rejected"], ["raised"], "tellings")


@test
def an_answer_that_cannot_be_delivered_is_an_alarm_until_it_is():
    with World() as world:
        told = with_command(world)
        world.start()
        os.rename(world.partner.incoming, world.partner.incoming + ".away")
        world.drop("POINTS_1.dat.pgp", accruals.records(3))
        raised = wait_told(world, told, "raised", "delivery-failing")
        file = world.gateway.file("POINTS_1.dat.pgp")
        has(raised["text"], f"acme-points: 1 answer cannot be delivered, the first of them for file {file['id']}",
            "text")
        os.rename(world.partner.incoming + ".away", world.partner.incoming)
        world.gateway.ok("retry", file["id"])
        wait_told(world, told, "cleared", "delivery-failing")
        world.settle()


@test
def a_number_that_comes_again_is_an_alarm_where_the_feed_lets_it_pass():
    with World() as world:
        told = with_command(world)
        numbered(world, **{"on-reused": "alarm"})
        world.feed.settings["repeats"] = {"same-name": "accept"}
        world.start()
        send(world, 1)
        equal(world.feedback("POINTS_0001.dat.pgp").accepted > 0, True, "the first")
        world.gateway.wait_state("POINTS_0001.dat.pgp", "closed")
        world.drop("POINTS_0001.dat.pgp", accruals.records(2, prefix="AGAIN"), sequence=1)
        raised = wait_told(world, told, "raised", "sequence-reused")
        closed = lambda: [file for file in world.gateway.files() if file["state"] == "closed"]
        wait_until("the second to be closed", lambda: len(closed()) == 2, log=world.gateway.log_tail)
        world.gateway.ok("alarms", "acknowledge", raised["id"])
        wait_until("the alarm to end", lambda: "sequence-reused" not in world.gateway.ok("alarms").out,
                   log=world.gateway.log_tail)
