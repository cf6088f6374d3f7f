"""A lane that dies while other rules come into force: it is told before the cases follow them, and none goes untold."""
import os

from harness import Test, equal, wait_until
from replaying import collected, differing, reload, replayed
from watching import standing
from world import World

# how often the chain has it: what died behind its row is told once more
POINTS = {"replay-told-before": 1, "replay-told-after": 2}


def killed_at(point, rows):
    def run():
        with World(local=True) as world:
            once = os.path.join(world.folder, "killed")
            world.gateway.environment.update({"SALLYPORT_FAULT": point, "SALLYPORT_FAULT_ONCE": once})
            beyond = collected(world)
            world.feed.rules["points-range"]["check"] = "points BETWEEN 1 AND 102"
            reload(world, rows)
            assert os.path.exists(once), f"nobody died at {point}"
            assert all(differing(beyond) in row["detail"] for row in replayed(world)), replayed(world)
            wait_until("the alarm", lambda: standing(world).count(("replay-mismatch", "acme-points")) == 1,
                       log=world.gateway.log_tail)
            wait_until("the cases to follow the rules", lambda: world.gateway.run("replay", "run").status == 0,
                       log=world.gateway.log_tail)
            equal(len(replayed(world)), rows, "rows, after all of it")
            world.gateway.ok("verify")
    return run


def tests():
    for point, rows in POINTS.items():
        yield Test(killed_at(point, rows), name=f"a_lane_killed_at_{point.replace('-', '_')}_leaves_no_rule_untold")
