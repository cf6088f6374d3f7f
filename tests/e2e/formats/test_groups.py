"""Groups and addenda: what stands around records is checked, told with its lines, never credited, and answered."""
from configuration import Feed
from harness import equal, has, test
from statements import lines_of
from world import World


def f(**settings):
    return settings


def whole(control=None):
    return f(type="integer", **({"control": control} if control else {}))


def world_of(**feed_settings):
    """Batches of shops, each with its totals; an entry's addenda say what was bought."""
    world = World()
    feed = Feed()
    feed.settings.update({"layout": "batches", "business-date": None, **feed_settings})
    feed.rules, feed.batch = {"of-the-shop": f(check="shop <> 'closed' AND (goods IS NULL OR goods <> 'none')",
                                             code="E1", message="a closed shop, or nothing bought")}, None
    feed.feedback.update({"columns": ["reference", "shop", "batch", "goods", "last_line"], "group-lines": True})
    world.configuration.layouts = {"batches": {
        "type": "delimited", "delimiter": "|",
        'group "batch"': {'header "B"': {'field "shop"': f()},
                          'trailer "E"': {'field "lines"': whole("count(D, A)"), 'field "sum"': whole("sum(points)")}},
        'record "D"': {'field "member"': f(), 'field "points"': whole(), 'field "reference"': f()},
        'addendum "A"': {'field "goods"': f()},
        'trailer "T"': {'field "batches"': whole("count(B)"), 'field "total"': whole("sum(sum, E)")}}}
    world.configuration.lanes = {"points": [feed]}
    return world


@test(quick=True)
def a_record_is_credited_with_what_its_group_and_its_addenda_say_and_they_never_are():
    with world_of() as world:
        world.start()
        told = world.gateway.ok("check").out
        has(told, 'group batch begins with a line "B" and ends with a line "E"', "check")
        has(told, '"sum" must be the sum of "points", over group batch', "check")
        has(told, 'a line "A" belongs to the record before it', "check")
        world.drop("POINTS_a.dat.pgp", b"B|north\nD|m1|5|r1\nA|tea\nA|milk\nD|m2|7|r2\nE|4|12\n"
                                       b"B|closed\nD|m1|1|r3\nE|1|1\nB|south\nD|m1|2|r4\nA|none\nE|2|2\nT|3|15\n")
        equal(world.raw_answer("POINTS_a.dat.pgp").decode(),
              "H|POINTS_a.dat.pgp|ACCEPTED||\n"
              "B|north\nD|r1|north|1|tea milk|4|OK|\nD|r2|north|1||5|OK|\nE|2|2|0|0|12\n"
              "B|closed\nD|r3|closed|7||8|REJECTED|E1\nE|1|0|1|0|0\n"
              "B|south\nD|r4|south|10|none|12|REJECTED|E1\nE|1|0|1|0|0\nT|4|2|2|0|12\n", "the answer")
        equal([world.gateway.json("balance", m)["balance"] for m in ("m1", "m2")], ["5", "7"], "the balances")
        for line, outcome, before in ((2, "credited", None), (4, "no-record", 2), (12, "no-record", 11),
                                      (1, "no-record", None)):
            traced = world.gateway.run("trace", f"POINTS_a.dat.pgp:{line}", "--json").json()
            equal((traced["outcome"], traced.get("record_before")), (outcome, before), f"line {line}")


@test(quick=True)
def a_group_that_is_wrong_credits_nothing_and_is_told_with_its_lines():
    with world_of() as world:
        world.start()
        for name, text, code, words in (
                ("a", b"B|n\nD|m1|5|r1\nE|1|6\nT|1|6\n", "T004", "group batch, lines 1 to 3: sum: 6 declared"),
                ("b", b"B|n\nD|m1|5|r1\nE|1|5\nD|m1|5|r2\nT|1|5\n", "T014", "line 4: a record outside of a group"),
                ("c", b"B|n\nD|m1|5|r1\nT|1|5\n", "T015", "group batch, which begins here, has no trailer"),
                ("d", b"D|m1|5|r1\nE|1|5\nT|1|5\n", "T014", "line 1: a record outside"),
                ("e", b"E|0|0\nT|0|0\n", "T014", "line 1: the trailer of a group batch that has no header"),
                ("f", b"B|n\nA|x\nE|1|0\nT|1|0\n", "T014",
                 'line 2: a line "A" belongs to the record before it, and there'),
                ("g", b"B|n\nD|m1|5|r1\n" + 10001 * b"A|x\n" + b"E|10002|5\nT|1|5\n", "T014",
                 'line 10003: a line "A" of a record that has 10000 lines of its own'),
                ("h", b"T|0|0\nD|m1|5|r1\nD|m2|5|r2\n", "T008",
                 "lines behind the trailer, which is line 1: from here")):
            world.drop(f"POINTS_{name}.dat.pgp", text)
            answer = world.raw_answer(f"POINTS_{name}.dat.pgp", "EX").decode()
            has(answer, f"REJECTED|{code}|", name)
            has(answer, words, name)
        equal(world.credits(), (0, 0), "the credits")


@test(quick=True)
def a_key_and_an_account_may_stand_in_the_header_of_the_group():
    """A record that cannot be read has those, too, and is told by them; it takes the key from no good one."""
    with world_of(key="shop") as world:
        world.configuration.lanes["points"][0].ledger["account"] = "shop"
        world.configuration.lane_settings['reconcile "records"'] = {
            "requester": "acme-bank", "type": "outcomes", "threshold": 1000, "read": {
                "from": "records", "columns": ["line", "outcome", "code", "key", "account", "amount"],
                "amount": "amount"}}
        world.start()
        world.drop("POINTS_a.dat.pgp", b"B|north\nD||5|r1\nD|m2|7|r2\nA|tea\nE|3|12\nB|south\nD|m1|1|r3\nA|ham\n"
                                       b"E|2|1\nB|east\nD|m1|2\nE|1|0\nT|3|13\n")
        has(world.raw_answer("POINTS_a.dat.pgp", "EX").decode(), "REJECTED|T005|", "a sum that cannot be told")
        world.drop("POINTS_b.dat.pgp", b"B|north\nD||5|r1\nD|m2|7|r2\nA|tea\nE|3|12\nB|south\nD|m1|1|r3\nA|ham\n"
                                       b"E|2|1\nT|2|13\n")
        has(world.raw_answer("POINTS_b.dat.pgp").decode(), "T|3|2|1|0|8", "the answer")
        equal([world.gateway.json("balance", m)["balance"] for m in ("north", "south")], ["7", "1"], "the balances")
        day = world.gateway.wait_state("POINTS_b.dat.pgp", "closed")["business_date"]
        task = world.gateway.json("recon", "run", "records", "--date", day)["task"]
        equal(lines_of(world, task),
              [",rejected,T005,,,13", "2,rejected,L010,north,north,5", "3,accepted,,north,north,7",
               "7,accepted,,south,south,1"], "what is reconciled")
