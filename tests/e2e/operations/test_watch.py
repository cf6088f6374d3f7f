"""What is watched: files that are due, sequence numbers, cut-offs; and the alarms of it, by command and webhook, over
restarts."""
import contextlib
import json
import os
import sqlite3
import time

import accruals
from harness import SCALE, equal, has, lacks, test, wait_until
from small_disk import SmallDisk
from watching import (MANY, Hook, calendar, lane, midday_zone, numbered, order_of, send, standing, start_with_due,
                      today, wait_told, with_command)
from world import World


@test(quick=True)
def a_file_that_is_due_and_has_not_come_raises_an_alarm_by_command_and_webhook_until_it_comes():
    hook = Hook()
    try:
        with World() as world:
            told = with_command(world, hook=hook)
            due = start_with_due(world)
            equal((due["feed"], due["expect"], due["state"]), ("acme-points", "daily", "open"), "what is due")
            raised = wait_told(world, told, "raised", "file-missing")
            equal((raised["subject"], raised["lane"], raised["times"]), (f"acme-points daily {today()}", "points", 1),
                  "the alarm")
            wait_until("the webhook", lambda: [m for m in hook.told if m["id"] == raised["id"]],
                       log=world.gateway.log_tail)
            equal(standing(world), [("file-missing", f"acme-points daily {today()}")], "what stands")
            has(world.gateway.ok("status").out, "overdue", "status")
            with open(os.path.join(world.folder, "told.jsonl.arguments")) as file:
                equal(file.read(), "an argument; $(id)\n", "the command's arguments")
            with open(os.path.join(world.folder, "told.jsonl.environment")) as file:
                lacks(file.read(), world.folder, "the command's environment")
            world.drop("POINTS_late.dat.pgp", accruals.records(3))
            wait_told(world, told, "cleared", "file-missing")
            wait_until("the webhook to hear of its end", lambda: [m for m in hook.told if m["event"] == "cleared"],
                       log=world.gateway.log_tail)
            equal(standing(world), [], "what stands after it came")
            world.settle()
    finally:
        hook.close()


@test
def a_file_that_came_in_time_raises_nothing_and_the_next_day_is_due():
    with World() as world:
        told = with_command(world)
        world.drop("POINTS_early.dat.pgp", accruals.records(3))
        start_with_due(world, 8 * SCALE)
        world.feedback("POINTS_early.dat.pgp")
        wait_until("the next day to be due", lambda: [d for d in lane(world)["due"] if d["day"] == today(1)],
                   seconds=60, log=world.gateway.log_tail)
        equal([m for m in told() if m["kind"] == "file-missing"], [], "alarms")
        world.settle()


@test
def a_refused_file_or_a_copy_is_not_the_file_that_is_owed():
    with World() as world:
        told = with_command(world)
        world.drop("POINTS_bad.dat.pgp", accruals.records(3), count=4)
        start_with_due(world)
        world.exception("POINTS_bad.dat.pgp")
        wait_told(world, told, "raised", "file-missing")
        world.settle()


@test
def days_that_were_missed_in_an_outage_are_found_and_a_person_excuses_them():
    with World() as world:
        told = with_command(world)
        world.feed.settings['expect "daily"'] = {"by": "11:00", "time-zone": midday_zone(), "calendar": "all-week"}
        world.configuration.extra += calendar("all-week", weekend=2, holiday=-2)
        world.start()
        wait_until("the first due day", lambda: [d for d in lane(world)["due"] if d["day"] == today(1)],
                   log=world.gateway.log_tail)
        world.gateway.stop()
        book = sqlite3.connect(os.path.join(world.state, "lanes/points/book.db"))
        with book:
            book.execute("UPDATE expectation SET day = ?, state = 'met', opens_at = 0, due_at = 1, closes_at = 2",
                         (today(-4),))
        book.close()
        world.restart()
        wait_until("the missed days", lambda: len([m for m in told() if m["kind"] == "file-missing"]) == 3,
                   log=world.gateway.log_tail)
        equal(sorted(m["subject"].split()[2] for m in told()), [today(-3), today(-1), today()],
              "missed, the holiday apart")
        for alarm in world.gateway.json("alarms")["alarms"]:
            world.gateway.ok("alarms", "acknowledge", alarm["id"])
        wait_until("all to be excused", lambda: [d["state"] for d in lane(world)["due"]] == ["open"],
                   log=world.gateway.log_tail)
        equal(world.gateway.json("alarms")["alarms"], [], "alarms")
        equal([m["event"] for m in told()], ["raised"] * 3, "an end that a person has made is not told")
        world.settle()


@test
def an_alarm_survives_a_restart_and_is_not_told_again_at_once():
    with World() as world:
        told = with_command(world)
        numbered(world, **{"on-gap": "alarm"})
        world.start()
        send(world, 1)
        send(world, 3)
        raised = wait_told(world, told, "raised", "sequence-gap")
        world.gateway.wait_state(MANY[1] % 3, "closed")
        world.gateway.stop()
        world.restart()
        equal(standing(world), [("sequence-gap", f"acme-points {accruals.DAY}")], "what stands")
        world.gateway.ok("alarms", "test")
        equal([m["event"] for m in told() if m["id"] == raised["id"]], ["raised"], "tellings of the alarm")
        send(world, 2)  # fills the gap: late, which is an alarm of its own
        wait_told(world, told, "cleared", "sequence-gap")
        wait_told(world, told, "raised", "sequence-late")
        equal(order_of(world, MANY[1] % 2), {"number": 2, "period": accruals.DAY, "verdict": "late", "outcome": "alarm",
                                             "used": True}, "the late file")
        alarm = world.gateway.json("alarms")["alarms"][0]
        world.gateway.ok("alarms", "acknowledge", alarm["id"][:12])
        equal(standing(world), [], "what stands")
        world.settle()


@test
def an_alarm_is_repeated_within_its_bound_and_a_command_that_fails_is_tried_again():
    with World() as world:
        told = with_command(world, repeat='"1s"', repeat_limit=2)
        numbered(world, **{"on-late": "alarm", "on-gap": "accept"})
        world.start()
        send(world, 2)
        world.gateway.wait_state(MANY[1] % 2, "closed")
        send(world, 1)
        wait_until("three tellings", lambda: len(told()) == 3, log=world.gateway.log_tail)
        equal([(m["event"], m["times"]) for m in told()], [("raised", 1), ("repeated", 2), ("repeated", 3)], "tellings")
        time.sleep(1.5)
        equal(len(told()), 3, "tellings after the last")
        world.gateway.ok("alarms", "acknowledge", world.gateway.json("alarms")["alarms"][0]["id"])
        os.rename(os.path.join(world.folder, "tell"), os.path.join(world.folder, "tell.away"))
        failed = world.gateway.run("alarms", "test")
        equal(failed.status, 1, "exit status of a test that fails")
        has(failed.err, "cannot be run", "the complaint")
        world.settle()


@test
def files_that_come_together_are_taken_in_the_order_of_their_numbers():
    with World() as world:
        told = with_command(world)
        numbered(world, **{"on-gap": "hold", "on-late": "hold"})
        world.feed.feedback["name"] = "{sequence:3}_FB_{stem}.dat.pgp"
        for number in (5, 3, 1, 4, 2):
            send(world, number)
        world.start()
        for number in range(1, 6):
            world.gateway.wait_state(MANY[1] % number, "closed")
            equal(order_of(world, MANY[1] % number)["verdict"], "next", f"number {number}")
        equal([name[:7] for name in world.partner.received()], [f"{n:03}_FB_" for n in range(1, 6)],
              "the numbers of the answers")
        equal(told(), [], "alarms")
        world.settle()


@test
def a_gap_is_held_and_a_file_with_a_used_number_is_held_until_a_person_decides():
    with World() as world:
        numbered(world, **{"on-gap": "hold"})
        world.start()
        send(world, 1)
        world.gateway.wait_state(MANY[1] % 1, "closed")
        send(world, 3)
        row = world.gateway.wait_state(MANY[1] % 3, "held")
        equal(row["reason_code"], "S002", "code")
        wait_until("the alarm", lambda: standing(world) == [("file-held", "acme-points")], log=world.gateway.log_tail)
        world.gateway.ok("release", row["id"])
        world.gateway.wait_state(MANY[1] % 3, "closed")
        equal(order_of(world, MANY[1] % 3)["outcome"], "released", "what became of the number")
        wait_until("the alarm to clear", lambda: standing(world) == [], log=world.gateway.log_tail)
        send(world, 3, prefix="AGAIN")  # the same name with other bytes, and so the same number
        row = world.gateway.wait_state(MANY[1] % 3, "held")
        world.gateway.ok("release", row["id"])
        world.gateway.wait_state(MANY[1] % 3, "closed")
        world.gateway.wait_quiet()
        equal(world.credits()[0], 9, "credits")


@test
def a_file_waits_for_its_predecessor_over_a_restart_and_goes_on_when_the_wait_is_over():
    with World() as world:
        told = with_command(world)
        numbered(world, **{"on-gap": "wait", "wait-limit": "60s"})
        world.start()
        send(world, 1)
        world.gateway.wait_state(MANY[1] % 1, "closed")
        send(world, 3)
        world.gateway.wait_state(MANY[1] % 3, "staged")
        wait_until("it to wait", lambda: order_of(world, MANY[1] % 3)
                   and order_of(world, MANY[1] % 3)["outcome"] == "waiting", log=world.gateway.log_tail)
        world.gateway.kill()
        world.restart()
        send(world, 2)
        world.gateway.wait_state(MANY[1] % 3, "closed")
        equal([order_of(world, MANY[1] % n)["verdict"] for n in (1, 2, 3)], ["next"] * 3, "verdicts")
        world.gateway.wait_quiet()
        world.gateway.stop()
        numbered(world, **{"on-gap": "wait", "wait-limit": "1s"})
        world.start()
        send(world, 5)
        world.gateway.wait_state(MANY[1] % 5, "closed")
        wait_told(world, told, "raised", "sequence-gap")
        world.settle()


@test
def a_rejected_file_does_not_use_up_its_number():
    with World() as world:
        world.feed.settings["sequence"] = {"header-field": "sequence", "on-gap": "reject", "on-reused": "reject"}
        world.start()
        world.drop("POINTS_a.dat.pgp", accruals.records(3, prefix="A"), sequence=7)
        world.feedback("POINTS_a.dat.pgp")
        world.drop("POINTS_b.dat.pgp", accruals.records(3, prefix="B"), sequence=8, count=5)
        world.exception("POINTS_b.dat.pgp")
        world.drop("POINTS_c.dat.pgp", accruals.records(3, prefix="C"), sequence=9)
        answer = world.exception("POINTS_c.dat.pgp")
        equal(answer.code, "S002", "the code of the gap")
        world.drop("POINTS_b2.dat.pgp", accruals.records(3, prefix="B"), sequence=8)
        equal(world.feedback("POINTS_b2.dat.pgp").accepted, 3, "accepted of the repaired file")
        world.drop("POINTS_d.dat.pgp", accruals.records(3, prefix="D"), sequence=8)
        equal(world.exception("POINTS_d.dat.pgp").code, "S001", "the code of a used number")
        world.settle()


@test
def what_comes_after_the_cut_off_belongs_to_the_next_business_day_or_is_held_or_rejected():
    zone = midday_zone()
    with World() as world:
        world.configuration.extra += calendar("some", weekend=4, holiday=1)
        cut = {"at": "00:00:01", "calendar": "some", "time-zone": zone}
        del world.feed.settings["business-date"]
        world.feed.settings["cut-off"] = {**cut, "after": "next-day"}
        world.start()
        world.drop("POINTS_next.dat.pgp", accruals.records(3, prefix="A"))
        equal(world.gateway.wait_state("POINTS_next.dat.pgp", "closed")["business_date"], today(2), "business date")
        world.gateway.wait_quiet()
        world.gateway.stop()
        world.feed.settings["cut-off"] = {**cut, "after": "hold"}
        world.start()
        world.drop("POINTS_held.dat.pgp", accruals.records(3, prefix="B"))
        row = world.gateway.wait_state("POINTS_held.dat.pgp", "held")
        equal(row["reason_code"], "S005", "code")
        world.gateway.ok("release", row["id"])
        equal(world.gateway.wait_state("POINTS_held.dat.pgp", "closed")["business_date"], today(),
              "business date of what was released")
        world.gateway.wait_quiet()
        world.gateway.stop()
        world.feed.settings["cut-off"] = {**cut, "after": "reject"}
        world.start()
        world.drop("POINTS_rejected.dat.pgp", accruals.records(3, prefix="C"))
        equal(world.exception("POINTS_rejected.dat.pgp").code, "S005", "code")
        world.settle()


def rows_of(world, kind):
    return [alarm for alarm in world.gateway.ok("alarms", "--json").json()["alarms"] if alarm["kind"] == kind]


@test
def a_marker_that_does_not_come_and_a_name_that_no_feed_takes_are_told_once_they_have_lain_there():
    with World() as world:
        told = with_command(world)
        world.feed.source.update({"tell-after": "2s", "ignore": ["README*"]})
        world.start()
        for name in ("README.txt", "POINTS_9.dta.pgp", ".hidden"):
            world.partner.put(name, b"x")
        world.drop("POINTS_1.dat.pgp", accruals.records(3), marker=False)
        incomplete, misnamed = (wait_told(world, told, "raised", kind) for kind in ("file-incomplete", "file-misnamed"))
        file = world.gateway.file("POINTS_1.dat.pgp")
        has(incomplete["text"], "acme-points: 1 file lies without a marker, signature or declaration for longer than "
                                f"the feed's tell-after, the first of them {file['id']}", "text")
        has(misnamed["text"], "acme-points: its folder has 1 file whose name no feed takes", "text")
        assert "POINTS" not in incomplete["text"] + misnamed["text"], "a partner's words are told"
        for kind, detail in (("file-incomplete", "POINTS_1.dat.pgp waits for POINTS_1.dat.pgp.ok"),
                             ("file-misnamed", "POINTS_9.dta.pgp")):
            equal([row["detail"] for row in rows_of(world, kind)], [detail], kind)
            has(world.gateway.ok("status").out, kind, "status")
        world.gateway.stop()
        world.start()
        world.gateway.ok("poll", "acme-points")
        equal(len(rows_of(world, "file-incomplete")), 1, "alarms after a restart, before the time is over again")
        world.partner.put(world.partner.marker("POINTS_1.dat.pgp"), b"")
        os.unlink(os.path.join(world.partner.outgoing, "POINTS_9.dta.pgp"))
        world.feedback("POINTS_1.dat.pgp")
        for kind in ("file-incomplete", "file-misnamed"):
            wait_told(world, told, "cleared", kind)
        equal([message["event"] for message in told() if message["kind"] == "file-incomplete"], ["raised", "cleared"],
              "tellings")


@test
def a_refused_login_is_an_alarm_and_a_failing_delivery_stands_in_status():
    with World() as world:
        told = with_command(world)
        world.start()
        os.rename(world.partner.incoming, world.partner.incoming + ".away")
        world.drop("POINTS_x.dat.pgp", accruals.records(3))
        wait_until("the failing delivery", lambda: lane(world)["unsent"], log=world.gateway.log_tail)
        has(world.gateway.ok("status").out, "could not be delivered", "status")
        os.rename(world.partner.incoming + ".away", world.partner.incoming)
        world.gateway.ok("retry", world.gateway.file("POINTS_x.dat.pgp")["id"])
        world.gateway.wait_state("POINTS_x.dat.pgp", "closed")
        world.gateway.stop()
        world.configuration.endpoints["main"]["host-key"] = ["SHA256:" + "A" * 43]
        world.start()
        wait_told(world, told, "raised", "login-refused")
        failures = lambda: json.loads(world.gateway.run("status", "--json").out)["lanes"][0]["feeds"][0]["failures"]
        before = failures()
        wait_until("more polls to fail", lambda: failures() > before + 1, log=world.gateway.log_tail)
        told = [line for line in world.gateway.log().splitlines() if "warning poll-failed" in line]
        assert len(told) < failures(), "each poll that fails is logged anew"


@test(needs_root=True)
def a_full_disk_is_told_although_nothing_can_be_written():
    with World() as world:
        told = with_command(world)
        disk = SmallDisk(world.state, 32)
        try:
            world.start()
            world.drop("POINTS_1.dat.pgp", accruals.records(3))
            world.feedback("POINTS_1.dat.pgp")
            world.gateway.wait_quiet()
            with contextlib.suppress(
                OSError):  # the gateway may have taken some of the room meanwhile: it is full all the same
                disk.leave(0)
            world.drop("POINTS_2.dat.pgp", accruals.records(20000, prefix="FULL"))
            wait_told(world, told, "raised", "book-unwritable")
            disk.free()
            equal(world.feedback("POINTS_2.dat.pgp", seconds=60).accepted, 20000, "accepted")
            world.gateway.stop()
        finally:
            world.gateway.close()
            disk.close()


@test
def a_lane_that_stops_for_good_tells_it_before_it_ends():
    with World() as world:
        told = with_command(world)
        world.start()
        world.gateway.stop()
        with open(os.path.join(world.state, "lanes/points/book.db"), "r+b") as book:
            book.seek(4096)
            book.write(b"\xff" * 65536)
        world.gateway.start(wait=False)
        equal(wait_told(world, told, "raised", "storage-failed")["subject"], "lane points", "subject")
        world.gateway.kill()
