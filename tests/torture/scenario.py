"""One small working day of a gateway: every kind of file there is, as small as it can be, so that a run takes seconds and
passes every fail point."""
import os

import accruals
from harness import equal, wait_until
from world import World

# name -> how its answer is called
FILES = {"POINTS_good.dat.pgp": "FB", "POINTS_rules.dat.pgp": "FB", "POINTS_unsigned.dat.pgp": "EX", "POINTS_trailer.dat.pgp": "EX"}
LATER = {"POINTS_copy.dat.pgp": "EX", "POINTS_keys.dat.pgp": "FB"}


def drop_all(world):
    world.drop("POINTS_good.dat.pgp", accruals.records(60, prefix="GOOD"))
    world.drop("POINTS_rules.dat.pgp", accruals.records(40, prefix="RULES", broken={3, 40}))
    world.drop("POINTS_unsigned.dat.pgp", accruals.records(5, prefix="UNSIGNED"), signer=None)
    world.drop("POINTS_trailer.dat.pgp", accruals.records(5, prefix="TRAILER"), count=6)


def drop_later(world):
    """What has to meet what came before: the same records under another name, and some keys again."""
    world.drop("POINTS_copy.dat.pgp", accruals.records(60, prefix="GOOD"))
    world.drop("POINTS_keys.dat.pgp", accruals.records(3, prefix="GOOD") + accruals.records(8, prefix="NEW"))


def wait_for_answers(world, names):
    wanted = {world.answer_name(name, kind) + ".ok" for name, kind in names.items() if kind}
    wait_until("the answers " + ", ".join(sorted(wanted)), lambda: wanted <= set(world.partner.markers()), seconds=60,
               log=world.gateway.log_tail)


def results(world):
    """What the partner was told, by answer: the verdict and each line's result."""
    told = {}
    for name in world.partner.received():
        answer = accruals.parse_feedback(world.partner.open(name))
        told[name] = (answer.verdict, answer.code, answer.results, answer.accepted, answer.rejected, answer.duplicates, answer.amount)
    return told


def run_scenario(fault, *, expected, must_die=False):
    """(answers, the points passed). With `expected` the answers have to be these."""
    with World() as world:
        once, points = os.path.join(world.folder, "once"), os.path.join(world.folder, "points")
        world.gateway.environment.update(fault, SALLYPORT_FAULT_ONCE=once, SALLYPORT_FAULT_LOG=points)
        # Batches of 25, so that a small file has several. Retries come soon, since every period here is the least there is.
        world.feed.batch = {"size-min": 25, "size-max": 25, "allow-any-size": True}
        drop_all(world)
        world.start()
        wait_for_answers(world, FILES)
        drop_later(world)
        wait_for_answers(world, LATER)
        world.settle()
        if must_die:
            assert os.path.exists(once), f"the point of {fault} was never reached"
        told = results(world)
        if expected is not None:
            equal(told, expected, "answers")
        world.gateway.environment.pop("SALLYPORT_FAULT", None)
        equal(world.gateway.stop(), 0, "exit status")
        passed = []
        if os.path.exists(points):
            with open(points) as file:
                passed = file.read().split()
        return told, passed
