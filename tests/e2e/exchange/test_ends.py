"""A gateway at an end of a mailbox: what it takes from there, what it puts there, and what it does after a loss."""
import contextlib
import os
import shutil

import accruals
from harness import equal, has, test, wait_until
from mailboxes import MAILBOX, Exchange, endpoint, state
from packers import OtherFeed, problem_of
from proxy import Proxy
from world import World

BOX = "box"


@contextlib.contextmanager
def ends(**options):
    """An exchange whose source is curl, and a gateway that is its consumer, configured and not started."""
    with Exchange(**options) as exchange, World(local=True) as world:
        world.configuration.endpoints[BOX] = endpoint(world, exchange.port, exchange.consumer)
        feed = world.configuration.feed
        feed.source = {"endpoint": BOX, "path": MAILBOX, "match": "POINTS_*", "every": "1s"}
        feed.feedback.update(endpoint=BOX, path=MAILBOX, marker=None)
        yield exchange, world


def put(exchange, world, name, records, **options):
    sealed = world.partner.seal(accruals.text(records), **options)
    equal(exchange.source.put(name, sealed).status, 201, name)
    return sealed


def wait_acknowledged(exchange, world, name):
    wait_until(f"{name} to be acknowledged", lambda: state(exchange, name) == "acknowledged",
               log=world.gateway.log_tail)


def answer(exchange, world, name):
    """The answer to an item, as the source obtains it."""
    got = exchange.source.get(name)
    equal(got.status, 200, name)
    return accruals.parse_feedback(world.keys.partner.open(got.body, signer=world.keys.gateway).decode())


@test(quick=True)
def an_item_is_obtained_run_answered_by_an_item_and_acknowledged():
    with ends() as (exchange, world):
        put(exchange, world, "POINTS_0001.dat.pgp", accruals.records(3))
        world.write_configuration()
        said = world.gateway.run("doctor", "acme-bank", BOX).out
        has(said, f"mailbox {MAILBOX} is ours, and 1 items of it wait there", "the doctor")
        world.configuration.feed.source["path"] = "no-such-box"
        world.write_configuration()
        has(world.gateway.run("doctor", "acme-bank", BOX).out, "status 404", "the doctor, of another mailbox")
        world.configuration.feed.source["path"] = MAILBOX
        equal(exchange.source.put("OTHER_1", b"not for this feed").status, 201, "an item that no feed takes")
        world.start()
        wait_acknowledged(exchange, world, "POINTS_0001.dat.pgp")
        put(exchange, world, "POINTS_0002.dat.pgp", accruals.records(4000, prefix="S"))
        put(exchange, world, "POINTS_0003.dat.pgp", accruals.records(2), signer=None)
        for name in ("POINTS_0002.dat.pgp", "POINTS_0003.dat.pgp"):
            wait_acknowledged(exchange, world, name)
        said = {item["id"]: item for item in exchange.source.list().json()["items"]}
        equal({name: item["correlation"] for name, item in said.items()},
              {"POINTS_0001_FB.dat.pgp": "POINTS_0001.dat.pgp", "POINTS_0002_FB.dat.pgp": "POINTS_0002.dat.pgp",
               "POINTS_0003_EX.dat.pgp": "POINTS_0003.dat.pgp"}, "what each answer is about")
        equal(answer(exchange, world, "POINTS_0002_FB.dat.pgp").accepted, 4000, "accepted")
        equal(answer(exchange, world, "POINTS_0003_EX.dat.pgp").code, "P008", "no signature")
        equal(state(exchange, "OTHER_1"), "listed", "what no feed takes")
        equal(world.credits()[0], 4003, "credits")
        evidence = world.gateway.json("show", "POINTS_0001.dat.pgp")
        has(str(evidence), "listed", "the evidence")
        world.gateway.wait_quiet()
        world.gateway.ok("verify")


@test
def who_has_lost_its_disk_gets_what_it_has_not_acknowledged_and_nothing_else():
    with ends() as (exchange, world):
        put(exchange, world, "POINTS_0001.dat.pgp", accruals.records(3))
        world.start()
        wait_acknowledged(exchange, world, "POINTS_0001.dat.pgp")
        equal(world.gateway.stop(), 0, "stop, in the middle of a poll that waits")
        shutil.rmtree(world.state)
        put(exchange, world, "POINTS_0002.dat.pgp", accruals.records(5, prefix="S"))
        world.start()
        wait_acknowledged(exchange, world, "POINTS_0002.dat.pgp")
        world.gateway.wait_quiet()
        equal([row["name"] for row in world.gateway.files()], ["POINTS_0002.dat.pgp"], "what was taken")


@test
def a_restored_exchange_is_told_again_and_nothing_is_run_twice():
    with ends() as (exchange, world):
        copy = os.path.join(exchange.folder, "copy")
        put(exchange, world, "POINTS_0001.dat.pgp", accruals.records(3))
        equal(exchange.gateway.stop(), 0, "stop")
        shutil.copytree(exchange.state, copy)
        exchange.start()
        world.start()
        wait_acknowledged(exchange, world, "POINTS_0001.dat.pgp")
        put(exchange, world, "POINTS_0002.dat.pgp", accruals.records(5, prefix="S"))
        wait_acknowledged(exchange, world, "POINTS_0002.dat.pgp")
        world.gateway.wait_quiet()
        equal(exchange.gateway.stop(), 0, "stop")
        shutil.rmtree(exchange.state)
        os.rename(copy, exchange.state)
        exchange.start()
        equal(state(exchange, "POINTS_0001.dat.pgp"), "stored", "after the restore")
        wait_acknowledged(exchange, world, "POINTS_0001.dat.pgp")
        wait_until("the log's line", lambda: "acknowledged-again" in world.gateway.log())
        put(exchange, world, "POINTS_0003.dat.pgp", accruals.records(2, prefix="T"))
        wait_acknowledged(exchange, world, "POINTS_0003.dat.pgp")
        equal(world.credits()[0], 10, "credits")
        equal(len(world.gateway.files()), 3, "files")


@test
def an_item_that_breaks_off_is_gone_on_with_and_wrong_bytes_are_never_acknowledged():
    with ends() as (exchange, world):
        proxy = Proxy(exchange.port)
        world.configuration.endpoints[BOX]["url"] = f"mailbox://127.0.0.1:{proxy.port}"
        body = put(exchange, world, "POINTS_0001.dat.pgp", accruals.records(30000))
        proxy.cut_down, proxy.times = len(body) // 2, 2
        world.start()
        wait_acknowledged(exchange, world, "POINTS_0001.dat.pgp")
        assert proxy.times < 1 and proxy.down < len(body) * 1.5, f"{proxy.down} bytes of {len(body)}"
        world.gateway.wait_quiet()
        equal(world.gateway.json("alarms")["alarms"], [], "alarms")
        proxy.close()


@test
def what_comes_with_other_bytes_than_were_listed_is_held_and_not_acknowledged():
    with ends() as (exchange, world):
        world.configuration.feed.settings["retry-limit"] = 2
        body = put(exchange, world, "POINTS_0001.dat.pgp", accruals.records(4000))
        name, = exchange.files()
        with open(os.path.join(exchange.state, "lanes/ssc/items", name), "r+b") as file:
            file.write(bytes([body[0] ^ 1]))
        world.start()
        wait_until("the file to be held", lambda: [row["state"] for row in world.gateway.files()] == ["held"],
                   log=world.gateway.log_tail)
        has(str(world.gateway.json("show", "POINTS_0001.dat.pgp")), "what came has", "why")
        equal(state(exchange, "POINTS_0001.dat.pgp"), "listed", "its state")
        world.assert_nothing_credited()


@test
def a_file_is_handed_on_as_an_item_once_and_goes_on_where_it_broke():
    with Exchange() as exchange, World(local=True) as world:
        proxy = Proxy(exchange.port)
        world.configuration.systems["gw"] = {BOX: endpoint(world, proxy.port, exchange.source)}
        feed = OtherFeed(world, "claims", process=("deliver", {
            "system": "gw", "endpoint": BOX, "path": MAILBOX, "name": "{name}", "envelope": "openpgp",
            "encrypt-to": [world.keys.acme_next]}))
        feed.settings.pop("key")
        feed.settings["on-reject"] = "file"
        feed.feedback["columns"] = ["reference"]
        world.configuration.lanes = {"points": [feed]}
        plain = accruals.text(accruals.records(30000)).encode()
        world.start()
        feed.drop("POINTS_1.dat.pgp", world.partner.seal(accruals.text(accruals.records(3, prefix="S"))))
        wait_until("the small item", lambda: exchange.consumer.get("POINTS_1.dat.pgp").status == 200,
                   log=world.gateway.log_tail)
        proxy.cut_up, proxy.times, proxy.pause = 1 << 20, 2, 3  # the front reads slowly on a machine that is busy
        feed.drop("POINTS_2.dat.pgp", world.partner.seal(plain))
        wait_until("the large item", lambda: state(exchange, "POINTS_2.dat.pgp") == "stored",
                   log=world.gateway.log_tail)
        body = exchange.consumer.get("POINTS_2.dat.pgp").body
        equal(world.keys.partner.open(body, signer=world.keys.gateway), plain, "what was handed on")
        # On a busy machine parts are sent in vain that are refused, since what came before them is still being read.
        assert proxy.times < 1 and proxy.up < len(body) * 4, f"{proxy.up} bytes for {len(body)}"
        equal(exchange.source.put("POINTS_3.dat.pgp", b"of somebody else").status, 201, "put before")
        feed.drop("POINTS_3.dat.pgp", world.partner.seal(accruals.text(accruals.records(2, prefix="T"))))
        wait_until("why the third waits", lambda: "other bytes" in problem_of(world, "POINTS_3.dat.pgp"),
                   log=world.gateway.log_tail)
        proxy.close()
