"""Lines that the layout says to pass over are counted, never credited."""
from configuration import Feed
from harness import equal, has, test
from world import World


def f(**settings):
    return settings


@test(quick=True)
def a_merchants_bill_with_comments_around_it_is_credited():
    world = World()
    feed = Feed()
    feed.settings.update({"layout": "other", "business-date": None})
    feed.rules, feed.batch = {}, None
    world.configuration.layouts = {"other": {
        "type": "delimited", "delimiter": ",", "lines-by": "position", "pass-over": {"beginning": ["#"], "blank": True},
        "header": {'field "a"': f(), 'field "b"': f(), 'field "c"': f()},
        "record": {'field "member"': f(), 'field "reference"': f(), 'field "points"': f(type="decimal", scale=2)}}}
    world.configuration.lanes = {"points": [feed]}
    with world:
        world.start()
        has(world.gateway.ok("check").out,
            'layout other: passed over, and never credited, is a line that begins with "#", or of blanks', "check")
        world.drop("POINTS_a.dat.pgp", b"#bill\n#m9,r9,9.00\n\nmember,reference,points\nm1,r1,7.50\n#m1,r2,1.00\n"
                                       b"m1,r3,2\n#end\n")
        answer = world.raw_answer("POINTS_a.dat.pgp").decode()
        has(answer, "r1,OK", "the answer")
        has(answer, "r3,OK", "the answer")
        equal("r2" in answer or "r9" in answer, False, "what was passed over is answered")
        equal(world.gateway.json("balance", "m1")["balance"], "9.50", "the balance")
        has(world.gateway.ok("show", "POINTS_a.dat.pgp").out, "8 lines, 5 passed over", "show")


@test(quick=True)
def opening_balance_and_movements_are_the_closing_balance():
    world = World()
    feed = Feed()
    feed.settings.update({"layout": "other", "business-date": None})
    feed.rules, feed.batch = {}, None
    money = f(type="decimal", scale=2)
    world.configuration.layouts = {"other": {
        "type": "delimited", "delimiter": "|", "pass-over": {"beginning": ["#"]},
        'header "H"': {'field "opening"': money},
        'record "D"': {'field "number"': f(type="integer", numbers="records"), 'field "member"': f(),
                       'field "reference"': f(), 'field "points"': money},
        'trailer "T"': {'field "closing"': f(**money, control="sum(points)", opening="opening"),
                        'field "lines"': f(type="integer", control="all-lines")}}}
    world.configuration.lanes = {"points": [feed]}
    with world:
        world.start()
        good = "H|10.00\n#\nD|1|m1|r1|7.50\nD|2|m1|r2|-1.00\nT|16.50|5\n"
        for name, text, code in (("a", good.replace("16.50", "6.50"), "T004"), ("b", good.replace("|5", "|4"), "T003"),
                                 ("c", good.replace("D|2", "D|3"), "T013")):
            world.drop(f"POINTS_{name}.dat.pgp", text.encode())
            has(world.raw_answer(f"POINTS_{name}.dat.pgp", "EX").decode(), code, f"what {code} is told of")
        world.drop("POINTS_d.dat.pgp", good.encode())
        has(world.raw_answer("POINTS_d.dat.pgp").decode(), "T|2|2|0|0|6.50", "the good file's answer")
        equal(world.gateway.json("balance", "m1")["balance"], "6.50", "the balance")
