"""Re-processing: every kind of what was there before, and every policy for it. None is silent: history, log and answer
tell; and no policy credits a record twice."""
import accruals
from harness import equal, has, test, wait_until
from packers import OtherFeed, finish, opened
from world import World

POLICIES = ("duplicate", "hold", "reject", "accept")


def repeating(world, name, **repeats):
    feed = OtherFeed(world, name)
    feed.repeats = {option.replace("_", "-"): policy for option, policy in repeats.items()}
    return feed


def drop_all(world, drops):
    """Drops (feed, name, records), all at once; the rows of these very copies, once each is closed or held, in that
    order."""
    before = {f["id"] for f in world.gateway.files()}
    for feed, name, made in drops:
        feed.drop(name, world.partner.seal(accruals.text(made)))

    def settled():
        rows = {(f["feed"], f["name"]): f for f in world.gateway.files() if f["id"] not in before
                and f["state"] in ("closed", "held")}
        found = [rows.get((feed.name, name)) for feed, name, _ in drops]
        return found if None not in found else None
    return wait_until("all that was dropped to be closed or held", settled, pause=0.1, log=world.gateway.log_tail)


def drop(world, feed, name, made):
    return drop_all(world, [(feed, name, made)])[0]


def history(world, row):
    return [(h["event"], h.get("detail") or "") for h in world.gateway.json("show", row["id"])["history"]]


KINDS = {  # what comes second: its name, the prefix of its records, and the code of the verdict
    "same_file": ("POINTS_a.dat", "A", "F003"),
    "same_content": ("POINTS_b.dat", "A", "F003"),
    "same_name": ("POINTS_a.dat", "OTHER", "F002"),
}


def check_cell(world, feed, kind, policy, first, second):
    """One cell of the table."""
    name, _, code = KINDS[kind]
    events = history(world, second)
    what = f"{kind} {policy}"
    if policy == "duplicate":
        equal((second["state"], second["reason_code"], second["duplicate_of"]), ("closed", code, first["id"]), what)
        if kind == "same_file":
            equal(second["feedback_name"], None, what + ": the original's answer is there already")
        else:
            equal(opened(world, feed, second["feedback_name"]).verdict, "DUPLICATE", what)
    elif policy == "hold":
        equal((second["state"], second["reason_code"]), ("held", code), what)
    elif policy == "reject":
        answer = opened(world, feed, second["feedback_name"])
        equal((answer.verdict, answer.code), ("REJECTED", code), what)
        equal(second["state"], "closed", what)
    else:
        answer = opened(world, feed, second["feedback_name"])
        equal((answer.verdict, answer.code), ("ACCEPTED", code), what)
        has(answer.message, "accepted again", what)
        equal(answer.accepted, 4 if kind == "same_name" else 0, what + ": accepted, for keys still protect")
        equal(answer.duplicates, 0 if kind == "same_name" else 4, what + ": duplicates")
        assert any(event == "note" and "accepted again" in detail for event, detail in events), events
    has(world.gateway.log(), second["id"], "the log")
    if policy != "accept":
        assert any(code in detail or detail == second["reason"] for _, detail in events), f"{what}: {events}"


@test
def every_kind_of_repeated_file_meets_every_policy():
    with World(local=True) as world:
        feeds = {(kind, policy): repeating(world, f"{kind.replace('_', '-')}-{policy}", **{kind: policy})
                 for kind in KINDS for policy in POLICIES}
        world.configuration.lanes = {"points": list(feeds.values())}
        world.start()
        first = dict(zip(feeds, drop_all(world, [(feed, "POINTS_a.dat", accruals.records(4, prefix="A"))
                                                 for feed in feeds.values()])))
        second = dict(zip(feeds, drop_all(world, [(feed, KINDS[kind][0], accruals.records(4, prefix=KINDS[kind][1]))
                                                  for (kind, _), feed in feeds.items()])))
        for (kind, policy), feed in feeds.items():
            check_cell(world, feed, kind, policy, first[kind, policy], second[kind, policy])
        for kind in KINDS:  # what a person releases is not asked again
            row = second[kind, "hold"]
            world.gateway.ok("release", row["id"])
        world.gateway.wait_quiet()
        for kind in KINDS:
            row = second[kind, "hold"]
            now = world.gateway.json("show", row["id"])["file"]
            equal((now["state"], now["accepted"], now["duplicates"]),
                  ("closed", 4, 0) if kind == "same_name" else ("closed", 0, 4), f"{kind} released")
        finish(world)
        credits = {feed.name: len([e for e in world.gateway.entries() if e["ledger"] == feed.name])
                   for feed in feeds.values()}
        for (kind, policy), feed in feeds.items():
            expected = 8 if kind == "same_name" and policy in ("accept", "hold") else 4
            equal(credits[feed.name], expected, f"credits of {feed.name}")


@test
def keys_seen_before_are_duplicates_or_rejected_or_hold_their_file():
    with World(local=True) as world:
        feeds = {policy: repeating(world, "keys-" + policy, keys=policy) for policy in ("duplicate", "reject", "hold")}
        world.configuration.lanes = {"points": list(feeds.values())}
        world.start()
        drop_all(world, [(feed, "POINTS_1.dat", accruals.records(4, prefix="A")) for feed in feeds.values()])
        rows = dict(zip(feeds, drop_all(world, [(feed, "POINTS_2.dat",
                                                 accruals.records(2, prefix="A") + accruals.records(3, prefix="B"))
                                                for feed in feeds.values()])))
        answer = opened(world, feeds["duplicate"], "POINTS_2_FB.dat.pgp")
        equal((answer.accepted, answer.rejected, answer.duplicates), (3, 0, 2), "duplicate")
        answer = opened(world, feeds["reject"], "POINTS_2_FB.dat.pgp")
        equal((answer.accepted, answer.rejected, answer.duplicates), (3, 2, 0), "reject")
        equal({code for _, result, code in answer.results if result == "REJECTED"}, {"K003"}, "the code")
        row = rows["hold"]
        equal((row["state"], row["reason_code"]), ("held", "F010"), "hold")
        has(row["reason"], "2 of 5 records were posted before", "hold")
        world.gateway.ok("release", row["id"])
        answer = opened(world, feeds["hold"], "POINTS_2_FB.dat.pgp")
        equal((answer.accepted, answer.rejected, answer.duplicates), (3, 0, 2), "released")
        finish(world)
        equal(world.credits()[0], 21, "credits")


@test
def a_file_that_was_rejected_for_its_keys_can_be_repaired():
    """Nothing of a refused file stays marked."""
    with World(local=True) as world:
        feed = repeating(world, "repaired", keys="reject", same_file="reject", same_content="reject",
                         same_name="reject")
        feed.settings["on-reject"] = "file"
        world.configuration.lanes = {"points": [feed]}
        world.start()
        drop(world, feed, "POINTS_1.dat", accruals.records(4, prefix="A"))
        drop(world, feed, "POINTS_2.dat", accruals.records(1, prefix="A") + accruals.records(3, prefix="B"))
        answer = opened(world, feed, "POINTS_2_EX.dat.pgp")
        equal((answer.verdict, answer.code), ("REJECTED", "F004"), "the file with a key seen before")
        row = drop(world, feed, "POINTS_2.dat", accruals.records(3, prefix="B"))
        equal((row["state"], row["accepted"]), ("closed", 3), "repaired, under its old name")
        finish(world)
        equal(world.credits()[0], 7, "credits")
