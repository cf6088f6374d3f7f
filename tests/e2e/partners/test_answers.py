"""Answers whose name is taken at the partner's."""
import os
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
