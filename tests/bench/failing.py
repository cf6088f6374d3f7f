"""An accrual interface a part of whose calls fail at random: records a second against the same interface when it is
well, and how soon it is as good again when the trouble ends.
BENCH_FAILING: seconds of each measurement."""
import os
import random
import time

import accruals
from accrual_interface import AccrualInterface, Capacity, use
from harness import wait_until
from world import World

SECONDS = float(os.environ.get("BENCH_FAILING", "120"))
WARM, WELL = 20, 20  # seconds: until the calls in flight have found their number; what is compared with
WINDOW, LONGEST = 2, 60  # of the recovery: records a second over so long; it is waited for at the most
KINDS = ("500", "503", "cut", "commit-then-cut", "commit-then-500")
# What takes its time is the interface, so that neither side's processors count: 8 at a time, about 150 ms each.
CAPACITY = {"workers": 8, "queue": 64, "overhead": 0.05, "per_record": 0.001}
BATCH = {"size-min": 100, "size-max": 100, "allow-any-size": True,
         "pressure": {"target-latency": "2s", "threads-min": 2, "threads-max": 8}}
MOST = int(CAPACITY["workers"] * 100 / (CAPACITY["overhead"] + 100 * CAPACITY["per_record"])) + 1  # records a second


class AtRandom:
    """Stands where the interface keeps what its next calls meet; asked under its lock."""

    def __init__(self, rate, seed):
        self.rate, self.random, self.failed, self.calls = rate, random.Random(seed), 0, 0

    def __bool__(self):
        return True

    def popleft(self):
        self.calls += 1
        fails = self.random.random() < self.rate
        self.failed += fails
        return self.random.choice(KINDS) if fails else "good"

    def clear(self):
        self.rate = 0


def rate_over(interface, seconds):
    before, begun = len(interface.credits), time.monotonic()
    time.sleep(seconds)
    return (len(interface.credits) - before) / (time.monotonic() - begun)


def measure(rate):
    """Records a second while it is well and while it is not, and seconds until it is at nine tenths again."""
    with World(local=True) as world, AccrualInterface(world.folder) as interface:
        use(world.configuration, interface, batch=BATCH)
        interface.capacity = Capacity(**CAPACITY)
        interface.planned = trouble = AtRandom(0, 42)
        world.start()
        world.drop("POINTS_failing.dat.pgp", accruals.records(int(MOST * (WARM + WELL + SECONDS + LONGEST))))
        wait_until("the first calls", lambda: interface.credits, seconds=300, log=world.gateway.log_tail)
        time.sleep(WARM)
        well = rate_over(interface, WELL)
        trouble.rate = rate
        before = trouble.calls, trouble.failed
        ill = rate_over(interface, SECONDS)
        print(f"  {trouble.failed - before[1]} of {trouble.calls - before[0]} calls failed", flush=True)
        trouble.rate, ended = 0, time.monotonic()
        while rate_over(interface, WINDOW) < 0.9 * well and time.monotonic() - ended < LONGEST:
            pass
        recovery = time.monotonic() - ended
        if interface.broken or not well:
            raise RuntimeError(f"the interface was used wrongly, or not at all: {interface.broken[:3]}")
        return well, ill, recovery


def failing(row):
    for rate, least in ((0.05, 0.9), (0.2, 0.7)):
        well, ill, recovery = measure(rate)
        row(f"interface: {rate:.0%} of the calls fail", ill, well, least, "r/s", lower_is_better=False)
        row("  well again after", recovery, 30, 1)
