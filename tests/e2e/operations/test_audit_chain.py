"""The audit chain of a gateway that somebody meddled with."""
import os
import sqlite3

import accruals
from harness import equal, has, test
from world import World


@test
def a_cut_off_or_missing_end_of_the_audit_chain_is_named():
    with World() as world:
        world.start()
        world.drop("POINTS_a.dat.pgp", accruals.records(3))
        world.feedback("POINTS_a.dat.pgp")
        world.settle()
        world.gateway.stop()
        connection = sqlite3.connect(os.path.join(world.state, "lanes", "points", "book.db"))
        connection.execute("DELETE FROM audit WHERE sequence = (SELECT max(sequence) FROM audit)")
        connection.commit()
        connection.close()
        cut = world.gateway.run("audit", "verify")
        equal(cut.status, 6, "exit status")
        has(cut.out, "cut off", "what it says")
        os.unlink(os.path.join(world.state, "audit", "points.tip"))
        missing = world.gateway.run("audit", "verify")
        equal(missing.status, 6, "exit status without the tip")
        has(missing.out, "is missing", "what it says")
