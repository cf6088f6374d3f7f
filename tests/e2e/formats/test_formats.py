"""The formats of partners through the whole gateway: what comes in in one is answered in the same, or as the feed wants
it."""
import contextlib
import os
import sqlite3

from harness import equal, has, test, wait_until
from world import World

NAME = "POINTS_A.dat.pgp"


def layout(**settings):
    return {name.replace("_", "-"): value for name, value in settings.items()}


def world_of(layout_settings, *, columns, rules=None, **feedback):
    """A gateway without network for this layout; member, reference and points are what the ledger needs."""
    world = World(local=True)
    world.configuration.layouts = {"accrual-v1": layout_settings}
    world.feed.settings["business-date"] = None
    world.feed.rules = rules or {}
    world.feed.feedback["columns"] = columns
    world.feed.feedback.update({name.replace("_", "-"): value for name, value in feedback.items()})
    return world


def answer(world, kind="FB", name=NAME):
    """The answer's bytes, decrypted and verified."""
    expected = world.answer_name(name, kind)
    wait_until(f"{expected} and its marker", lambda: expected + ".ok" in world.partner.markers(),
               log=world.gateway.log_tail)
    with open(os.path.join(world.partner.incoming, expected), "rb") as file:
        return world.keys.partner.open(file.read(), signer=world.keys.gateway)


def gbk(text, width, *, right=False):
    encoded = text.encode("gbk")
    assert len(encoded) <= width
    return encoded.rjust(width) if right else encoded.ljust(width)


FIXED = layout(**{
    "type": "fixed", "charset": "GBK", "line_end": "crlf",
    'header "HD"': {'field "bank"': {"bytes": 10}, 'field "sequence"': {"type": "integer", "bytes": 6}},
    'record "R1"': {'field "member"': {"bytes": 10}, 'field "reference"': {"bytes": 8, "align": "right"},
                    'field "name"': {"bytes": 8},
                    'field "points"': {"type": "integer", "bytes": 6, "sign": "overpunch"}},
    'trailer "TR"': {'field "count"': {"type": "integer", "bytes": 6, "control": "count"}}})


@test
def zeros_before_a_key_are_held_but_against_a_book_that_did_not_note_them_yet():
    key = {"bytes": 8, "align": "right", "pad": "0"}
    padded = layout(**{"type": "fixed", 'record "R1"': {'field "reference"': key, 'field "member"': {"bytes": 4},
                                                         'field "points"': {"type": "integer", "bytes": 6}}})
    with world_of(padded, columns=["reference"]) as world:
        world.start()
        world.partner.drop(NAME, b"R100000123M001000010\n")
        world.gateway.wait_state(NAME, "closed")
        equal(world.gateway.stop(), 0, "the end")
        with contextlib.closing(sqlite3.connect(os.path.join(world.state, "lanes/points/book.db"))) as book:
            equal(book.execute("SELECT key_type FROM feed_fact").fetchall(), [("text without zeros before it",)],
                  "what is noted")
            book.executescript("UPDATE feed_fact SET key_type = 'text'; DELETE FROM book_fact WHERE name = 'kinds'")
        world.gateway.start()
        world.gateway.ok("check")
        del key["pad"]
        world.write_configuration()
        has(world.gateway.run("check").out, "key's type was text without zeros before it, and is text", "other zeros")


@test(quick=True)
def a_fixed_file_in_gbk_is_answered_in_fixed_lines_of_gbk():
    with world_of(FIXED, columns=["reference", "name", "points"],
                  rules={"least": {"check": "points > -100", "code": "E012"}}) as world:
        world.start()
        header = b"HD" + gbk("汉字银行", 10) + b"000017"
        made = [b"R1" + gbk("M1", 10) + gbk("r1", 8, right=True) + gbk("张三", 8) + b"00012C",
                b"R1" + gbk("M2", 10) + gbk("r2", 8, right=True) + gbk("亅|亅", 8) + b"00010}",
                b"R1" + gbk("M1", 10) + gbk("r3", 8, right=True) + b"abcdefg" + "三".encode("gbk") + b"0012C",
                b"R1" + gbk("M1", 10) + gbk("r4", 8, right=True) + gbk("李四", 8) + b"00000G"]
        world.partner.drop(NAME, b"\r\n".join([header, *made, b"TR000004", b""]))
        blank, unread = b" " * 32, b" " * 22
        expected = [header + b"ACCEPTED " + blank + b" " * 100,
                    b"R1" + made[0][12:] + b"OK       " + blank,
                    b"R1" + made[1][12:] + b"REJECTED " + b"E012".ljust(32),
                    b"R1" + unread + b"REJECTED " + b"L008".ljust(32),
                    b"R1" + made[3][12:] + b"OK       " + blank,
                    b"TR" + b"".join(b"%018d" % n for n in (4, 2, 2, 0)) + b"00000000000000000013{"]
        equal(answer(world).split(b"\r\n"), [*expected, b""], "the answer")
        world.gateway.wait_quiet()
        equal(world.credits(), (2, 130), "credits")
        world.partner.drop("POINTS_B.dat.pgp", b"\r\n".join([header, made[0][:-1], b"TR000001", b""]))
        refused = answer(world, "FB", "POINTS_B.dat.pgp")
        has(refused.decode("gbk"), "L009", "the answer to a line that is too short")


TYPES = layout(**{
    "type": "delimited", "delimiter": "|",
    'record "BUY"': {'field "reference"': {}, 'field "member"': {}, 'field "points"': {"type": "integer"}},
    'record "RET"': {'field "reference"': {}, 'field "points"': {"type": "integer"}, 'field "of"': {},
                     'field "member"': {}},
    'trailer "T"': {'field "count"': {"type": "integer", "control": "count"},
                    'field "bought"': {"type": "integer", "control": "sum(points, BUY)"},
                    'field "returned"': {"type": "integer", "control": "count(RET)"}}})


@test
def two_types_of_records_in_one_file_are_each_credited_and_answered():
    rules = {"sign": {"check": "(record_type = 'BUY') = (points > 0)", "code": "E020"}}
    with world_of(TYPES, columns=["reference", "of"], rules=rules) as world:
        world.start()
        world.partner.drop(NAME,
                           "BUY|r1|M1|100\nRET|r2|-40|r1|M1\nRET|r3|7|r1|M1\nRET|r4|x|r1|M1\nBUY|r5|M2|5\n"
                           "BUY|r1|M1|100\nT|6|205|3\n")
        equal(answer(world).decode().splitlines(),
              ["H|" + NAME + "|ACCEPTED||", "BUY|r1||OK|", "RET|r2|r1|OK|", "RET|r3|r1|REJECTED|E020",
               "RET|||REJECTED|L012", "BUY|r5||OK|",
               "BUY|r1||DUPLICATE|K001", "T|6|3|2|1|65"], "the answer")
        world.partner.drop("POINTS_B.dat.pgp", "BUY|s1|M1|100\nRET|s2|-40|r1|M1\nT|2|100|2\n")
        refused = answer(world, "EX", "POINTS_B.dat.pgp").decode().splitlines()
        has(refused[0], "|REJECTED|T003|", "the refusal")
        equal(refused[1:], ["BUY|s1||REJECTED|T003", "RET|s2|r1|REJECTED|T003", "T|2|0|2|0|0"], "its records")
        world.gateway.wait_quiet()
        equal(world.credits(), (3, 65), "credits")


CSV = layout(**{
    "type": "delimited", "delimiter": ",", "quote": "rfc4180", "lines_by": "position",
    "record": {'field "reference"': {}, 'field "member"': {}, 'field "note"': {"optional": True},
               'field "points"': {"type": "integer"}}})


@test
def an_answer_has_the_form_that_its_reader_wants_and_no_formulas():
    with world_of(CSV, columns=["reference", "note", "points"], charset="GB18030", delimiter=";", line_end="crlf",
                  neutralise_formulas=True) as world:
        world.start()
        made = 'r1,M1,"=cmd|\' /C calc\'!A0",5\nr2,M2,"two\r\nlines; 汉字",-6\n"@r3",M3,,7\nr4,M4,㐀,8\n'
        world.partner.drop(NAME, made)
        expected = (NAME + ";ACCEPTED;;\r\nr1;'=cmd|' /C calc'!A0;5;OK;\r\nr2;\"two\r\nlines; 汉字\";-6;OK;\r\n"
                    "'@r3;;7;OK;\r\nr4;㐀;8;OK;\r\n4;4;0;0;14\r\n")
        equal(answer(world), expected.encode("gb18030"), "the answer")
        world.gateway.wait_quiet()
        equal(world.credits(), (4, 14), "credits")


EBCDIC = layout(**{
    "type": "fixed", "charset": "IBM037", "line_end": "none",
    'record "D"': {'field "reference"': {"bytes": 4}, 'field "member"': {"bytes": 4},
                   'field "points"': {"type": "integer", "bytes": 5, "sign": "overpunch"}},
    'trailer "T"': {'field "count"': {"type": "integer", "bytes": 6, "control": "count"},
                    'field "total"': {"type": "integer", "bytes": 7, "sign": "overpunch", "control": "sum(points)"}}})


@test
def a_mainframes_records_without_line_ends_are_answered_as_such():
    with world_of(EBCDIC, columns=["reference", "points"]) as world:
        world.start()
        world.partner.drop(NAME, "Dr1  M1  0010{Dr2  M1  0001JT000002000008I".encode("cp037"))
        seen = answer(world).decode("cp037")
        length = 1 + 100 + 9 + 32 + 100
        equal([seen[i:i + length].rstrip() for i in range(0, len(seen), length)],
              [("H" + NAME).ljust(101) + "ACCEPTED", "Dr1  0010{OK", "Dr2  0001JOK",
               "T" + "%018d" * 4 % (2, 2, 0, 0) + "00000000000000000008I"], "the answer")
        world.partner.drop("POINTS_B.dat.pgp", "Dr3  M1  0010{Dr4  M1  0001JT000002000008".encode("cp037"))
        refused = answer(world, "EX", "POINTS_B.dat.pgp").decode("cp037")
        has(refused[:length], "REJECTED T009", "the refusal of a file that is cut off")
        world.gateway.wait_quiet()
        equal(world.credits(), (2, 89), "credits")
