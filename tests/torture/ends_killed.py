"""A gateway at an end of a mailbox whose lane dies at each point between the list and the acknowledgement, or while it
puts: what comes is run once and acknowledged, and what is put is there once, with its bytes."""
import os

import accruals
from harness import Test, equal, wait_until
from mailboxes import MAILBOX, Exchange, endpoint, state
from world import World

POINTS = ["courier-get-after", "fetch-before-rename", "fetch-after-rename", "courier-put-after",
          "courier-acknowledge-before", "courier-acknowledge-after", "close-before-commit"]
NAMES = ["POINTS_0001.dat.pgp", "POINTS_0002.dat.pgp"]


def answer_of(exchange, world, name):
    got = exchange.source.get(name.split(".")[0] + "_FB.dat.pgp")
    equal(got.status, 200, f"the answer to {name}")
    return accruals.parse_feedback(world.keys.partner.open(got.body, signer=world.keys.gateway).decode())


def killed_at(point):
    def run():
        with Exchange() as exchange, World(local=True) as world:
            world.configuration.endpoints["box"] = endpoint(world, exchange.port, exchange.consumer)
            feed = world.configuration.feed
            feed.source = {"endpoint": "box", "path": MAILBOX, "match": "POINTS_*", "every": "1s"}
            feed.feedback.update(endpoint="box", path=MAILBOX, marker=None)
            once = os.path.join(world.folder, "killed")
            world.gateway.environment.update({"SALLYPORT_FAULT": point, "SALLYPORT_FAULT_ONCE": once})
            for number, name in enumerate(NAMES):
                sealed = world.partner.seal(accruals.text(accruals.records(2500, prefix=f"R{number}")))
                equal(exchange.source.put(name, sealed).status, 201, name)
            world.start(wait=False)
            for name in NAMES:
                wait_until(f"{name} to be acknowledged", lambda name=name: state(exchange, name) == "acknowledged",
                           seconds=90, log=world.gateway.log_tail)
            world.gateway.wait_quiet()
            assert os.path.exists(once), f"nobody died at {point}"
            equal(world.credits()[0], 5000, "credits, each once")
            equal([answer_of(exchange, world, name).accepted for name in NAMES], [2500, 2500], "answers")
            equal(len(exchange.source.list().json()["items"]), 2, "answers in the mailbox")
            world.gateway.ok("verify")
    return run


def tests():
    for point in POINTS:
        yield Test(killed_at(point), name=f"an_end_killed_at_{point.replace('-', '_')}_runs_and_answers_once")
