"""What is taken, when, and what becomes of the partner's copy: evidence of completeness, names, schedules, local
folders."""
import os
import time

import accruals
from harness import equal, test, wait_until
from world import World


def poll_until(world, feed="acme-points", times=3):
    """Lets the feed be polled so many times more, and waits for each."""
    def polls():
        feeds = [f for lane in world.gateway.json("status")["lanes"] for f in lane["feeds"]]
        return next(f["last_poll"] for f in feeds if f["feed"] == feed)
    for _ in range(times):
        before = polls()
        world.gateway.poll(feed)
        wait_until("the next poll", lambda: polls() != before, log=world.gateway.log_tail)


def write_part(world, name, content, when):
    """Appends as a slow partner does, and puts the time stamp back to what it was."""
    path = os.path.join(world.partner.outgoing, name)
    with open(path, "ab") as file:
        file.write(content)
    os.utime(path, (when, when))


@test
def a_file_without_its_marker_waits_for_it():
    with World() as world:
        world.start()
        world.drop("POINTS_m.dat.pgp", accruals.records(10), marker=False)
        world.gateway.wait_state("POINTS_m.dat.pgp", "seen")
        poll_until(world)
        equal(world.gateway.file("POINTS_m.dat.pgp")["state"], "seen", "state without the marker")
        world.partner.put(world.partner.marker("POINTS_m.dat.pgp"), b"")
        equal(world.feedback("POINTS_m.dat.pgp").accepted, 10, "accepted")
        equal(world.gateway.json("show", "POINTS_m.dat.pgp")["file"]["evidence"]["kind"], "marker", "recorded evidence")
        world.settle()


@test
def a_trickling_upload_with_a_kept_time_stamp_is_never_taken_early():
    with World() as world:
        world.feed.source.update(ready="stable", looks=3, marker=None)
        world.feed.source["least-age"] = "2s"
        world.start()
        plain = accruals.text(accruals.records(30))
        world.partner.originals["POINTS_t.dat.pgp"] = plain
        sealed = world.partner.seal(plain)
        stamp = int(time.time()) - 86400
        size = len(sealed) // 6 + 1
        for at in range(0, len(sealed), size):
            write_part(world, "POINTS_t.dat.pgp", sealed[at:at + size], stamp)
            if at + size < len(sealed):
                poll_until(world, times=2)
                equal(world.gateway.file("POINTS_t.dat.pgp")["state"], "seen",
                      f"state after {at + size} of {len(sealed)} bytes")
        equal(world.feedback("POINTS_t.dat.pgp").accepted, 30, "accepted")
        evidence = world.gateway.json("show", "POINTS_t.dat.pgp")["file"]["evidence"]
        assert evidence["kind"] == "stable" and evidence["looks"] >= 3, evidence
        world.settle()


@test
def a_renamed_file_is_taken_and_one_with_a_temporary_name_is_not():
    with World() as world:
        world.feed.source.update(ready="rename", marker=None, temporary=["*.part.pgp", "*.tmp"])
        world.start()
        plain = accruals.text(accruals.records(10))
        world.partner.put("POINTS_w.dat.part.pgp", b"half of a fi")
        world.drop("POINTS_done.dat.pgp", plain, marker=False)
        equal(world.feedback("POINTS_done.dat.pgp").accepted, 10, "accepted")
        poll_until(world)
        equal([f["name"] for f in world.gateway.files()], ["POINTS_done.dat.pgp"], "files in the book")
        world.settle()


@test
def a_file_is_taken_by_age_only_when_it_is_old_enough():
    with World() as world:
        world.feed.source.update(ready="age", marker=None)
        world.feed.source["least-age"] = "3s"
        world.start()
        begun = time.monotonic()
        world.drop("POINTS_old.dat.pgp", accruals.records(10), marker=False)
        equal(world.feedback("POINTS_old.dat.pgp").accepted, 10, "accepted")
        assert time.monotonic() - begun >= 3, "taken before its age"
        world.settle()


@test
def a_file_taken_away_before_it_was_complete_is_gone_and_nothing_else():
    with World() as world:
        world.start()
        world.drop("POINTS_gone.dat.pgp", accruals.records(10), marker=False)
        world.gateway.wait_state("POINTS_gone.dat.pgp", "seen")
        os.unlink(os.path.join(world.partner.outgoing, "POINTS_gone.dat.pgp"))
        world.gateway.wait_state("POINTS_gone.dat.pgp", "gone")
        world.settle()


@test(quick=True)
def a_local_folder_is_an_endpoint_like_any_other():
    with World(local=True) as world:
        world.start()
        world.drop("POINTS_l.dat.pgp", accruals.records(200, broken={3}))
        equal(world.feedback("POINTS_l.dat.pgp").accepted, 199, "accepted")
        world.settle()


@test
def the_partners_copy_is_archived_deleted_or_kept_as_configured():
    for after, expected in (("archive", ["archive"]), ("delete", []),
                            ("keep", ["POINTS_a.dat.pgp", "POINTS_a.dat.pgp.ok"])):
        with World() as world:
            world.feed.source["after"] = after
            world.start()
            world.drop("POINTS_a.dat.pgp", accruals.records(10))
            with open(os.path.join(world.partner.outgoing, "POINTS_a.dat.pgp"), "rb") as file:
                sealed = file.read()
            world.feedback("POINTS_a.dat.pgp")
            world.settle()
            equal(sorted(os.listdir(world.partner.outgoing)), expected, f"the partner's folder with after = {after}")
            if after == "archive":
                with open(os.path.join(world.partner.outgoing, "archive", "POINTS_a.dat.pgp"), "rb") as file:
                    equal(file.read() == sealed, True, "the archived bytes are the partner's")


@test
def an_archive_that_has_the_name_already_loses_neither_file():
    with World() as world:
        world.start()
        folder = os.path.join(world.partner.outgoing, "archive")
        os.mkdir(folder)
        with open(os.path.join(folder, "POINTS_a.dat.pgp"), "w") as file:
            file.write("an older one")
        world.drop("POINTS_a.dat.pgp", accruals.records(10))
        world.feedback("POINTS_a.dat.pgp")
        world.settle()
        with open(os.path.join(folder, "POINTS_a.dat.pgp")) as file:
            equal(file.read(), "an older one", "the older file")
        assert len(os.listdir(folder)) >= 2, "the new one is not in the archive"


@test
def hostile_names_are_handled_as_bytes_and_shown_escaped():
    with World() as world:
        world.start()
        names = [b"POINTS_a\nb.dat.pgp", b"POINTS_\x1b[31mred.dat.pgp", b"POINTS_\xff\xfe.dat.pgp",
                 b"POINTS_$(touch x);`id`.dat.pgp",
                 b"POINTS_--help.dat.pgp", b"POINTS_'\"\\.dat.pgp", b"POINTS_..%2f..%2fetc.dat.pgp",
                 "POINTS_积分.dat.pgp".encode(),
                 b"POINTS_" + b"x" * 200 + b".dat.pgp"]
        for i, name in enumerate(names):
            world.partner.put(name, world.partner.seal(accruals.text(accruals.records(5, prefix=f"H{i}"))))
            world.partner.put(world.partner.marker(name), b"")

        def all_closed():
            rows = world.gateway.files()
            assert len(rows) == len(names) and all(r["state"] == "closed" for r in rows), [(r["name"], r["state"])
                                                                                           for r in rows]
            return rows
        rows = wait_until("all files to be closed", all_closed, seconds=60, log=world.gateway.log_tail)
        equal(world.credits()[0], 5 * len(names), "credits")
        shown = "".join(r["name"] for r in rows) + world.gateway.log() + world.gateway.ok("files").out
        assert "\x1b" not in shown and "a\nb" not in shown, "a control character came through"
        equal(sorted(os.listdir(os.fsencode(world.partner.incoming))),
              sorted(n.split(b".")[0] + b"_FB.dat.pgp" + end for n in names for end in (b"", b".ok")), "answers")
        assert not os.path.exists("x") and not os.path.exists(os.path.join(world.folder, "x"))


@test
def folders_links_and_pipes_that_are_named_like_files_are_not_taken():
    with World() as world:
        world.start()
        out = world.partner.outgoing
        os.mkdir(os.path.join(out, "POINTS_folder.dat.pgp"))
        os.symlink("/etc/passwd", os.path.join(out, "POINTS_link.dat.pgp"))
        os.mkfifo(os.path.join(out, "POINTS_pipe.dat.pgp"))
        for name in ("folder", "link", "pipe"):
            world.partner.put(f"POINTS_{name}.dat.pgp.ok", b"")
        world.drop("POINTS_real.dat.pgp", accruals.records(5))
        equal(world.feedback("POINTS_real.dat.pgp").accepted, 5, "accepted")
        poll_until(world)
        equal([f["name"] for f in world.gateway.files()], ["POINTS_real.dat.pgp"], "files in the book")
        world.settle()


@test
def the_same_goes_for_a_local_folder_and_a_link_out_of_it_is_not_followed():
    with World(local=True) as world:
        secret = os.path.join(world.folder, "secret")
        os.mkdir(secret)
        with open(os.path.join(secret, "POINTS_s.dat.pgp"), "wb") as file:
            file.write(world.partner.seal(accruals.text(accruals.records(5))))
        os.symlink(os.path.join(secret, "POINTS_s.dat.pgp"), os.path.join(world.partner.outgoing, "POINTS_s.dat.pgp"))
        os.mkfifo(os.path.join(world.partner.outgoing, "POINTS_pipe.dat.pgp"))
        for name in ("POINTS_s.dat.pgp.ok", "POINTS_pipe.dat.pgp.ok"):
            world.partner.put(name, b"")
        world.start()
        world.drop("POINTS_real.dat.pgp", accruals.records(5, prefix="REAL"))
        equal(world.feedback("POINTS_real.dat.pgp").accepted, 5, "accepted")
        equal([f["name"] for f in world.gateway.files()], ["POINTS_real.dat.pgp"], "files in the book")
        world.settle()


@test
def one_poison_file_among_many_good_ones_stops_none_of_them():
    with World() as world:
        world.start()
        for i in range(30):
            world.drop(f"POINTS_{i:02d}.dat.pgp", accruals.records(5, prefix=f"G{i}"),
                       signer=None if i == 11 else world.keys.acme)
        for i in range(30):
            if i != 11:
                equal(world.feedback(f"POINTS_{i:02d}.dat.pgp", seconds=60).accepted, 5, "accepted")
        equal(world.exception("POINTS_11.dat.pgp").verdict, "REJECTED", "the poison file")
        world.settle()
