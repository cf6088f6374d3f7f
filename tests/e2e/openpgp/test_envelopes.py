"""What is around a partner's records, made by real tools: packing inside and outside of OpenPGP, detached signatures,
files without any protection; and what hostile packed files become."""
import os
import signal
import zlib

import accruals
from harness import equal, has, lacks, test, wait_until
from packers import SUFFIX, OtherFeed, answered, finish, opened, pack, unpack, zipped
from waits import waits
from world import World


@test
def every_packing_inside_and_outside_of_openpgp_is_opened_and_answers_are_packed_alike():
    with World(local=True) as world:
        feeds = {}
        for kind in SUFFIX:
            feeds[kind, "inner"] = inner = OtherFeed(world, kind + "-inner", **{"inner-packing": kind})
            inner.feedback.update(packing=kind)
            feeds[kind, "outer"] = outer = OtherFeed(world, kind + "-outer", **{"outer-packing": kind})
            outer.feedback.update({"outer-packing": kind, "member": "{stem}.pgp"} if kind == "zip"
                                  else {"outer-packing": kind})
        world.configuration.lanes = {"points": list(feeds.values())}
        world.start()
        for (kind, where), feed in feeds.items():
            plain = accruals.text(accruals.records(300, prefix=feed.name)).encode()
            seal = world.partner.seal
            feed.drop("POINTS_1.dat", seal(pack(kind, plain)) if where == "inner" else pack(kind, seal(plain)))
        for (kind, where), feed in feeds.items():
            answer = answered(feed, "POINTS_1_FB.dat.pgp")
            sealed = unpack(kind, answer) if where == "outer" else answer
            content = world.keys.partner.open(sealed, signer=world.keys.gateway)
            feedback = accruals.parse_feedback((unpack(kind, content) if where == "inner" else content).decode())
            equal((feedback.verdict, feedback.accepted), ("ACCEPTED", 300), f"the answer of {feed.name}")
        finish(world)
        equal(world.credits()[0], 300 * len(feeds), "credits")
        world.assert_no_plaintext()


@test
def the_same_content_packed_again_is_a_duplicate():
    with World(local=True) as world:
        feed = OtherFeed(world, "packed", **{"inner-packing": "gzip"})
        world.configuration.lanes = {"points": [feed]}
        world.start()
        plain = accruals.text(accruals.records(20)).encode()
        feed.drop("POINTS_1.dat", world.partner.seal(pack("gzip", plain)))
        equal(opened(world, feed, "POINTS_1_FB.dat.pgp").verdict, "ACCEPTED", "the first")
        other = zlib.compressobj(1, zlib.DEFLATED, 31)
        feed.drop("POINTS_2.dat", world.partner.seal(other.compress(plain) + other.flush()))
        equal(opened(world, feed, "POINTS_2_EX.dat.pgp").verdict, "DUPLICATE", "the same plaintext in other packing")
        finish(world)
        equal(world.credits()[0], 20, "credits")


@test
def hostile_packed_files_are_refused_with_a_code_and_the_others_go_on():
    with World(local=True) as world:
        plain = accruals.text(accruals.records(50)).encode()
        feeds = {kind: OtherFeed(world, "outer-" + kind, **{"outer-packing": kind}) for kind in SUFFIX}
        for feed in feeds.values():
            feed.settings["ratio-limit"] = 50
        world.configuration.lanes = {"points": list(feeds.values())}
        sealed = world.partner.seal(plain)
        good = {kind: pack(kind, sealed) for kind in SUFFIX}
        zeros = bytes(3 << 20)
        flipped = bytearray(good["gzip"])
        flipped[-6] ^= 1
        hostile = {
            ("gzip", "U001"): plain, ("gzip", "U003"): good["gzip"][:-20], ("gzip", "U004"): good["gzip"] + b"garbage",
            ("gzip", "U002"): bytes(flipped), ("gzip", "U008"): pack("gzip", zeros),
            ("zstd", "U001"): good["gzip"], ("zstd", "U003"): good["zstd"][:-20],
            ("zstd", "U002"): good["zstd"] + b"garbage",
            ("zstd", "U008"): pack("zstd", zeros),
            ("zip", "U001"): sealed, ("zip", "U003"): good["zip"][:-30], ("zip", "U008"): pack("zip", zeros),
            ("zip", "U005"): zipped([("a", sealed), ("b", sealed)]),
            ("zip", "U006"): zipped([("a", sealed)], "-P", "secret"),
        }
        world.start()
        for (kind, code), content in hostile.items():
            feeds[kind].drop(f"POINTS_{code}.dat", content)
        for kind, feed in feeds.items():
            feed.drop("POINTS_good.dat", good[kind] if kind == "gzip" else
                      pack(kind, world.partner.seal(accruals.text(accruals.records(50, prefix=kind)).encode())))
        for kind, code in hostile:
            answer = opened(world, feeds[kind], f"POINTS_{code}_EX.dat.pgp")
            equal((answer.verdict, answer.code), ("REJECTED", code), f"{kind} {answer.message}")
            has(answer.message, kind, "the reason")
        for feed in feeds.values():
            equal(opened(world, feed, "POINTS_good_FB.dat.pgp").accepted, 50, "the good one")
        finish(world)
        equal(world.credits()[0], 150, "credits")


def zeros(mebibytes):
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(mebibytes)) + packer.flush()


@test
def an_unpacker_that_is_killed_holds_its_file_and_nothing_else():
    with World(local=True) as world:
        feed = OtherFeed(world, "killed", **{"outer-packing": "gzip"})
        feed.settings.update({"retry-limit": 1, "ratio-limit": 100000})
        world.configuration.lanes = {"points": [feed]}
        world.start()
        feed.drop("POINTS_long.dat", zeros(256))  # takes long enough to be met at work

        def killed():
            for pid in world.gateway.named("unpack"):
                os.kill(pid, signal.SIGKILL)
                return True
        wait_until("the unpacking process", killed, pause=0.001, log=world.gateway.log_tail)
        row = world.gateway.wait_state("POINTS_long.dat", "held")
        has(row["reason"], "packing process", "why it is held")
        feed.drop("POINTS_good.dat", pack("gzip", world.partner.seal(accruals.text(accruals.records(5)))))
        equal(opened(world, feed, "POINTS_good_FB.dat.pgp").accepted, 5, "the file behind it")
        world.gateway.ok("reject", row["id"], "--reason", "a bomb")
        equal(opened(world, feed, "POINTS_long_EX.dat.pgp").verdict, "REJECTED",
              "the answer when a person has rejected it")
        finish(world)


def sign(world, content, *, signer=None, options=()):
    return world.keys.partner.run(*options, "-u", signer or world.keys.acme, "-b", "-o", "-", data=content)


@test
def a_file_with_a_detached_signature_waits_for_it_and_its_answer_has_one():
    with World(local=True) as world:
        feed = OtherFeed(world, "detached", envelope="detached-signature", signature="{name}.sig")
        feed.feedback.update(envelope="detached-signature", name="{stem}_FB.txt",
                             **{"exception-name": "{stem}_EX.txt", "digest": "{name}.sha256"})
        world.configuration.lanes = {"points": [feed]}
        world.start()
        plain = accruals.text(accruals.records(30)).encode()
        feed.drop("POINTS_1.txt", plain)
        wait = waits(world, "POINTS_1.txt", "signature", "waits for its signature POINTS_1.txt.sig")
        equal((wait["on"], wait["until"]), ("POINTS_1.txt.sig", None), "on and until")
        feed.put("POINTS_1.txt.sig", sign(world, plain))
        answer = answered(feed, "POINTS_1_FB.txt")
        equal(accruals.parse_feedback(answer.decode()).accepted, 30, "accepted")
        with open(os.path.join(feed.back, "POINTS_1_FB.txt.sig"), "rb") as file:
            signature = file.read()
        path = os.path.join(world.folder, "answer.sig")
        with open(path, "wb") as file:
            file.write(signature)
        world.keys.partner.run("--verify", path, os.path.join(feed.back, "POINTS_1_FB.txt"))
        has(os.popen(f"cd {feed.back} && sha256sum -c POINTS_1_FB.txt.sha256 2>&1").read(), "OK", "sha256sum -c")
        finish(world)
        row = world.gateway.file("POINTS_1.txt")
        equal((row["trust"], row["signer"]), ("good", world.keys.acme), "trust and signer")
        equal(sorted(os.listdir(os.path.join(feed.out, "archive"))),
              ["POINTS_1.txt", "POINTS_1.txt.ok", "POINTS_1.txt.sig"], "archived at the partner's")


@test
def a_detached_signature_that_does_not_hold_refuses_the_file():
    with World(local=True) as world:
        feed = OtherFeed(world, "detached", envelope="detached-signature")
        world.configuration.lanes = {"points": [feed]}
        world.start()
        plain = accruals.text(accruals.records(30)).encode()
        bad = {"changed": sign(world, plain + b"x"), "stranger": sign(world, plain, signer=world.keys.stranger),
               "text": sign(world, plain, options=["--textmode"]), "none": b"no signature", "empty": b""}
        for name, signature in bad.items():
            feed.put(f"POINTS_{name}.txt.sig", signature)
            feed.drop(f"POINTS_{name}.txt", plain)
        for name in bad:
            answer = opened(world, feed, f"POINTS_{name}_EX.dat.pgp")
            equal(answer.verdict, "REJECTED", name)
            has(answer.code, "P0", name)
        finish(world)
        world.assert_nothing_credited()


@test
def a_file_without_protection_is_taken_where_the_feed_says_so_and_shown_as_such():
    with World(local=True) as world:
        feed = OtherFeed(world, "plain", envelope="unprotected-plain-text", **{"outer-packing": "zip"})
        feed.feedback.update(envelope="unprotected-plain-text", name="{stem}_FB.csv",
                             **{"exception-name": "{stem}_EX.csv"})
        world.configuration.lanes = {"points": [feed]}
        world.write_configuration()
        checked = world.gateway.run("check")
        has(checked.out + checked.err, "unprotected plain text", "check")
        world.start()
        feed.drop("POINTS_1.csv", pack("zip", accruals.text(accruals.records(10)).encode()))
        equal(accruals.parse_feedback(answered(feed, "POINTS_1_FB.csv").decode()).accepted, 10, "accepted")
        finish(world)
        row = world.gateway.file("POINTS_1.csv")
        equal((row["trust"], row["signer"]), ("unprotected", None), "trust and signer")
        has(world.gateway.ok("show", "POINTS_1.csv").out, "unprotected", "show")
        tried = world.gateway.run("try", "plain", os.path.join(feed.out, "archive", "POINTS_1.csv"))
        has(tried.out, "unprotected", "try")
        lacks(tried.out, "signed by", "try")


@test
def inputs_of_one_stem_get_answers_of_two_names():
    with World(local=True) as world:
        feed = OtherFeed(world, "stems")
        world.configuration.lanes = {"points": [feed]}
        world.start()
        feed.drop("POINTS_1.a", world.partner.seal(accruals.text(accruals.records(3, prefix="A"))))
        equal(opened(world, feed, "POINTS_1_FB.dat.pgp").accepted, 3, "the first")
        feed.drop("POINTS_1.b", world.partner.seal(accruals.text(accruals.records(4, prefix="B"))))
        row = world.gateway.wait_state("POINTS_1.b", "closed")
        assert row["feedback_name"] != "POINTS_1_FB.dat.pgp" and row["id"] in row["feedback_name"], row["feedback_name"]
        equal(opened(world, feed, row["feedback_name"]).accepted, 4, "the second")
        finish(world)


@test
def a_signature_from_the_future_is_held_for_a_person():
    with World(local=True) as world:
        feed = OtherFeed(world, "future")
        world.configuration.lanes = {"points": [feed]}
        keys = world.keys.partner
        later = ["--faked-system-time", "20400101T000000!"]
        keys.run(*later, "--passphrase", "", "--quick-generate-key", "marty <marty@test.example>", "ed25519", "sign",
                 "never")
        marty = keys.fingerprint("marty")
        world.configuration.openpgp["signed-by"].append(marty)
        gateway = keys.__class__(world.gnupg)
        gateway.run(*later, "--import", data=keys.run("--export", marty))
        gateway.stop()
        world.start()
        feed.drop("POINTS_1.dat", keys.run(*later, "-u", marty, "-s", "-r", world.keys.gateway, "-e",
                                           data=accruals.text(accruals.records(3)).encode()))
        row = world.gateway.wait_state("POINTS_1.dat", "held")
        equal(row["reason_code"], "F011", "the code")
        has(row["reason"], "clock", "the reason")
        equal(os.listdir(feed.back), [], "answers")
