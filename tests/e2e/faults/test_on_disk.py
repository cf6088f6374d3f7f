"""What lies on the disk: who may read it, what a crash leaves, what the archive holds."""
import os
import stat

import accruals
import invariants
from harness import equal, has, test, wait_until
from world import World


def private(path):
    return stat.S_IMODE(os.lstat(path).st_mode) & 0o077 == 0


@test
def nothing_in_the_state_is_readable_by_others_and_no_plaintext_has_a_name_but_in_staging():
    with World() as world:
        previous = os.umask(0o022)
        try:
            world.start()
        finally:
            os.umask(previous)
        world.drop("POINTS_seen.dat.pgp", accruals.records(5, prefix="SEEN"), marker=False)
        world.drop("POINTS_done.dat.pgp", accruals.records(300, broken={7}))
        world.drop("POINTS_untrusted.dat.pgp", accruals.records(5), signer=world.keys.stranger)
        world.exception("POINTS_untrusted.dat.pgp")
        world.feedback("POINTS_done.dat.pgp")
        world.drop("POINTS_done.dat.pgp", accruals.records(30, prefix="OTHER"))
        held = world.gateway.wait_state("POINTS_done.dat.pgp", "held")
        world.assert_no_plaintext(but={"stage"})
        for path, folders, names in os.walk(world.state):
            for name in ["", *folders, *names]:
                found = os.path.join(path, name)
                assert private(found) or not os.path.exists(found), \
                    f"{found} has mode {stat.S_IMODE(os.lstat(found).st_mode):o}"
        equal(private(world.runtime), True, "the control sockets' folder is private")
        world.gateway.ok("reject", held["id"], "--reason", "not this one")
        wait_until("it to be closed", lambda: world.gateway.file("POINTS_done.dat.pgp")["state"] == "closed",
                   log=world.gateway.log_tail)
        world.assert_no_plaintext()


@test
def what_a_crash_left_in_the_spool_is_swept_at_the_next_start():
    with World() as world:
        world.start()
        world.drop("POINTS_done.dat.pgp", accruals.records(3, prefix="DONE"))
        world.feedback("POINTS_done.dat.pgp")
        world.drop("POINTS_done.dat.pgp", accruals.records(3, prefix="OTHER"))
        held = world.gateway.wait_state("POINTS_done.dat.pgp", "held")
        world.drop("POINTS_seen.dat.pgp", accruals.records(5), marker=False)
        seen = world.gateway.wait_state("POINTS_seen.dat.pgp", "seen")
        world.gateway.kill()
        spool = os.path.join(world.state, "lanes", "points", "spool")
        orphans = [os.path.join(spool, name) for name in (
            "in/0123456789abcdef.part", "in/0123456789abcdef.pgp", "stage/0123456789abcdef.db",
            "stage/0123456789abcdef.db-journal",
            "out/0123456789abcdef-feedback.pgp", "stage/short", f"out/.{held['id']}.tmp", f"in/{seen['id']}.part")]
        for path in orphans:
            with open(path, "w") as file:
                file.write(accruals.CANARY)
        own = os.path.join(spool, "in", held["id"] + ".pgp")
        equal(os.path.exists(own), True, "what came of a file that is held")
        world.restart()
        equal([p for p in orphans if os.path.exists(p)], [], "left after the start")
        equal(os.path.exists(own), True, "what came of a file that is held, after the start")
        world.partner.put(world.partner.marker("POINTS_seen.dat.pgp"), b"")
        equal(world.feedback("POINTS_seen.dat.pgp").accepted, 5, "accepted")


@test
def each_file_that_was_taken_lies_in_our_archive_as_it_was_sent():
    """The partner's copy may be gone only if its content is durable here."""
    with World() as world:
        world.feed.source["after"] = "delete"
        world.start()
        sent = {}
        for i, signer in enumerate((world.keys.acme, world.keys.acme, world.keys.stranger)):
            name = f"POINTS_{i}.dat.pgp"
            world.drop(name, accruals.records(5, prefix=f"A{i}"), signer=signer, marker=False)
            with open(os.path.join(world.partner.outgoing, name), "rb") as file:
                sent[name] = file.read()
            world.partner.put(world.partner.marker(name), b"")
        for name in sent:
            world.gateway.wait_state(name, "closed")
        equal(os.listdir(world.partner.outgoing), [], "the partner's folder")
        for name, content in sent.items():
            row = world.gateway.file(name)
            found = [p for p in invariants.files_below(os.path.join(world.state, "lanes", "points", "archive"))
                     if row["id"] in p]
            equal([os.path.basename(p) for p in sorted(found)][-1:], [row["id"] + ".pgp"], "the file")
            equal(len(found), 2, f"{name} and its answer in the archive")
            found = [p for p in found if p.endswith("/" + row["id"] + ".pgp")]
            with open(found[0], "rb") as file:
                assert file.read() == content, f"the archived {name} differs"
        has(world.gateway.ok("verify").out, "3 files are as they came", "verify")
        with open(found[0], "r+b") as file:
            file.seek(100)
            file.write(b"\0" if content[100] else b"\1")
        refused = world.gateway.run("verify")
        equal((refused.status, world.gateway.run("verify", "--without-archive").status), (6, 0), "verify")
        has(refused.out, f"{name}): {found[0]} is not what came: it was changed since", "verify")
        os.unlink(found[0])
        has(world.gateway.run("verify").out, f"{found[0]} No such file or directory", "verify without it")
        os.rename(os.path.dirname(found[0]), os.path.join(world.folder, "pruned"))
        has(world.gateway.ok("verify").out, "0 files are as they came", "verify of days that were pruned")
