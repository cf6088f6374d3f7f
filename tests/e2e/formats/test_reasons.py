"""The reason for each line and for each file, as the partner reads it and as the operator does."""
import os

import accruals
from accruals import Record
from harness import equal, has, lacks, test, wait_until
from world import World


def f(**settings):
    return settings


def record_of(number, points="100", **fields):
    return Record(f"M{number:09d}", f"R-{number:08d}", points, **fields)


FAULTS = (
    ("1e3", {}, "L012"), ("１２３", {}, "L012"), ("9223372036854775808", {}, "L014"), ("-0", {}, "L012"),
    ("+5", {}, "L012"),
    (" 5", {}, "L012"), ("0x10", {}, "L012"), ("", {}, "L010"), ("5.0", {}, "L012"), ("-5", {}, "E012"),
    ("100", {"amount": "0.005"}, "L014"), ("100", {"amount": "-0.00"}, "L013"), ("100", {"amount": "1e2"}, "L013"),
    ("100", {"amount": ".5"}, "L013"), ("100", {"amount": "5."}, "L013"), ("100", {"amount": "-1.00"}, "E014"),
    ("100", {"at": "2026-02-30T10:00:00+08:00"}, "L016"), ("100", {"currency": "EUR"}, "L017"),
    ("100", {"store": "a\0b"}, "L002"),
    ("100", {"store": "x" * 17000}, "L003"), ("100", {"store": "a\rb"}, "L007"),
    ("200000", {"amount": "-3.00"}, "E012,E014"),
)


@test(quick=True)
def each_kind_of_fault_has_its_own_code_and_no_value_is_changed_silently():
    with World() as world:
        fields = world.configuration.layouts["accrual-v1"]
        fields['trailer "T"'] = {'field "count"': f(type="integer", control="count"), 'field "total"': f()}
        world.start()
        made = [record_of(i, points, **more) for i, (points, more, _) in enumerate(FAULTS, 1)]
        made += ["D|too|few", "X|1|2|3|4|5|6|7|8", Record("M12345678901", "R-wide", "100"),
                 "D|\udcff|R-bytes|100|1.00|a|b|CNY|x",
                 record_of(900, "00012"), record_of(901)]
        plain = accruals.text(made, total=0).encode("utf-8", "surrogateescape")
        world.drop("POINTS_all.dat.pgp", plain)
        told = accruals.parse_feedback(world.raw_answer("POINTS_all.dat.pgp").decode())
        equal([code for _, _, code in told.results],
              [code for _, _, code in FAULTS] + ["L004", "L005", "L011", "L001", "", ""], "codes, in the file's order")
        equal((told.lines, told.accepted, told.amount), (len(made), 2, 112), "totals")
        world.settle_credits = world.credits()
        equal(world.credits(), (2, 112), "credits")
        has(world.gateway.ok("show", "POINTS_all.dat.pgp").out, "points: beyond 64 bits: '9223372036854775808'", "show")
        has(world.gateway.ok("trace", "POINTS_all.dat.pgp:12").out, "amount: more than 2 decimals", "trace")


WHOLE_FILES = (
    ("empty", b"", "F013"), ("newline", b"\n", "T001"), ("header", b"H|ACME|2026-11-20|000001|1\n", "T002"),
    ("no-header", accruals.text([record_of(1)], header="").encode(), "T001"),
    ("no-trailer", accruals.text([record_of(1)], trailer="").encode(), "T002"),
    ("count", accruals.text([record_of(1)], count=2).encode(), "T003"),
    ("total", accruals.text([record_of(1)], total=101).encode(), "T004"),
    ("unread", accruals.text([record_of(1, "1e3")], total=1000).encode(), "T005"),
    ("overflow", accruals.text([record_of(1, "9223372036854775807"), record_of(2, "1")], total=0).encode(), "T006"),
    ("second", accruals.text([record_of(1), "H|ACME|2026-11-20|1|1"], count=1, total=100).encode(), "T007"),
    ("behind", accruals.text([record_of(1)]).encode() + record_of(2).line().encode() + b"\n", "T008"),
    ("date", accruals.text([record_of(1)], header="H|ACME|2026-13-20|1|1").encode(), "L015"),
    ("utf-16", accruals.text([record_of(1)]).encode("utf-16"), "L001"),
    ("cr", accruals.text([record_of(1)], end="\r").encode(), "L007"),
)


@test
def a_file_that_is_wrong_as_a_whole_credits_nothing_and_says_why():
    with World() as world:
        world.start()
        for name, plain, _ in WHOLE_FILES:
            world.drop(f"POINTS_{name}.dat.pgp", plain)
        for name, _, code in WHOLE_FILES:
            told = world.exception(f"POINTS_{name}.dat.pgp")
            equal((name, told.verdict, told.code, told.accepted), (name, "REJECTED", code, 0), "the answer")
        has(world.gateway.ok("show", "POINTS_second.dat.pgp").out, "line 3: a second header", "show")
        has(world.gateway.ok("show", "POINTS_behind.dat.pgp").out, "line 4: a line behind the trailer, which is line 3",
            "show")
        world.settle()
        world.assert_nothing_credited()


@test
def a_file_without_records_is_accepted_and_its_answer_repeats_the_header():
    with World() as world:
        world.start()
        world.drop("POINTS_none.dat.pgp", accruals.text([]))
        equal(world.raw_answer("POINTS_none.dat.pgp"), b"H|ACME|2026-11-20|000001|1|ACCEPTED||\nT|0|0|0|0|0\n",
              "the answer")
        world.drop("POINTS_bom.dat.pgp", b"\xef\xbb\xbf" + accruals.text([record_of(1)]).encode())
        equal(world.feedback("POINTS_bom.dat.pgp").accepted, 1, "accepted behind a byte order mark")
        world.settle()


@test
def an_empty_file_is_refused_accepted_or_left_where_it_lies_as_the_feed_says():
    with World() as world:
        world.feed.source["empty-file"] = "accept"
        world.start()
        for name in ("POINTS_1.dat.pgp", "POINTS_2.dat.pgp"):
            world.drop(name, b"")
            told = world.feedback(name)
            equal((told.verdict, told.code, told.lines, told.accepted), ("ACCEPTED", "", 0, 0), "the answer")
        world.drop("POINTS_3.dat.pgp", b"\n")
        equal(world.exception("POINTS_3.dat.pgp").code, "T001", "a file of an empty line")
        world.drop("POINTS_2.dat.pgp", b"")
        wait_until("the same empty file once more is a duplicate",
                   lambda: world.gateway.file("POINTS_2.dat.pgp")["outcome"] == "duplicate")
        world.feed.source["empty-file"] = "ignore"
        world.gateway.stop()
        world.start()
        world.partner.put("POINTS_4.dat.pgp", b"")
        world.partner.put("POINTS_4.dat.pgp.ok", b"")
        world.drop("POINTS_5.dat.pgp", b"")
        equal(world.exception("POINTS_5.dat.pgp").code, "F013", "what is empty in its envelope")
        tried = world.gateway.run("try", "acme-points", os.path.join(world.partner.outgoing, "POINTS_4.dat.pgp"),
                                  "--plain")
        equal((tried.status, "F013" in tried.out), (1, True), f"what try says of it: {tried.out}{tried.err}")
        lacks(world.gateway.ok("files").out, "POINTS_4.dat.pgp", "files")
        world.drop("POINTS_4.dat.pgp", [record_of(1)])
        equal(world.feedback("POINTS_4.dat.pgp").accepted, 1, "accepted once it has bytes")
        world.settle()
