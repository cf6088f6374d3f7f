"""The toy processor: a feed with `process toy` credits its records, and what changed is its rows alone."""
import accruals
from harness import equal, test
from packers import OtherFeed, finish, opened
from world import World


@test
def a_file_goes_through_the_toy_processor_and_is_credited():
    with World(local=True) as world:
        feed = OtherFeed(world, "toys", match="POINTS_*.pgp")
        feed.process = ("toy", {**feed.ledger, "backwards": True})
        world.configuration.lanes = {"points": [feed]}
        world.start()
        records = accruals.records(3000)
        feed.drop("POINTS_1.dat.pgp", world.partner.seal(accruals.text(records)))
        answer = opened(world, feed, "POINTS_1_FB.dat.pgp")
        equal((answer.verdict, answer.accepted), ("ACCEPTED", 3000), "the answer")
        equal(len(world.gateway.json("entries", "--limit", "0")["entries"]), 3000, "credits")
        world.gateway.ok("verify")
        finish(world)
