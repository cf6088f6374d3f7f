"""Small working days of a gateway: every kind of file there is, as small as it can be, so that a run takes seconds and
passes every fail point there is between them."""
import contextlib
import os
import re

import accruals
from accrual_interface import AccrualInterface, Capacity, use
from harness import equal, wait_until
from morning import Morning
from parcels import HandedOn, Parcel
from statement import Statement
from tables import Tables
from usages import Usages
from world import World


class Day:
    """Every kind of file once, and then what has to meet what came before: the same records under another name, some
    keys again. The partner's copies are archived."""
    name = "day"

    # name -> how its answer is called
    first = {"POINTS_good.dat.pgp": "FB", "POINTS_rules.dat.pgp": "FB", "POINTS_unsigned.dat.pgp": "EX",
             "POINTS_trailer.dat.pgp": "EX"}
    later = {"POINTS_copy.dat.pgp": "EX", "POINTS_keys.dat.pgp": "FB"}

    @staticmethod
    def configure(feed):
        feed.batch = {"size-min": 25, "size-max": 25, "allow-any-size": True}  # several batches in a small file

    @staticmethod
    def drop_first(world):
        world.drop("POINTS_good.dat.pgp", accruals.records(60, prefix="GOOD"))
        world.drop("POINTS_rules.dat.pgp", accruals.records(40, prefix="RULES", broken={3, 40}))
        world.drop("POINTS_unsigned.dat.pgp", accruals.records(5, prefix="UNSIGNED"), signer=None)
        world.drop("POINTS_trailer.dat.pgp", accruals.records(5, prefix="TRAILER"), count=6)

    @staticmethod
    def drop_later(world):
        world.drop("POINTS_copy.dat.pgp", accruals.records(60, prefix="GOOD"))
        world.drop("POINTS_keys.dat.pgp", accruals.records(3, prefix="GOOD") + accruals.records(8, prefix="NEW"))

    @staticmethod
    def finish(world, is_done):
        """Nothing more is waited for."""


class Evening:
    """Many files whose keys lie among each other, so that the ledger orders its keys; the partner's copies are deleted;
    and then nothing to do, so that balances are folded."""
    name = "evening"
    own = ("ledger-fold-before", "ledger-fold-after")
    count = 20
    first = {f"POINTS_{i:02d}.dat.pgp": "FB" for i in range(count)}
    later = {}

    @staticmethod
    def configure(feed):
        feed.source["after"] = "delete"

    @classmethod
    def drop_first(cls, world):
        for i, name in enumerate(cls.first):
            made = accruals.records(6, prefix="X")
            for j, record in enumerate(made):
                record.reference = f"X-{j * cls.count + i:06d}"
            world.drop(name, made)

    @staticmethod
    def drop_later(world):
        """Nothing."""

    @staticmethod
    def finish(world, is_done):
        wait_until("balances to be folded", lambda: is_done("ledger-fold-after"), seconds=60,
                   log=world.gateway.log_tail)


class Posting:
    """The records are credited by an interface of another system, over HTTPS, several calls at a time; it rejects some,
    and loses one reply after its commit."""
    name = "posting"
    first = {"POINTS_one.dat.pgp": "FB", "POINTS_two.dat.pgp": "FB"}
    later = {"POINTS_keys.dat.pgp": "FB"}

    @staticmethod
    def configure(_):
        """Beside the feed's there is a system: beside() does all."""

    @staticmethod
    @contextlib.contextmanager
    def beside(world):
        with AccrualInterface(world.folder) as interface:
            interface.capacity = Capacity(overhead=0.01)
            interface.decide = lambda record: ("rejected", "M17", "no") if record["key"].endswith("3") else ("accepted",
                                                                                                             None, None)
            interface.plan("good", "commit-then-cut")
            use(world.configuration, interface, timeout="3s",
                batch={"size-min": 10, "size-max": 15, "allow-any-size": True,
                       "pressure": {"target-latency": "2s", "threads-min": 2, "threads-max": 4}})
            yield interface
            equal(interface.broken, [], "what the gateway did that the interface forbids")
            equal(world.credits(), interface.total(), "credits here and there")

    @staticmethod
    def drop_first(world):
        world.drop("POINTS_one.dat.pgp", accruals.records(40, prefix="ONE", broken={20}))
        world.drop("POINTS_two.dat.pgp", accruals.records(12, prefix="TWO"))

    @staticmethod
    def drop_later(world):
        world.drop("POINTS_keys.dat.pgp", accruals.records(4, prefix="ONE") + accruals.records(8, prefix="NEW"))

    @staticmethod
    def finish(world, is_done):
        """Nothing more is waited for."""


DAYS = [Day, Evening, Posting, Morning, Parcel, HandedOn, Statement, Tables, Usages]


def wait_for_answers(world, names):
    wanted = {world.answer_name(name, kind) + ".ok" for name, kind in names.items()}
    wait_until("the answers " + ", ".join(sorted(wanted)),
               lambda: all(any(m.endswith(w) for m in world.partner.markers()) for w in wanted), seconds=90,
               log=world.gateway.log_tail)


def results(world):
    """What the partner was told, by answer: the verdict and each line's result."""
    told = {}
    for name in world.partner.received():
        answer = accruals.parse_feedback(world.partner.open(name))
        told[re.sub(r"^\d{3}_", "", name)] = (answer.verdict, answer.code, answer.results, answer.accepted,
                                              answer.rejected, answer.duplicates, answer.amount)
    return told


def run_day(day, fault, *, expected, must_die=False):
    """(answers, the points passed). With `expected` the answers have to be these."""
    with World() as world, getattr(day, "beside", contextlib.nullcontext)(world):
        once, points = os.path.join(world.folder, "once"), os.path.join(world.folder, "points")
        day.configure(world.feed)
        if hasattr(day, "prepare"):
            day.prepare(world)
        world.gateway.environment.update(fault, SALLYPORT_FAULT_ONCE=once, SALLYPORT_FAULT_LOG=points)

        def passed():
            if not os.path.exists(points):
                return []
            with open(points) as file:
                return file.read().split()

        day.drop_first(world)
        world.start()
        wait_for_answers(world, day.first)
        day.drop_later(world)
        wait_for_answers(world, day.later)
        day.finish(world, lambda point: point in passed() or os.path.exists(once))
        world.settle()
        if must_die:
            assert os.path.exists(once), f"the point of {fault} was never reached"
        told = results(world)
        if hasattr(day, "results"):
            told = day.results(world, told)
        if expected is not None:
            equal(told, expected, "answers")
        equal(world.gateway.stop(), 0, "exit status")
        return told, passed()
