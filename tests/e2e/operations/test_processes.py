"""What systemd, the supervisor and a reload see of the processes, and what these leave behind."""
import os
import signal
import time

import accruals
from gateway import name_of
from harness import equal, has, lacks, test, wait_until
from processes import all_processes, children_of, command_line, consumption, is_zombie, targets
from world import World


@test
def systemd_is_fed_while_it_runs_and_told_when_it_stops():
    with World() as world:
        world.gateway.environment["WATCHDOG_USEC"] = "400000"
        world.start()
        wait_until("three beats of the watchdog",
                   lambda: world.gateway.told("WATCHDOG=1") and world.gateway.notes.count("WATCHDOG=1") >= 3)
        has("\n".join(world.gateway.notes), "STATUS=1 of 1 lanes running", "what systemd was told")
        world.gateway.process.send_signal(signal.SIGTERM)
        wait_until("STOPPING=1", lambda: world.gateway.told("STOPPING=1"))
        equal(world.gateway.stop(), 0, "exit status")


@test
def a_lane_that_keeps_dying_is_started_after_growing_pauses():
    with World() as world:
        world.start()
        pauses = []
        for _ in range(4):
            lane = world.gateway.named("lane")[0]
            os.kill(lane, signal.SIGKILL)
            begun = time.monotonic()
            wait_until("the next lane", lambda: world.gateway.named("lane") not in ([], [lane]), pause=0.01,
                       log=world.gateway.log_tail)
            pauses.append(time.monotonic() - begun)
        assert pauses[0] < 1.2 < pauses[3], f"pauses of {pauses}"
        world.drop("POINTS_k.dat.pgp", accruals.records(10))
        equal(world.feedback("POINTS_k.dat.pgp").accepted, 10, "accepted")
        world.settle()


@test
def a_reload_while_a_file_is_posted_loses_and_doubles_nothing():
    with World() as world:
        world.feed.batch = {"size-min": 50, "size-max": 50, "allow-any-size": True}
        world.start()
        world.drop("POINTS_reload.dat.pgp", accruals.records(20000))
        world.gateway.wait_state("POINTS_reload.dat.pgp", "validated", "posting", seconds=60)
        lane = world.gateway.named("lane")
        world.feed.rules["points-range"]["code"] = "E777"
        world.write_configuration()
        world.gateway.process.send_signal(signal.SIGHUP)
        wait_until("a new lane", lambda: world.gateway.named("lane") not in ([], lane), seconds=40,
                   log=world.gateway.log_tail)
        equal(world.feedback("POINTS_reload.dat.pgp", seconds=60).accepted, 20000, "accepted")
        lacks(world.gateway.log(), "lane-killed", "the log")
        world.settle(seconds=90)


@test
def a_gpg_agent_that_hangs_ends_a_reload_in_time_and_the_old_configuration_stays():
    with World() as world:
        world.start()
        world.drop("POINTS_1.dat.pgp", accruals.records(10))
        world.feedback("POINTS_1.dat.pgp")
        agent, = [pid for pid in all_processes() if name_of(pid) == "gpg-agent" and world.gnupg in command_line(pid)]
        os.kill(agent, signal.SIGSTOP)
        try:
            world.feed.rules["points-range"]["code"] = "E777"
            world.write_configuration()
            world.gateway.process.send_signal(signal.SIGHUP)
            wait_until("the reload to end",
                       lambda: world.gateway.told("READY=1") and world.gateway.notes.count("READY=1") == 2, seconds=25,
                       log=world.gateway.log_tail)
            has(world.gateway.log(), "reload-refused", "the log")
        finally:
            os.kill(agent, signal.SIGCONT)
        world.drop("POINTS_2.dat.pgp", accruals.records(10, prefix="S"))
        equal(world.feedback("POINTS_2.dat.pgp").accepted, 10, "accepted")
        world.settle()


@test
def after_a_hundred_files_descriptors_children_and_memory_are_back_at_their_base_line():
    with World() as world:
        world.start()
        for i in range(8):
            world.drop(f"POINTS_w{i}.dat.pgp", accruals.records(20, prefix=f"W{i}"))
        for i in range(8):
            world.feedback(f"POINTS_w{i}.dat.pgp")
        world.settle()
        before = consumption(world)
        for i in range(100):
            world.drop(f"POINTS_{i}.dat.pgp", accruals.records(20, prefix=f"B{i}"),
                       signer=None if i % 10 == 0 else world.keys.acme)
        wait_until("100 answers", lambda: len(world.partner.markers()) == 108, seconds=90, log=world.gateway.log_tail)
        world.gateway.wait_quiet(seconds=60)

        def at_rest():  # the ledger keeps a reader for each of those that read at once: a few descriptors more
            after = consumption(world)
            assert after[0] <= before[0] + 8 and after[1] <= before[1] and after[2] < before[2] + 12000, \
                f"descriptors, children, KiB: {before} before, {after} after\n" + chr(10).join(targets(world))
            return True
        wait_until("the lane to be at its base line", at_rest, seconds=15)
        for pid in world.gateway.pids():
            for child in children_of(pid):
                assert not is_zombie(child), f"a zombie below {pid}"
        world.settle()
