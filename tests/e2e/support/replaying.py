"""For tests of replays: a lane that collects cases, and what is told when its rules change."""
import dataclasses
import signal

import accruals
from harness import wait_until

SMALL = {"keys": ["currency", "points"], "when": "currency = 'CNY' AND points <= 103",
         'channel "grocery"': {"when": "category = 'GROCERY'"}, 'channel "other"': {"otherwise": True}}
LARGE = {"keys": ["currency", "points"], "when": "currency = 'CNY' AND points > 103"}
ABROAD = {"keys": ["currency"], "otherwise": True}
SMALL["keys"].append("category")


def collecting(world):
    world.configuration.lane_settings.update({"replay": {"keep-per-cell": 5}, 'scenario "small"': SMALL,
                                              'scenario "large"': LARGE, 'scenario "abroad"': ABROAD})
    for name in ("store", "reference"):
        world.configuration.layouts["accrual-v1"]['record "D"'][f'field "{name}"']["mask"] = True
    made = accruals.records(200, broken={7, 70})
    made[20:23] = [dataclasses.replace(r, currency="USD") for r in made[20:23]]
    return made


def cells(world, *words):
    return {(c["scenario"], c["channel"]): c["cases"] for c in
            world.gateway.json("replay", "coverage", *words)["coverage"][0]["cells"]}


def collected(world):
    made = collecting(world)
    world.start()
    world.drop("POINTS_A.dat.pgp", made)
    world.gateway.wait_state("POINTS_A.dat.pgp", "closed")
    wait_until("the cases", lambda: sum(cells(world).values()) == 13, log=world.gateway.log_tail)
    cases = world.gateway.json("replay", "cases")["lanes"][0]["cases"]
    return sum(int(float(c["fields"]["points"]["n"])) > 102 and c["result"]["codes"] == [] for c in cases)


def differing(cases):
    """What is told when so many of the 13 cases are refused now."""
    return f"of 13 cases, {cases} come to something else: outcome {cases}; 0 dropped"


def replayed(world):
    return [r for r in world.gateway.json("audit", "list")["records"] if r["event"] == "rules-replayed"]


def reload(world, rows):
    """Until the audit chain has as many rows of rules that were replayed."""
    world.write_configuration()
    world.gateway.process.send_signal(signal.SIGHUP)
    wait_until(f"{rows} rows of rules that were replayed", lambda: len(replayed(world)) == rows,
               log=world.gateway.log_tail)
