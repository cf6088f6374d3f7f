"""What the books hold against a changed configuration: refused by check and reload, the lane stays down; and `move`."""
import copy
import os
import signal
import subprocess

from accruals import Record
from configuration import Feed
from gateway import BINARY
from harness import equal, has, lacks, test, wait_until
from world import World


def record_of(number, points="100", **fields):
    return Record(f"M{number:09d}", f"R-{number:08d}", points, **fields)


def other_lane():
    """A second lane, which no edit touches."""
    feed = Feed("second-feed")
    feed.source["match"] = "SECOND_*.pgp"
    feed.ledger = {**feed.ledger, "name": "second"}
    return feed


def credited(world):
    """One file in, with three credits."""
    world.configuration.lanes["other"] = [other_lane()]
    world.start()
    world.drop("POINTS_1.dat.pgp", [record_of(n) for n in (1, 2, 3)])
    world.feedback("POINTS_1.dat.pgp")
    world.gateway.wait_state("POINTS_1.dat.pgp", "closed")


def record_fields(c):
    return c.layouts["accrual-v1"]['record "D"']


def rename_lane(c):
    c.lanes["loyalty"] = c.lanes.pop("points")


def remove_lane(c):
    del c.lanes["points"]


def rename_feed(c):
    c.lanes["points"][0].name = "acme-loyalty"


def move_feed(c):
    c.lanes["third"] = [c.lanes["points"].pop()]
    fresh = Feed("fresh-feed")
    fresh.source["match"] = "FRESH_*.pgp"
    fresh.ledger = {**fresh.ledger, "name": "fresh"}
    c.lanes["points"] = [fresh]


def replace_feed(c):
    """Gone, and another in its place."""
    c.lanes["points"] = [Feed("new-points")]


def rename_ledger(c):
    c.lanes["points"][0].ledger["name"] = "points"


def change_shards(c):
    c.lanes["points"][0].ledger["shards"] = 8


def change_amount_type(c):
    fields = record_fields(c)
    fields['field "points"'] = {"type": "decimal", "scale": 2}
    c.layouts["accrual-v1"]['trailer "T"']['field "total"'] = {"type": "decimal", "scale": 2, "control": "sum(points)"}


def change_amount_field(c):
    c.lanes["points"][0].ledger["amount"] = "amount"


def change_key(c):
    c.lanes["points"][0].settings["key"] = "store"


def change_account(c):
    c.lanes["points"][0].ledger["account"] = "store"


def change_key_type(c):
    record_fields(c)['field "reference"'] = {"type": "integer"}


def change_normal_form(c):
    record_fields(c)['field "reference"'] = {"normal-form": ["trim", "case"]}


def change_prefix(c):
    c.layouts["accrual-v1"]["value-prefix"] = "`"


EDITS = [  # what, words that the refusal has, the lanes that must not start
    (rename_lane, ["points", "sallyport move lane points"], ["loyalty"]),
    (remove_lane, ["points", "sallyport move lane points", "--close"], []),
    (rename_feed, ["acme-points", "sallyport move feed acme-points"], ["points"]),
    (move_feed, ["acme-points", "put the feed back into lane"], ["points", "third"]),
    (replace_feed, ["acme-points", "sallyport move feed acme-points"], ["points"]),
    (rename_ledger, ["miles", "sallyport move ledger miles"], ["points"]),
    (change_shards, ["2 shards", "shards = 2"], ["points"]),
    (change_amount_type, ["decimals", "put the amount"], ["points"]),
    (change_amount_field, ["decimals"], ["points"]),
    (change_key, ["key", "reference", "--accept"], ["points"]),
    (change_account, ["account", "member", "--accept"], ["points"]),
    (change_key_type, ["key's type", "integer", "--accept"], ["points"]),
    (change_normal_form, ["key's type was text, and is text trim case", "--accept"], ["points"]),
    (change_prefix, ["key's type was text, and is text behind `", "--accept"], ["points"]),
]


def refused_lanes(gateway):
    """How often a lane was refused, by the supervisor's word."""
    return gateway.log().count("then reload or restart the service")


def assert_refused_everywhere(world, edit, words, stays_down):
    gateway, good = world.gateway, copy.deepcopy(world.configuration)
    before = (gateway.ok("entries", "--json").out, sorted(gateway.named("lane")))
    edit(world.configuration)
    world.write_configuration()
    what = edit.__name__
    checked = gateway.run("check")
    equal(checked.status, 3, f"{what}: check's status\n{checked.out}")
    for word in words:
        has(checked.out, word, f"{what}: check")
    refusals = gateway.log().count("reload-refused")
    gateway.process.send_signal(signal.SIGHUP)
    wait_until("the reload to be refused", lambda: gateway.log().count("reload-refused") > refusals,
               log=gateway.log_tail)
    equal(sorted(gateway.named("lane")), before[1], f"{what}: the lanes that run")
    shown = gateway.run("status")
    equal(shown.status, 3, f"{what}: status's status\n{shown.out}")
    has(shown.out, words[0], f"{what}: status")
    equal(gateway.run("verify").status, 6, f"{what}: verify")
    equal(gateway.stop(), 0, f"{what}: the old configuration's end")
    stopped = refused_lanes(gateway)
    gateway.start(wait=False)
    wait_until("the lanes to be refused", lambda: refused_lanes(gateway) >= stopped + len(stays_down),
               log=gateway.log_tail)

    def is_up():
        rows = gateway.run("status", "--json").json()["lanes"]
        return [r for r in rows if r["lane"] == "other" and r["running"]]
    wait_until("the other lane", is_up, log=gateway.log_tail)
    rows = gateway.run("status", "--json").json()
    down = [r["lane"] for r in rows["lanes"] if r["configured"] and not r["running"]]
    equal(down, stays_down, f"{what}: lanes that are down")
    assert rows["contradictions"], f"{what}: status tells no contradiction"
    equal(len(gateway.json("entries")["entries"]), 3, f"{what}: credits that are shown")
    equal(gateway.stop(), 3 if stays_down else 0, f"{what}: the status of run")
    world.configuration = good
    world.write_configuration()
    gateway.start()
    equal(gateway.ok("entries", "--json").out, before[0], f"{what}: the entries with the configuration put back")


@test
def twelve_kinds_of_edit_that_contradict_the_books_are_refused_by_check_reload_and_start():
    with World(local=True) as world:
        credited(world)
        for edit, words, stays_down in EDITS:
            assert_refused_everywhere(world, edit, words, stays_down)
        world.gateway.ok("verify")
        world.settle()


@test
def new_lanes_feeds_ledgers_and_settings_without_state_are_fine():
    with World(local=True) as world:
        credited(world)
        feed = Feed("third-feed")
        feed.source["match"] = "THIRD_*.pgp"
        feed.ledger = {**feed.ledger, "name": "third"}
        world.configuration.lanes["third"] = [feed]
        again = Feed("more-points")
        again.source["match"] = "MORE_*.pgp"
        world.configuration.lanes["points"].append(again)
        # the second feed has credited nothing yet: all of it may change
        second = world.configuration.lanes["other"][0]
        second.ledger = {**second.ledger, "name": "else", "amount": "amount"}
        world.write_configuration()
        world.gateway.ok("check")
        world.gateway.process.send_signal(signal.SIGHUP)
        wait_until("three lanes", lambda: len(world.gateway.named("lane")) == 3, log=world.gateway.log_tail)
        lacks(world.gateway.log(), "reload-refused", "the log")
        world.gateway.wait_quiet()
        equal(world.gateway.run("status").status, 0, "status")


@test
def a_start_with_nothing_but_a_contradicting_lane_ends_with_3_and_tells_the_alarm():
    with World(local=True) as world:
        told = os.path.join(world.folder, "told")
        program = os.path.join(world.folder, "tell")
        with open(program, "w") as file:
            file.write(f"#!/bin/sh\ncat >> {told}\n")
        os.chmod(program, 0o755)
        world.configuration.extra = f'alarms {{ command = {{ "{program}" }} }}\n'
        world.start()
        world.drop("POINTS_1.dat.pgp", [record_of(1)])
        world.feedback("POINTS_1.dat.pgp")
        world.gateway.wait_quiet()
        equal(world.gateway.stop(), 0, "the end")
        rename_ledger(world.configuration)
        world.write_configuration()
        done = subprocess.run([BINARY, "--config", world.path, "run"], env=world.gateway.environment,
                              capture_output=True, timeout=60)
        equal(done.returncode, 3, f"run's status\n{done.stderr.decode()}")
        with open(told) as file:
            has(file.read(), "configuration-contradicts", "what the alarm's program was told")


def stopped_with(world, edit):
    equal(world.gateway.stop(), 0, "the end")
    edit(world.configuration)
    world.write_configuration()


def again(world):
    """The morning's file once more: nothing is credited."""
    world.gateway.start()
    world.drop("POINTS_1.dat.pgp", [record_of(n) for n in (1, 2, 3)])
    world.drop("POINTS_2.dat.pgp", [record_of(n) for n in (3, 4)])
    told = world.feedback("POINTS_2.dat.pgp")
    equal([code for _, _, code in told.results], ["K003", ""], "a key that is known and one that is not")
    world.gateway.wait_quiet()
    equal(len(world.gateway.entries()), 4, "credits")
    world.gateway.ok("check")
    world.gateway.ok("verify")
    equal(world.gateway.run("status").status, 0, "status")


@test
def a_lane_a_feed_and_a_ledger_are_moved_and_nothing_is_credited_again():
    for edit, words in ((rename_lane, ["lane", "points", "loyalty"]),
                        (rename_feed, ["feed", "acme-points", "acme-loyalty"]),
                        (rename_ledger, ["ledger", "miles", "points"])):
        with World(local=True) as world:
            credited(world)
            refused = world.gateway.run("move", *words)
            equal(refused.status, 7, f"move {words} against the configuration\n{refused.err}")
            edit(world.configuration)
            world.write_configuration()
            running = world.gateway.run("move", *words)
            has(running.err, "is running", f"move {words} while the lane runs")
            equal(world.gateway.stop(), 0, "the end")
            world.gateway.ok("move", *words, "--reason", "a new name")
            chain = world.gateway.json("audit", "list")["records"]
            rows = [r for r in chain if r["event"] == "moved" and "a new name" in r["detail"]]
            equal(len(rows), 1, f"audit rows of {words}")
            again(world)


@test
def a_feed_that_goes_on_in_another_lane_is_refused_also_when_it_was_declared_as_closed_in_its_own():
    for close in (["feed", "acme-points"], ["lane", "points"]):
        with World(local=True) as world:
            credited(world)
            good = copy.deepcopy(world.configuration)
            stopped_with(world, remove_lane)
            if close[0] == "feed":
                world.configuration.lanes["points"] = [Feed("fresh-feed")]
                world.configuration.lanes["points"][0].source["match"] = "FRESH_*.pgp"
                world.write_configuration()
            world.gateway.ok("move", *close, "--close", "--reason", "it goes to another lane")
            world.gateway.ok("check")
            elsewhere = Feed("acme-points")
            elsewhere.ledger = {**elsewhere.ledger, "name": "elsewhere"}
            world.configuration.lanes["third"] = [elsewhere]
            world.write_configuration()
            checked = world.gateway.run("check")
            equal(checked.status, 3, f"check with a feed whose credits are in another lane\n{checked.out}")
            has(checked.out, "they would be credited again; put the feed back into lane \"points\"", "check")
            world.configuration = good
            world.write_configuration()
            world.gateway.ok("move", *close, "--reopen")
            again(world)


@test
def what_is_declared_as_closed_is_shown_and_contradicts_no_more_until_it_is_configured_again():
    with World(local=True) as world:
        credited(world)
        good = copy.deepcopy(world.configuration)
        stopped_with(world, remove_lane)
        world.gateway.ok("move", "lane", "points", "--close", "--reason", "the contract has ended")
        world.gateway.ok("check")
        world.gateway.start()
        rows = {r["lane"]: r for r in world.gateway.json("status")["lanes"]}
        equal((rows["points"]["configured"], rows["points"]["running"]), (False, False), "the closed lane in status")
        has(world.gateway.ok("status").out, "closed", "status")
        equal(len(world.gateway.entries()), 3, "entries of the closed lane")
        equal(len(world.gateway.files()), 1, "files of the closed lane")
        equal([b["balance"] for b in world.gateway.json("balance", "M000000001")["balances"]], ["100"], "balance")
        has(world.gateway.ok("verify").out, "points: ledger miles: whole", "verify")
        equal(world.gateway.stop(), 0, "the end")
        world.configuration = good
        world.write_configuration()
        has(world.gateway.run("check").out, "--reopen", "check")
        world.gateway.ok("move", "lane", "points", "--reopen")
        again(world)


@test
def another_name_for_the_same_field_is_accepted_and_another_scale_is_not():
    with World(local=True) as world:
        credited(world)

        def rename_field(c):
            fields = {('field "ref"' if n == 'field "reference"' else n): b for n, b in record_fields(c).items()}
            c.layouts["accrual-v1"]['record "D"'] = fields
            for feeds in c.lanes.values():
                feeds[0].settings["key"] = "ref"
        stopped_with(world, rename_field)
        equal(world.gateway.run("check").status, 3, "check")
        world.gateway.ok("move", "feed", "acme-points", "--accept", "--reason", "spelt as the partner does")
        change_amount_field(world.configuration)
        world.write_configuration()
        refused = world.gateway.run("move", "feed", "acme-points", "--accept")
        equal(refused.status, 7, f"a scale that is accepted\n{refused.out}")
        world.configuration.lanes["points"][0].ledger["amount"] = "points"
        world.write_configuration()
        again(world)


@test
def the_audit_chain_says_which_configuration_and_rules_were_in_force():
    with World(local=True) as world:
        credited(world)
        digest = subprocess.run(["sha256sum", world.path], capture_output=True).stdout.decode().split()[0]
        rows = [r for r in world.gateway.json("audit", "list")["records"] if r["event"] == "lane-started"]
        equal(len(rows), 2, "rows of two lanes' start")
        for row in rows:
            has(row["detail"], f"configuration sha256 {digest}; rules sha256 ", "the row of a start")
        before = {r["lane"]: r["detail"].split()[-1] for r in rows}
        world.feed.rules["points-range"]["check"] = "points BETWEEN 1 AND 99999"
        world.write_configuration()
        digest = subprocess.run(["sha256sum", world.path], capture_output=True).stdout.decode().split()[0]
        world.gateway.process.send_signal(signal.SIGHUP)

        def noted():
            rows = world.gateway.json("audit", "list")["records"]
            return {r["lane"]: r for r in rows if digest in (r.get("detail") or "")}
        wait_until("both lanes to note the new configuration", lambda: len(noted()) == 2, log=world.gateway.log_tail)
        points, other = noted()["points"], noted()["other"]
        equal((points["event"], other["event"]), ("lane-started", "reloaded"), "events")
        assert points["detail"].split()[-1] != before["points"], "other rules have another digest"
        equal(other["detail"].split()[-1], before["other"], "the rules' digest of the lane that was left as it is")
