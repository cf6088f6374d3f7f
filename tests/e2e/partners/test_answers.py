"""Answers whose name is taken at the partner's, and those that are sent again."""
import os
import shutil
import signal

import accruals
from harness import equal, has, test, wait_until
from world import World


@test
def an_answer_never_overwrites_what_it_did_not_write_unless_it_may():
    with World() as world:
        world.start()
        taken = os.path.join(world.partner.incoming, "POINTS_x_FB.dat.pgp")
        with open(taken, "w") as file:
            file.write("the partner's own")
        world.drop("POINTS_x.dat.pgp", accruals.records(5))
        told = wait_until("the problem", lambda: (world.gateway.file("POINTS_x.dat.pgp") or {}).get("problem"),
                          log=world.gateway.log_tail)
        has(told, "exists", "the problem")
        with open(taken) as file:
            equal(file.read(), "the partner's own", "what was there")
        os.unlink(taken)
        world.gateway.ok("retry", world.gateway.file("POINTS_x.dat.pgp")["id"])
        equal(world.feedback("POINTS_x.dat.pgp").accepted, 5, "accepted")
        world.settle()
        world.feed.feedback["if-exists"] = "replace"
        world.write_configuration()
        world.gateway.process.send_signal(signal.SIGHUP)
        taken = os.path.join(world.partner.incoming, "POINTS_y_FB.dat.pgp")
        with open(taken, "w") as file:
            file.write("an older answer")
        wait_until("the reload", lambda: "lane-ended" in world.gateway.log())
        world.drop("POINTS_y.dat.pgp", accruals.records(5, prefix="Y"))
        equal(world.feedback("POINTS_y.dat.pgp").accepted, 5, "accepted")
        world.settle()


@test
def an_answers_name_that_is_taken_is_told_and_nothing_there_is_overwritten():
    with World() as world:
        world.start()
        taken = os.path.join(world.partner.incoming, "POINTS_t_FB.dat.pgp")
        with open(taken, "w") as file:
            file.write("something of the partner's own")
        world.drop("POINTS_t.dat.pgp", accruals.records(3))
        wait_until("it to be told", lambda: "if-exists = replace" in world.gateway.ok("files").out,
                   log=world.gateway.log_tail)
        with open(taken) as file:
            equal(file.read(), "something of the partner's own", "the partner's file")
        os.unlink(taken)
        world.gateway.run("retry", "POINTS_t.dat.pgp")
        equal(world.feedback("POINTS_t.dat.pgp").accepted, 3, "accepted")
        world.settle()


@test
def an_answer_that_the_partner_has_lost_is_sent_again_by_resend():
    """The same bytes and the marker, also of an exception file; nothing else of the file changes."""
    with World() as world:
        world.start()
        world.drop("POINTS_a.dat.pgp", accruals.records(5))
        world.drop("POINTS_b.dat.pgp", accruals.records(3, prefix="B"), total=1)
        for name in ("POINTS_a.dat.pgp", "POINTS_b.dat.pgp"):
            world.gateway.wait_state(name, "closed")
        incoming = world.partner.incoming
        sent = {}
        for name in os.listdir(incoming):
            with open(os.path.join(incoming, name), "rb") as file:
                sent[name] = file.read()
        equal(len(sent), 4, "two answers and their markers")

        def resend(name, times):
            shown = world.gateway.ok("resend", name, "--reason", "lost at the bank").out
            has(shown, "is being sent again", "resend")
            wait_until("what came of it", lambda: [h["event"] for h in world.gateway.json("show", name)["history"]]
                       .count("resent") == times, log=world.gateway.log_tail)
        for name in sent:
            os.unlink(os.path.join(incoming, name))
        resend("POINTS_a.dat.pgp", 1)
        resend("POINTS_b.dat.pgp", 1)
        resend("POINTS_a.dat.pgp", 2)  # it lies there
        for name, content in sent.items():
            with open(os.path.join(incoming, name), "rb") as file:
                assert file.read() == content, f"{name} is another one"
        equal(sorted(os.listdir(incoming)), sorted(sent), "what the partner has")
        last = world.gateway.json("show", "POINTS_a.dat.pgp")["history"][-1]
        has(last["detail"], "lost at the bank", "the history")
        equal(world.gateway.file("POINTS_a.dat.pgp")["state"], "closed", "the file")
        world.drop("POINTS_a.dat.pgp", accruals.records(5))
        again = wait_until("the duplicate", lambda: [f["id"] for f in world.gateway.json("files")["files"]
                                                     if f["outcome"] == "duplicate" and f["state"] == "closed"],
                           log=world.gateway.log_tail)
        again = world.gateway.run("resend", *again)
        equal(again.status, 7, "of a duplicate without an answer")
        has(again.err, "that of the original goes again by resend ", "of a duplicate")
        shutil.rmtree(os.path.join(world.state, "lanes", "points", "archive"))
        gone = world.gateway.run("resend", "POINTS_b.dat.pgp")
        equal(gone.status, 7, "of what is not kept any more")
        has(gone.err, "is not in our archive", "of what is not kept")
        world.settle()
