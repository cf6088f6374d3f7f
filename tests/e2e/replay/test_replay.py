"""Changed rules, tried on cases of real files: what is collected, what a run says of a candidate, and that it changes
nothing."""
import hashlib
import os

import accruals
from harness import equal, has, test, wait_until
from replaying import ABROAD, LARGE, SMALL, cells, collected, collecting, differing, reload, replayed
from watching import standing, wait_told, with_command
from world import World


def digests(world):
    found = {}
    for folder, _, names in os.walk(world.configuration.node["state"]):
        for name in names:
            path = os.path.join(folder, name)
            if not name.endswith("-shm") and os.path.isfile(path):
                with open(path, "rb") as file:
                    found[path] = hashlib.sha256(file.read()).hexdigest()
    return found


def run(world, status, *words):
    """A replay of the configuration as it is now, which no lane is told of."""
    world.write_configuration()
    result = world.gateway.run("replay", "run", "--json", *words)
    equal(result.status, status, f"exit status; {result.out}{result.err}")
    return result.json()["runs"][0]


def counts(told, **expected):
    equal(told["counts"], {**dict.fromkeys(("consistent", "inconsistent", "no-result", "misconfigured"), 0),
                           **expected}, "counts")


@test
def a_changed_rule_is_tried_on_cases_of_real_files_and_each_difference_is_told():
    with World(local=True) as world:
        made = collecting(world)
        world.start()
        equal(world.gateway.run("replay", "run").status, 14, "a run without a case")
        world.drop("POINTS_A.dat.pgp", made)
        world.gateway.wait_state("POINTS_A.dat.pgp", "closed")
        expected = {("small", "grocery"): 5, ("small", "other"): 0, ("large", ""): 5, ("abroad", ""): 3}
        wait_until("the cases", lambda: cells(world) == expected, log=world.gateway.log_tail)
        equal(cells(world, "--gap"), {("small", "other"): 0, ("abroad", ""): 3}, "cells that are not full")
        cases = world.gateway.json("replay", "cases")["lanes"][0]["cases"]
        equal(len(cases), 13, "cases")
        state = world.configuration.node["state"]
        library = b"".join(open(os.path.join(state, "lanes/points", name), "rb").read()
                           for name in ("cases.db", "cases.db-wal")
                           if os.path.exists(os.path.join(state, "lanes/points", name)))
        for record in made:
            assert record.member.encode() not in library, "a masked value lies in the library"
        assert accruals.CANARY.encode() not in library, "the canary lies in the library"
        assert all(c["fields"]["member"][0] == "M" for c in cases), "the letter that a rule looks at"

        counts(run(world, 0), consistent=13)
        rules, feed = world.feed.rules, world.feed
        right = rules["points-range"]["check"]
        rules["points-range"]["check"] = "points BETWEEN 1 AND 102"
        told = run(world, 11)
        beyond = sum(int(float(c["fields"]["points"]["n"])) > 102 and c["result"]["codes"] == [] for c in cases)
        counts(told, consistent=13 - beyond, inconsistent=beyond)
        assert all(g["differs"] == "outcome" and g["status"] == "inconsistent" for g in told["groups"]), told["groups"]
        equal(told["differences"][0]["got"]["codes"], ["E012"], "what the first comes to")
        rules["points-range"]["check"] = f"  {right} "
        counts(run(world, 0), consistent=13)

        # another amount: each by its own difference, and their sum
        feed.ledger["amount"] = "amount"
        told = run(world, 11)
        counts(told, inconsistent=13)
        total = sum(float(g["sum"]) for g in told["groups"])
        equal(round(total, 2), round(sum(12.30 - float(c["result"]["amount"]) for c in cases), 2), "the sum of changes")
        feed.ledger["amount"] = "points"

        # a record that is of another scenario now differs, also where all else is the same
        SMALL_, LARGE_ = dict(SMALL), dict(LARGE)
        world.configuration.lane_settings['scenario "small"'] = {**SMALL_, "when": "currency = 'CNY' AND points <= 1"}
        world.configuration.lane_settings['scenario "large"'] = {**LARGE_, "when": "currency = 'CNY' AND points > 1"}
        told = run(world, 11)
        counts(told, consistent=8, inconsistent=5)
        equal([g["differs"] for g in told["groups"]], ["scenario"], "what differs first")
        # one that is of none has no result, and that is worse
        world.configuration.lane_settings['scenario "abroad"'] = {"keys": ["currency"], "when": "currency = 'EUR'"}
        world.configuration.layouts["accrual-v1"]['record "D"']['field "currency"']["values"].append("EUR")
        counts(run(world, 13), consistent=5, inconsistent=5, **{"no-result": 3})
        world.configuration.lane_settings.update({'scenario "small"': SMALL, 'scenario "large"': LARGE,
                                                  'scenario "abroad"': ABROAD})

        # a case that does not fit any more is a wrong configuration, and worst
        fields = world.configuration.layouts["accrual-v1"]['record "D"']
        fields['field "batch"'] = {"type": "text"}
        told = run(world, 3)
        counts(told, misconfigured=13)
        has(told["groups"][0]["differs"], "field \"batch\" of the case is missing", "why")
        del fields['field "batch"']

        # nothing is changed by it
        world.write_configuration()
        world.gateway.stop()
        before = digests(world)
        counts(run(world, 0), consistent=13)
        equal(digests(world), before, "the state's files")

        # rules that are in force are what the next change is held against
        rules["points-range"]["check"] = "points BETWEEN 1 AND 102"
        counts(run(world, 11), consistent=13 - beyond, inconsistent=beyond)
        world.gateway.start()
        wait_until("the cases to follow the rules", lambda: world.gateway.run("replay", "run").status == 0,
                   log=world.gateway.log_tail)
        equal(len({c["rules"] for c in world.gateway.json("replay", "cases")["lanes"][0]["cases"]}), 1, "rules")
        rules["points-range"]["check"] = right
        counts(run(world, 11), consistent=13 - beyond, inconsistent=beyond)
        world.write_configuration()


@test
def rules_in_force_by_which_cases_differ_are_an_alarm_and_a_row_of_the_audit_chain():
    with World(local=True) as world:
        told = with_command(world)
        beyond = collected(world)
        rule = world.feed.rules["points-range"]
        right = rule["check"]
        equal(replayed(world), [], "rows before a rule has changed")

        rule["check"] = "points BETWEEN 1 AND 102"
        reload(world, 1)
        says = differing(beyond)
        has(replayed(world)[0]["detail"], says, "the audit chain")
        raised = wait_told(world, told, "raised", "replay-mismatch")
        equal((raised["subject"], raised["text"]),
              ("acme-points", f"acme-points: by the rules that are in force now, {says}"), "the alarm")
        world.gateway.ok("alarms", "acknowledge", raised["id"])
        wait_until("the alarm to end", lambda: "replay-mismatch" not in world.gateway.ok("alarms").out,
                   log=world.gateway.log_tail)

        # another rule that no case breaks: told in the chain, and by no alarm; so is a difference with the gate off
        world.feed.rules["points-more"] = {"check": "points <> 123456", "code": "E077"}
        reload(world, 2)
        has(replayed(world)[1]["detail"], "of 13 cases, 0 come to something else; 0 dropped", "the audit chain")
        world.configuration.lane_settings["replay"]["gate"] = "off"
        rule["check"] = right
        reload(world, 3)
        has(replayed(world)[2]["detail"], says, "the audit chain")
        equal([s for s in standing(world) if s[0] == "replay-mismatch"], [], "alarms")
        world.gateway.ok("verify")
