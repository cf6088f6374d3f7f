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
