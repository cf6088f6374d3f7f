"""What goes out is decided once: a configuration that changes before it is out makes no second copy, and sends none
elsewhere."""
import os
import signal

import accruals
from harness import equal, has, test, wait_until
from packers import OtherFeed
from world import World


def reload(world):
    """Takes up the configuration; the lane is another process then."""
    world.write_configuration()
    before = world.gateway.json("status")["lanes"][0]["pid"]
    world.gateway.process.send_signal(signal.SIGHUP)
    wait_until("the lane to be started anew",
               lambda: world.gateway.run("status", "--json").json()["lanes"][0].get("pid", before) != before,
               log=world.gateway.log_tail)


def waiting(world, name, words):
    def found():
        wait = (world.gateway.file(name) or {}).get("waits") or {}
        return words in (wait.get("words") or "")
    wait_until(f"{name} to wait: {words}", found, seconds=60, log=world.gateway.log_tail)


@test
def an_answer_goes_where_it_was_to_go_when_it_was_sealed():
    with World() as world:
        os.rmdir(world.partner.incoming)
        world.start()
        world.drop("POINTS_a.dat.pgp", accruals.records(4))
        waiting(world, "POINTS_a.dat.pgp", "next try to deliver")
        elsewhere = os.path.join(world.partner.root, "elsewhere")
        os.mkdir(elsewhere)
        world.feed.feedback.update(path="elsewhere", name="{stem}_other.dat.pgp", marker="{name}.done")
        reload(world)
        os.mkdir(world.partner.incoming)
        world.gateway.ok("retry", "POINTS_a.dat.pgp")
        equal(world.feedback("POINTS_a.dat.pgp").accepted, 4, "accepted")
        world.settle()
        equal(os.listdir(elsewhere), [], "the other folder")
        world.drop("POINTS_b.dat.pgp", accruals.records(3, prefix="B"))
        wait_until("the next one to go there",
                   lambda: sorted(os.listdir(elsewhere)) == ["POINTS_b_other.dat.pgp", "POINTS_b_other.dat.pgp.done"],
                   log=world.gateway.log_tail)


@test
def an_answers_endpoint_may_be_another_now_but_not_be_gone():
    with World() as world:
        os.rmdir(world.partner.incoming)
        world.start()
        world.drop("POINTS_a.dat.pgp", accruals.records(4))
        waiting(world, "POINTS_a.dat.pgp", "next try to deliver")
        endpoints = world.configuration.endpoints
        endpoints["second"] = dict(endpoints["main"])
        world.feed.source["endpoint"] = world.feed.feedback["endpoint"] = "second"
        old = endpoints.pop("main")
        reload(world)
        world.gateway.ok("retry", "POINTS_a.dat.pgp")
        waiting(world, "POINTS_a.dat.pgp", "is not in the configuration any more: put it back")
        has(world.gateway.ok("show", "POINTS_a.dat.pgp").out, "acme-bank/main", "show")
        endpoints["main"] = old
        os.mkdir(world.partner.incoming)
        reload(world)
        world.gateway.ok("retry", "POINTS_a.dat.pgp")
        equal(world.feedback("POINTS_a.dat.pgp").accepted, 4, "accepted")
        world.settle()


@test
def a_file_is_handed_on_where_it_was_to_go_when_that_was_decided():
    with World(local=True) as world:
        inner = os.path.join(world.folder, "inner")
        os.makedirs(os.path.join(inner, "other"))
        world.configuration.systems["core"] = {"drop": {"url": "file://" + inner}}
        deliver = {"system": "core", "endpoint": "drop", "path": "in", "name": "{stem}.dat", "marker": "{name}.done",
                   "envelope": "unprotected-plain-text"}
        feed = OtherFeed(world, "handed-on", process=("deliver", deliver))
        feed.settings.pop("key")
        feed.settings["on-reject"] = "file"
        feed.feedback["columns"] = ["reference"]
        world.configuration.lanes = {"points": [feed]}
        world.start()
        feed.drop("POINTS_a.dat", world.partner.seal(accruals.text(accruals.records(5))))
        waiting(world, "POINTS_a.dat", "next try to post")
        deliver.update(path="other", name="{stem}.new", packing="zip")
        reload(world)
        os.mkdir(os.path.join(inner, "in"))
        world.gateway.ok("retry", "POINTS_a.dat")
        waiting(world, "POINTS_a.dat", "makes other bytes of it now: put its envelope and packing back")
        del deliver["packing"]
        reload(world)
        world.gateway.ok("retry", "POINTS_a.dat")
        wait_until("the file", lambda: sorted(os.listdir(os.path.join(inner, "in")))
                   == ["POINTS_a.dat", "POINTS_a.dat.done"], log=world.gateway.log_tail)
        world.gateway.wait_quiet()
        equal(os.listdir(os.path.join(inner, "other")), [], "the other folder")
