"""Dates in the partner's own spelling: one normal form inside, and the answer as he wrote it."""
import datetime

from configuration import Feed
from harness import equal, has, test
from world import World


def f(**settings):
    return {name.replace("_", "-"): value for name, value in settings.items()}


def world_of(header, record, business_date, **feedback):
    world = World()
    feed = Feed()
    feed.settings.update({"layout": "other", "business-date": business_date})
    feed.rules, feed.batch = {}, None
    feed.feedback.update(feedback)
    world.configuration.layouts = {"other": {"type": "delimited", "delimiter": "|", 'header "H"': header,
                                             'record "D"': record, 'trailer "T"': {'field "n"': f(type="integer")}}}
    world.configuration.lanes = {"points": [feed]}
    return world


def business_dates(world, keys):
    return [world.gateway.json("trace", "--key", key)["credits"][0]["business_date"] for key in keys]


@test(quick=True)
def an_answer_has_dates_in_the_partners_own_count_of_years():
    world = world_of({'field "day"': f(type="date", format="%-Y/%-m/%-d", years="minguo")},
                     {'field "member"': f(), 'field "points"': f(type="integer"), 'field "reference"': f(),
                      'field "at"': f(type="timestamp", format="%m%d%H%M", year_from="day")}, "day",
                     columns=["reference", "at"])
    with world:
        world.start()
        said = world.gateway.ok("check").out
        has(said, 'layout other, header "H": in "day", 31 December 2026 is "115/12/31"', "check")
        has(said, 'the year is that in which it is next to the header\'s day', "check")
        world.drop("POINTS_a.dat.pgp", "H|115/11/05\nD|m1|5|a|11042359\nD|m2|6|b|01020304\nT|2\n".encode())
        equal(world.raw_answer("POINTS_a.dat.pgp").decode(),
              "H|115/11/05|ACCEPTED||\nD|a|11042359|OK|\nD|b|01020304|OK|\nT|2|2|0|0|11\n", "the answer")
        equal(business_dates(world, "a"), ["2026-11-05"], "the business date")


@test(quick=True)
def the_business_date_may_be_the_day_of_a_time_stamp_in_its_zone():
    world = world_of({'field "who"': f()},
                     {'field "member"': f(), 'field "points"': f(type="integer"), 'field "reference"': f(),
                      'field "at"': f(type="timestamp", time_zone="Asia/Shanghai")}, "at", columns=["reference", "at"])
    with world:
        world.start()
        world.drop("POINTS_a.dat.pgp", b"H|x\nD|m1|5|a|2026-11-20T15:59:59Z\nD|m2|6|b|2026-11-20T16:00:00Z\nT|2\n")
        equal(world.raw_answer("POINTS_a.dat.pgp").decode(),
              "H|x|ACCEPTED||\nD|a|2026-11-20T15:59:59Z|OK|\nD|b|2026-11-20T16:00:00Z|OK|\nT|2|2|0|0|11\n",
              "the answer")
        equal(business_dates(world, "ab"), ["2026-11-20", "2026-11-21"], "the business dates")


@test(quick=True)
def a_business_date_of_another_count_of_years_is_refused_and_not_taken_in_silence():
    world = world_of({'field "day"': f(type="date", format="%Y%m%d")},
                     {'field "member"': f(), 'field "points"': f(type="integer"), 'field "reference"': f()}, "day")
    world.configuration.feed.settings.update({"business-date-back": "731d", "business-date-ahead": "31d"})
    record, now = "D|m1|5|a\nT|1\n", datetime.date.today()
    with world:
        world.start()
        for name, days, year in (("a", 0, now.year + 543), ("b", 35, None), ("c", -735, None)):
            day = (now + datetime.timedelta(days)).strftime("%Y%m%d")
            day = f"{year}0101" if year else day
            world.drop(f"POINTS_{name}.dat.pgp", f"H|{day}\n{record}".encode())
            has(world.raw_answer(f"POINTS_{name}.dat.pgp", "EX").decode(), "|REJECTED|L018|", f"{day}")
        day = (now - datetime.timedelta(725)).strftime("%Y%m%d")
        world.drop("POINTS_d.dat.pgp", f"H|{day}\n{record}".encode())
        has(world.raw_answer("POINTS_d.dat.pgp").decode(), f"H|{day}|ACCEPTED", "two years back")
