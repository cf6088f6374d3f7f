"""`sallyport move`, killed at each of its fail points and run again: the state is that of an undisturbed move, and no
record is credited a second time."""
import os

from accruals import Record
from harness import Test, equal
from world import World


def rename_lane(configuration):
    configuration.lanes["loyalty"] = configuration.lanes.pop("points")


def rename_feed(configuration):
    configuration.feed.name = "acme-loyalty"


def rename_ledger(configuration):
    configuration.feed.ledger["name"] = "points"


MOVES = {"lane": (rename_lane, ["lane", "points", "loyalty"]),
         "feed": (rename_feed, ["feed", "acme-points", "acme-loyalty"]),
         "ledger": (rename_ledger, ["ledger", "miles", "points"])}


def records(*numbers):
    return [Record(f"M{n:09d}", f"R-{n:08d}", "100") for n in numbers]


def credited_and_changed(world, edit):
    world.start()
    world.drop("POINTS_1.dat.pgp", records(1, 2, 3))
    world.feedback("POINTS_1.dat.pgp")
    world.gateway.wait_quiet()
    equal(world.gateway.stop(), 0, "the end")
    edit(world.configuration)
    world.write_configuration()


def move(world, words, **fault):
    before = dict(world.gateway.environment)
    world.gateway.environment.update(fault)
    done = world.gateway.run("move", *words)
    world.gateway.environment = before
    return done


def points_of(kind):
    """The fail points that this move passes, with how often."""
    edit, words = MOVES[kind]
    with World(local=True) as world:
        credited_and_changed(world, edit)
        log = os.path.join(world.folder, "passed")
        equal(move(world, words, SALLYPORT_FAULT_LOG=log).status, 0, "the undisturbed move")
        with open(log) as file:
            passed = [line.strip() for line in file if line.startswith("move-")]
    return [(point, n + 1) for point in sorted(set(passed)) for n in range(passed.count(point))]


def killed_at(kind, point, number):
    edit, words = MOVES[kind]
    with World(local=True) as world:
        credited_and_changed(world, edit)
        killed = move(world, words, SALLYPORT_FAULT=f"{point}:{number}")
        equal(killed.status, -9, f"the move that is killed at {point}\n{killed.err}")
        is_done = world.gateway.run("check").status == 0
        finished = move(world, words)
        equal(finished.status, 7 if is_done else 0, f"the move that is run again\n{finished.err}")
        world.gateway.ok("check")
        world.gateway.start()
        world.drop("POINTS_2.dat.pgp", records(3, 4))
        told = world.feedback("POINTS_2.dat.pgp")
        equal([code for _, _, code in told.results], ["K003", ""], "a known key and a new one")
        world.gateway.wait_quiet()
        equal(len(world.gateway.entries()), 4, "credits")
        world.gateway.ok("verify")


def tests():
    for kind in MOVES:
        for point, number in points_of(kind):
            place = f"{point.replace('-', '_')}_pass_{number}"
            name = f"a_move_of_a_{kind}_killed_at_{place}_is_finished_when_it_is_run_again"
            yield Test(lambda k=kind, p=point, n=number: killed_at(k, p, n), name=name)
