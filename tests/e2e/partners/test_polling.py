"""When a feed looks, and what it takes as evidence that a file is complete."""
import datetime
import glob
import os
import time
import zoneinfo

import accruals
from harness import Missing, equal, test, wait_until
from world import World


def feed_status(world, name="acme-points"):
    return next(f for lane in world.gateway.json("status")["lanes"] for f in lane["feeds"] if f["feed"] == name)


@test
def a_cron_schedule_is_reckoned_in_its_time_zone_or_the_nodes():
    for zone in ("America/New_York", None):
        with World() as world:
            source = world.feed.source
            del source["every"]
            source["cron"] = "15 3 * * *"
            if zone:
                source["time-zone"] = zone
            world.start()
            # The first poll after a start is at once: what came meanwhile is not left for a day.
            world.drop("POINTS_c.dat.pgp", accruals.records(5))
            status = wait_until("a poll", lambda: feed_status(world).get("last_poll") and feed_status(world),
                                log=world.gateway.log_tail)
            next_poll = datetime.datetime.fromisoformat(status["next_poll"].replace("Z", "+00:00"))
            there = next_poll.astimezone(zoneinfo.ZoneInfo(zone or "Asia/Shanghai"))
            equal((there.hour, there.minute, there.second), (3, 15, 0), f"next poll, {zone}: {status}")
            assert datetime.timedelta(
                0) < next_poll - datetime.datetime.now(datetime.timezone.utc) <= datetime.timedelta(hours=25), status
            world.gateway.poll()
            equal(world.feedback("POINTS_c.dat.pgp").accepted, 5, "accepted when asked for")


@test
def a_file_in_a_local_folder_is_taken_long_before_the_next_poll():
    with World(local=True) as world:
        world.feed.source["every"] = "1h"
        world.start()
        wait_until("the first poll", lambda: feed_status(world).get("last_poll"), log=world.gateway.log_tail)
        begun = time.monotonic()
        for i in range(3):
            world.drop(f"POINTS_i{i}.dat.pgp", accruals.records(5, prefix=f"I{i}"))
        for i in range(3):
            equal(world.feedback(f"POINTS_i{i}.dat.pgp").accepted, 5, "accepted")
        assert time.monotonic() - begun < 10
        world.settle()


@test
def each_kind_of_evidence_is_recorded_and_a_changed_file_is_looked_at_anew():
    for ready, changes in (("rename", {}), ("stable", {"looks": 2}), ("age", {"least-age": "2s"}),
                           ("marker", {"least-age": "2s", "marker": "{stem}.ready"})):
        with World() as world:
            world.feed.source.update({"ready": ready, "marker": None, **changes})
            world.start()
            begun = time.monotonic()
            if ready == "marker":
                world.partner.put("POINTS_v.ready", b"")
            world.drop("POINTS_v.dat.pgp", accruals.records(5), marker=False)
            equal(world.feedback("POINTS_v.dat.pgp").accepted, 5, "accepted")
            evidence = world.gateway.json("show", "POINTS_v.dat.pgp")["file"]["evidence"]
            equal(evidence["kind"], ready, "kind of evidence")
            equal(evidence.get("marker"), "POINTS_v.ready" if ready == "marker" else None, "its marker")
            if "least-age" in changes:
                assert evidence["unchanged_seconds"] >= 2 and time.monotonic() - begun >= 2, \
                    f"taken too early: {evidence}"
            world.settle()


@test
def a_clock_that_is_a_day_off_takes_no_file_twice():
    """The partner's copies stay where they are; the gateway wakes up with a clock of tomorrow, then with the right one
    again."""
    libraries = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not libraries:
        raise Missing("no libfaketime here")
    with World() as world:
        world.feed.source["after"] = "keep"
        world.start()
        world.drop("POINTS_today.dat.pgp", accruals.records(5))
        world.feedback("POINTS_today.dat.pgp")
        world.settle()
        for when, shift in (("tomorrow", "+1d"), ("again", "+0d")):
            equal(world.gateway.stop(), 0, "exit status")
            world.gateway.environment.update(LD_PRELOAD=libraries[0], FAKETIME=shift, FAKETIME_DONT_FAKE_MONOTONIC="1")
            world.restart()
            world.drop(f"POINTS_{when}.dat.pgp", accruals.records(5, prefix=when))
            equal(world.feedback(f"POINTS_{when}.dat.pgp").accepted, 5, f"accepted with a clock of {when}")
            equal(len([f for f in world.gateway.files() if f["name"] == "POINTS_today.dat.pgp"]), 1,
                  "files of the old name")
        world.settle()


@test
def a_finished_file_among_many_is_answered_after_the_first_look():
    """However the server sorts: one of the three stands behind 10,000 others, which a poll takes no more of."""
    with World() as world:
        world.feed.source["every"] = "1h"
        for part in range(3):
            world.drop(f"POINTS_finished{part}.dat.pgp", accruals.records(3, prefix=f"F{part}"))
            for i in range(6000):
                open(os.path.join(world.partner.outgoing, f"POINTS_{part}{i:05}.dat.pgp"), "wb").close()
        world.start()
        for part in range(3):
            equal(world.feedback(f"POINTS_finished{part}.dat.pgp", seconds=60).accepted, 3, "accepted")
        # and the next polls take the others, also after a restart; what is finished meanwhile is answered at once
        polls = 1
        while len(world.gateway.files("--state", "seen", "--limit", "0")) < 18000:
            polls += 1
            assert polls <= 3, f"{polls} polls"
            if polls == 2:
                world.gateway.stop()
                world.start()
            else:
                world.gateway.poll()
            wait_until("a poll", lambda: world.gateway.log().count(" debug poll ") >= polls, log=world.gateway.log_tail)
        world.drop("POINTS_205999.dat.pgp", accruals.records(3, prefix="L"))
        world.gateway.poll()
        equal(world.feedback("POINTS_205999.dat.pgp", seconds=60).accepted, 3, "accepted")
