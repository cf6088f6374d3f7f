"""A source that works only while its machine is idle: what it waits for, that it says so, and that it sends in pieces.
The signals are the probe and the veto file: what a crowded machine uses of its processors is no matter here."""
import contextlib
import os
import time

import accruals
from harness import equal, has, test, wait_until
from mailboxes import MAILBOX, Exchange, endpoint, state
from packers import OtherFeed
from world import World

ANYTHING = {"cpu-others-below": 100, "cpu-others-above": 100, "io-some-below": 100, "io-some-above": 100,
            "memory-some-above": 100, "idle-for": "1s", "busy-for": "1s", "cool-down": "0s"}


@contextlib.contextmanager
def source(**settings):
    """An exchange, a gateway that puts files into its mailbox when it may, and the file whose presence is busyness."""
    with Exchange() as exchange, World(local=True) as world:
        world.configuration.systems["gw"] = {"box": endpoint(world, exchange.port, exchange.source)}
        feed = OtherFeed(world, "claims", process=("deliver", {
            "system": "gw", "endpoint": "box", "path": MAILBOX, "name": "{name}", "envelope": "openpgp",
            "encrypt-to": [world.keys.acme_next]}))
        feed.settings.pop("key")
        feed.settings["on-reject"] = "file"
        feed.feedback["columns"] = ["reference"]
        busy = os.path.join(world.folder, "busy")
        world.configuration.lanes = {"points": [feed]}
        world.configuration.lane_settings["idle"] = {**ANYTHING, "probe": ["/usr/bin/test", "!", "-e", busy],
                                                     **settings}
        with open(busy, "w"):
            pass
        world.start()
        yield exchange, world, feed, busy


def told(world):
    lane, = world.gateway.json("idle")["lanes"]
    return lane


def drop(world, feed, name, count=3):
    feed.drop(name, world.partner.seal(accruals.text(accruals.records(count, prefix=name[:8]))))


@test
def a_busy_source_waits_says_why_and_sends_when_it_is_idle():
    with source() as (exchange, world, feed, busy):
        drop(world, feed, "POINTS_1.dat.pgp")
        wait_until("the file to wait for an idle machine",
                   lambda: (told(world)["waiting"], told(world).get("why")) == (1, "the probe says so"),
                   seconds=40, log=world.gateway.log_tail)
        equal(world.gateway.file("POINTS_1.dat.pgp")["state"], "admitted", "its state: it was seen, and no more")
        has(world.gateway.ok("idle").out, "the probe says so", "the table")
        assert told(world)["deferred_seconds"] >= 0 and exchange.consumer.list().status == 204
        for pid in world.gateway.named("lane"):
            equal(os.sched_getscheduler(pid), os.SCHED_IDLE, "how the lane is scheduled")
        os.unlink(busy)
        wait_until("the item", lambda: state(exchange, "POINTS_1.dat.pgp") == "stored", log=world.gateway.log_tail)
        lane = told(world)
        equal((lane["idle"], lane["works"], lane.get("why")), (True, True, None), "what it is now")
        assert lane["bytes"] > 0, lane
        wait_until("its own processor time at the next reading", lambda: told(world)["own_cpu_us"] > 0)
        has(world.gateway.log(), "idle lane=points state=idle", "the log")


@test
def a_large_item_goes_in_pieces_and_stops_between_two_when_the_business_wakes():
    with source(bandwidth="256K", piece="64K") as (exchange, world, feed, busy):
        os.unlink(busy)
        drop(world, feed, "POINTS_1.dat.pgp", 12000)

        def sent():
            return int(exchange.source.head("POINTS_1.dat.pgp").headers.get("upload-offset", 0))
        wait_until("the first pieces", lambda: sent() > 0, log=world.gateway.log_tail)
        with open(busy, "w"):
            pass
        wait_until("it to be busy", lambda: not told(world)["idle"], log=world.gateway.log_tail)
        there = sent()
        equal(there % 65536, 0, "whole pieces")
        changes = told(world)["transitions"]
        wait_until("some looks of a second", lambda: told(world)["for_seconds"] >= 2)
        assert sent() <= there + 65536, "what was sent meanwhile: at most the piece that was under way"
        equal((state(exchange, "POINTS_1.dat.pgp"), told(world)["transitions"]), ("receiving", changes), "meanwhile")
        os.unlink(busy)
        begun, at = time.monotonic(), sent()
        wait_until("the item", lambda: state(exchange, "POINTS_1.dat.pgp") == "stored", seconds=60,
                   log=world.gateway.log_tail)
        size = len(exchange.consumer.get("POINTS_1.dat.pgp").body)
        pace = (size - at) / max(time.monotonic() - begun, 0.001)
        assert pace <= 262144 * 1.3, f"{pace:.0f} bytes a second"
        equal(world.keys.partner.open(exchange.consumer.get("POINTS_1.dat.pgp").body, signer=world.keys.gateway),
              accruals.text(accruals.records(12000, prefix="POINTS_1")).encode(), "what came")


@test
def what_waits_too_long_is_told_and_stays_or_goes_slowly():
    with source(latest="1s") as (exchange, world, feed, busy):
        drop(world, feed, "POINTS_1.dat.pgp")
        wait_until("the alarm", lambda: "idle-deferred" in [a["kind"] for a in world.gateway.json("alarms")["alarms"]],
                   seconds=60, log=world.gateway.log_tail)
        equal(exchange.consumer.list().status, 204, "what was sent")
        equal(told(world)["works"], False, "whether it works")
    with source(latest="1s", **{"at-latest": "send-slowly"}) as (exchange, world, feed, busy):
        drop(world, feed, "POINTS_1.dat.pgp")
        wait_until("the item", lambda: state(exchange, "POINTS_1.dat.pgp") == "stored", seconds=60,
                   log=world.gateway.log_tail)
        equal((told(world)["idle"], told(world)["works"]), (False, True), "what it says")


@test
def it_may_be_stopped_and_killed_while_it_waits():
    with source(bandwidth="64K", piece="64K") as (exchange, world, feed, busy):
        os.unlink(busy)
        drop(world, feed, "POINTS_1.dat.pgp", 8000)
        wait_until("the first piece", lambda: state(exchange, "POINTS_1.dat.pgp") == "receiving",
                   log=world.gateway.log_tail)
        equal(world.gateway.stop(), 0, "stop, between two pieces")
        world.configuration.lane_settings["idle"].update(bandwidth="64M")
        world.write_configuration()
        world.restart()
        world.gateway.kill()
        world.restart()
        wait_until("the item", lambda: state(exchange, "POINTS_1.dat.pgp") == "stored", log=world.gateway.log_tail)
        world.gateway.wait_quiet()
        world.gateway.ok("verify")
