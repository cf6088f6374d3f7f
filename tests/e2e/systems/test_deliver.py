"""process deliver: the verified file as a whole into a folder of an inner system."""
import os

import accruals
from harness import equal, has, test, wait_until
from packers import OtherFeed, finish, opened, unpack
from world import World


def deliver_feed(world, *, name="handed-on", **settings):
    """A feed that hands its files on to the folder in/ of an inner system."""
    inner = os.path.join(world.folder, "inner")
    os.makedirs(os.path.join(inner, "in"), exist_ok=True)
    world.configuration.systems["core"] = {"drop": {"url": "file://" + inner}}
    deliver = {"system": "core", "endpoint": "drop", "path": "in", "name": "{stem}.dat", "marker": "{name}.done",
               "envelope": "unprotected-plain-text", **settings}
    feed = OtherFeed(world, name, process=("deliver", deliver))
    feed.settings.pop("key")
    feed.settings["on-reject"] = "file"
    feed.feedback["columns"] = ["reference"]
    feed.inner = os.path.join(inner, "in")
    return feed


def read(feed, name):
    path = os.path.join(feed.inner, name)
    wait_until(f"{name} and its marker in the inner folder", lambda: os.path.exists(path + ".done"),
               log=feed.world.gateway.log_tail)
    with open(path, "rb") as file:
        return file.read()


@test
def a_verified_file_is_handed_on_as_it_is_and_a_bad_one_is_not():
    with World(local=True) as world:
        feed = deliver_feed(world)
        world.configuration.lanes = {"points": [feed]}
        world.start()
        plain = accruals.text(accruals.records(3000)).encode()
        feed.drop("POINTS_1.dat.pgp", world.partner.seal(plain))
        feed.drop("POINTS_2.dat.pgp", world.partner.seal(accruals.text(accruals.records(5, broken={2}))))
        feed.drop("POINTS_3.dat.pgp", world.partner.seal(plain + b"x", signer=None))
        equal(read(feed, "POINTS_1.dat"), plain, "what was handed on")
        answer = opened(world, feed, "POINTS_1_FB.dat.pgp")
        equal((answer.verdict, answer.accepted), ("ACCEPTED", 3000), "the answer")
        equal(opened(world, feed, "POINTS_2_EX.dat.pgp").code, "F004", "a broken rule keeps the whole file back")
        equal(opened(world, feed, "POINTS_3_EX.dat.pgp").code, "P008", "so does a missing signature")
        finish(world)
        equal(sorted(os.listdir(feed.inner)), ["POINTS_1.dat", "POINTS_1.dat.done"], "the inner folder")
        row = world.gateway.file("POINTS_1.dat.pgp")
        equal((row["records"], row["batches"], row["batches_posted"]), (3000, 1, 1), "records and batches")
        assert any("handed on to core as POINTS_1.dat" in (h.get("detail") or "")
                   for h in world.gateway.json("show", row["id"])["history"])
        world.assert_no_plaintext()
        for command in ("status", "files", "entries"):
            world.gateway.ok(command)
        path = os.path.join(world.folder, "tried.pgp")
        with open(path, "wb") as file:
            file.write(world.partner.seal(plain))
        tried = world.gateway.json("try", feed.name, path)
        equal((tried["accepted"], tried["totals"]["accepted"]), (True, 3000), "try")
        os.unlink(path)


@test
def a_file_is_handed_on_packed_and_encrypted_anew_and_never_twice():
    with World(local=True) as world:
        feeds = [deliver_feed(world, name="sealed", envelope="openpgp", packing="zstd",
                              **{"encrypt-to": [world.keys.acme_next]}),
                 deliver_feed(world, name="packed", packing="zip")]
        feeds[0].process[1].update(name="{stem}_sealed.pgp")
        feeds[1].process[1].update(name="{stem}.zip")
        feeds[1].feedback.pop("columns")  # no key, so nothing is echoed
        world.configuration.lanes = {"points": feeds}
        world.start()
        plain = accruals.text(accruals.records(40)).encode()
        for feed in feeds:
            feed.drop("POINTS_1.dat.pgp", world.partner.seal(plain))
        content = world.keys.partner.open(read(feeds[0], "POINTS_1_sealed.pgp"), signer=world.keys.gateway)
        equal(unpack("zstd", content), plain, "encrypted anew")
        equal(unpack("zip", read(feeds[1], "POINTS_1.zip")), plain, "packed")
        for feed in feeds:
            opened(world, feed, "POINTS_1_FB.dat.pgp")
            feed.drop("POINTS_1.dat.pgp", world.partner.seal(plain))
        # The second one may be taken for the first at its close: it is given back, gone for one look, and seen anew.
        wait_until("the second ones to be told", lambda: sorted(
            (f["feed"], f["reason_code"] or "") for f in world.gateway.files() if f["state"] != "gone") == [
                ("packed", ""), ("packed", "F003"), ("sealed", ""), ("sealed", "F003")], log=world.gateway.log_tail)
        finish(world)
        equal(len(os.listdir(feeds[0].inner)), 4, "files of both feeds with their markers")


@test
def another_file_of_the_name_in_the_inner_folder_is_left_alone_until_it_is_gone():
    with World(local=True) as world:
        feed = deliver_feed(world)
        world.configuration.lanes = {"points": [feed]}
        world.start()
        with open(os.path.join(feed.inner, "POINTS_1.dat"), "w") as file:
            file.write("somebody else's")
        plain = accruals.text(accruals.records(4)).encode()
        feed.drop("POINTS_1.dat.pgp", world.partner.seal(plain))
        wait_until("the refusal", lambda: "exists on the other side" in ((world.gateway.file("POINTS_1.dat.pgp")
                                                                          or {}).get("problem") or ""),
                   log=world.gateway.log_tail)
        has(open(os.path.join(feed.inner, "POINTS_1.dat")).read(), "somebody", "the other file")
        os.unlink(os.path.join(feed.inner, "POINTS_1.dat"))
        world.gateway.ok("retry", world.gateway.file("POINTS_1.dat.pgp")["id"])
        equal(read(feed, "POINTS_1.dat"), plain, "what was handed on")
        opened(world, feed, "POINTS_1_FB.dat.pgp")
        finish(world)
