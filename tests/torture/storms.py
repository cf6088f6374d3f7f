"""Disorder without a script: random processes killed at random times, and syncs that fail."""
import os
import random
import shutil
import signal
import time

import accruals
from harness import Missing, Test, equal, wait_until
from world import World


def tests(seed):
    yield Test(lambda: kill_at_random(seed),
               name=f"random_kills_of_lanes_and_couriers_lose_and_double_nothing_seed_{seed}")
    yield Test(lambda: kill_at_random(seed + 1, supervisor=True),
               name=f"random_kills_of_everything_lose_and_double_nothing_seed_{seed + 1}")
    for number in (1, 3, 6, 12):
        yield Test(lambda number=number: fail_a_sync(number),
                   name=f"a_sync_that_fails_at_call_{number}_stops_the_lane_and_loses_nothing")


def victim_of(world, dice, supervisor):
    kinds = ["lane", "courier", "courier"] + (["supervisor", "all"] if supervisor else [])
    kind = dice.choice(kinds)
    if kind in ("supervisor", "all"):
        return kind, None
    found = world.gateway.named(kind)
    return kind, dice.choice(found) if found else None


def kill_at_random(seed, *, supervisor=False, files=40, kills=14):
    dice = random.Random(seed)
    with World() as world:
        world.feed.batch = {"size-min": 50, "size-max": 50, "allow-any-size": True}
        world.start()
        names = [f"POINTS_{i:02d}.dat.pgp" for i in range(files)]
        for i, name in enumerate(names):
            world.drop(name, accruals.records(dice.randint(1, 300), prefix=f"K{i}", broken={dice.randint(1, 300)}))
            if i % (files // kills) == 0:
                time.sleep(dice.uniform(0, 0.6))  # the random moment: not a synchronisation
                strike(world, *victim_of(world, dice, supervisor))
        for name in names:
            world.feedback(name, seconds=120)
        world.settle(seconds=120)
        equal(len(world.partner.received()), files, "answers")


def strike(world, kind, pid):
    if kind == "supervisor":
        world.gateway.kill_supervisor()
        world.restart()
    elif kind == "all":
        world.gateway.kill()
        world.restart()
    elif pid:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def fail_a_sync(number):
    """fsync says EIO once: the kernel may have dropped the pages, so the lane must stop, not try again and carry on."""
    if not shutil.which("strace"):
        raise Missing("no strace here")
    with World() as world:
        world.drop("POINTS_sync.dat.pgp", accruals.records(100))
        calls = "fsync,fdatasync"
        inject = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={calls}", "-e",
                  f"inject={calls}:error=EIO:when={number}"]
        world.start(wait=False, wrapper=inject)
        answer = world.answer_name("POINTS_sync.dat.pgp", "FB") + ".ok"
        wait_until("the lane to stop for good, or the file to be through",
                   lambda: "cannot be trusted" in world.gateway.log() or answer in world.partner.markers(), seconds=60,
                   log=world.gateway.log_tail)
        world.gateway.kill()
        world.restart()
        equal(world.feedback("POINTS_sync.dat.pgp", seconds=60).accepted, 100, "accepted")
        world.settle()
