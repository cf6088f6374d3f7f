"""What a gateway does with a server, as steps: the tests of single servers and `make test-servers` are made of them."""
import os

import accruals
from harness import equal, lacks


def started(world, server, **endpoint):
    world.configuration.endpoints["main"] = server.endpoint(**endpoint)
    world.start()


def do_the_main_job(world, odd="POINTS_积分 2.dat.pgp"):
    """Fetch, answer by way of a temporary name, `after`; a name that is not plain, and a file that is refused."""
    world.drop("POINTS_1.dat.pgp", accruals.records(60, prefix="ONE"))
    world.drop(odd, accruals.records(5, prefix="TWO"))
    world.drop("POINTS_3.dat.pgp", accruals.records(5, prefix="THREE"), signer=None)
    equal(world.feedback("POINTS_1.dat.pgp").accepted, 60, "accepted")
    equal(world.feedback(odd).accepted, 5, "accepted of the other name")
    equal(world.exception("POINTS_3.dat.pgp").accepted, 0, "accepted of the unsigned one")
    world.settle()
    archive = os.listdir(os.path.join(world.partner.outgoing, "archive"))
    equal({"POINTS_1.dat.pgp", odd} - set(archive), set(), "not archived at the partner's")


def get_that_breaks(world, proxies):
    """A file whose transfer breaks at five sixths. Is it fetched from there on?"""
    name = "POINTS_big.dat.pgp"
    world.drop(name, accruals.records(15000, prefix="BIG"), marker=False)
    world.gateway.wait_state(name, "seen")
    size = os.path.getsize(os.path.join(world.partner.outgoing, name))
    before, _ = proxies.moved()
    proxies.cut(down=size * 5 // 6)
    world.partner.put(world.partner.marker(name), b"")
    world.gateway.wait_state(name, "posting", "posted", "sealed", "answered", "closed", seconds=60)
    down, _ = proxies.moved()
    assert proxies.have_cut(), "nothing broke"
    equal(world.feedback(name, seconds=60).accepted, 15000, "accepted")
    world.settle()
    return down - before < size * 1.5


def put_that_breaks(world, proxies):
    """An answer whose transfer breaks in the middle comes whole, once, and leaves nothing beside it."""
    before = "POINTS_before.dat.pgp"
    world.drop(before, accruals.records(15000, prefix="BEFORE"))
    equal(world.feedback(before, seconds=60).accepted, 15000, "accepted of the one before")
    world.settle()
    proxies.cut(up=os.path.getsize(os.path.join(world.partner.incoming, world.answer_name(before, "FB"))) // 2)
    name = "POINTS_next.dat.pgp"
    world.drop(name, accruals.records(15000, prefix="NEXT"))
    equal(world.feedback(name, seconds=60).accepted, 15000, "accepted of the next")
    assert proxies.have_cut(), "nothing broke"
    world.settle()
    lacks(" ".join(os.listdir(world.partner.incoming)), ".part", "the partner's folder")
