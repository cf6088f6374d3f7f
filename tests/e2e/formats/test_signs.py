"""Signs that stand in another field: a debit is credited as one, and answered as it came."""
from configuration import Feed
from harness import equal, has, test
from world import World


def f(**settings):
    return settings


def world_of(record, trailer, **feedback):
    world = World()
    feed = Feed()
    feed.settings.update({"layout": "other", "business-date": None})
    feed.rules, feed.batch = {}, None
    feed.feedback.update(feedback)
    world.configuration.layouts = {"other": {"type": "delimited", "delimiter": "|", 'record "D"': record,
                                             'trailer "T"': trailer}}
    world.configuration.lanes = {"points": [feed]}
    return world


@test(quick=True)
def a_debit_is_credited_as_a_debit_and_answered_as_it_came():
    amount = f(type="decimal", scale=2)
    world = world_of({'field "member"': f(), 'field "points"': f(**amount, **{"sign-from": "dc", "negative": ["D"]}),
                      'field "dc"': f(type="enumeration", values=["C", "D"]), 'field "reference"': f()},
                     {'field "debits"': f(**amount, control="debits(points)"),
                      'field "credits"': f(**amount, control="credits(points)"),
                      'field "net"': f(**amount, control="sum(points)")},
                     columns=["reference", "dc", "points"])
    with world:
        world.start()
        has(world.gateway.ok("check").out, 'layout other, record "D": "points" is below zero where "dc" is "D"',
            "check")
        world.drop("POINTS_a.dat.pgp", b"D|m1|7.50|C|a\nD|m1|2.5|D|b\nD|m2|1.00|X|c\nD|m2|1.00|D|d\nT|3.50|7.50|4.00\n")
        has(world.raw_answer("POINTS_a.dat.pgp", "EX").decode(), "T005", "a sum over a sign that nobody declared")
        world.drop("POINTS_b.dat.pgp", b"D|m1|7.50|C|a\nD|m1|2.5|D|b\nD|m2|1.00|D|d\nT|3.50|7.50|4.00\n")
        equal(world.raw_answer("POINTS_b.dat.pgp").decode(),
              "H|POINTS_b.dat.pgp|ACCEPTED||\nD|a|C|7.50|OK|\nD|b|D|2.5|OK|\nD|d|D|1.00|OK|\nT|3|3|0|0|4.00\n",
              "the answer")
        equal([world.gateway.json("balance", m)["balance"] for m in ("m1", "m2")], ["5.00", "-1.00"], "the balances")
        # the same key with the other sign is another amount
        world.drop("POINTS_c.dat.pgp", b"D|m2|1.00|C|d\nD|m1|7.5|C|a\nT|0|8.5|8.5\n")
        equal(world.raw_answer("POINTS_c.dat.pgp").decode(),
              "H|POINTS_c.dat.pgp|ACCEPTED||\nD|d|C|1.00|REJECTED|K004\nD|a|C|7.5|DUPLICATE|K003\nT|2|0|1|1|0.00\n",
              "the second answer")


@test(quick=True)
def cents_without_a_point_are_the_same_money_as_their_total_with_one():
    world = world_of({'field "member"': f(), 'field "points"': f(type="decimal", scale=2, implied=True),
                      'field "reference"': f()},
                     {'field "total"': f(type="decimal", scale=2, control="sum(points)")},
                     columns=["reference", "points"])
    with world:
        world.start()
        world.drop("POINTS_a.dat.pgp", b"D|m1|1230|a\nD|m1|-5|b\nD|m1|007|c\nT|12.32\n")
        equal(world.raw_answer("POINTS_a.dat.pgp").decode(),
              "H|POINTS_a.dat.pgp|ACCEPTED||\nD|a|1230|OK|\nD|b|-5|OK|\nD|c|007|OK|\nT|3|3|0|0|12.32\n", "the answer")
        equal(world.gateway.json("balance", "m1")["balance"], "12.32", "the balance")


@test(quick=True)
def numbers_in_a_partners_own_form_come_back_in_it():
    form = {"decimal-point": ",", "thousands": ".", "number-form": ["trailing-sign", "trim"]}
    world = world_of({'field "member"': f(), 'field "points"': f(type="decimal", scale=2, **form),
                      'field "reference"': f()},
                     {'field "total"': f(type="decimal", scale=2, control="sum(points)", **form)},
                     columns=["reference", "points"])
    with world:
        world.start()
        has(world.gateway.ok("check").out, 'layout other, record "D": in "points", a number below zero is written as '
            "1.234,56-", "check")
        world.drop("POINTS_a.dat.pgp", b"D|m1|1.230,50|a\nD|m1|  0,5-|b\nD|m1|1,234.50|c\nT|1.230,00\n")
        has(world.raw_answer("POINTS_a.dat.pgp", "EX").decode(), "D|||REJECTED|L013", "a number in another form")
        world.drop("POINTS_b.dat.pgp", b"D|m1|1.230,50|a\nD|m1|  0,5-|b\nD|m1|007|c\nT|1.237,00\n")
        equal(world.raw_answer("POINTS_b.dat.pgp").decode(),
              "H|POINTS_b.dat.pgp|ACCEPTED||\nD|a|1.230,50|OK|\nD|b|  0,5-|OK|\nD|c|007|OK|\nT|3|3|0|0|1237.00\n",
              "the answer")
        equal(world.gateway.json("balance", "m1")["balance"], "1237.00", "the balance")
