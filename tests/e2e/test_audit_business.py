"""What partners and operators read: layouts of every kind end to end, answers to the letter, masks, durations, tables."""
import fcntl
import json
import os
import pty
import re
import shlex
import signal
import sqlite3
import struct
import subprocess
import termios

import accruals
from accruals import Record
from configuration import Feed, rule
from gateway import BINARY
from harness import equal, has, lacks, test, wait_until
from partner import Gpg
from world import World

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")


def answer(world, name, kind="FB"):
    """The answer as it came, line ends and all."""
    answer_name = world.answer_name(name, kind)
    wait_until(answer_name, lambda: answer_name + ".ok" in world.partner.markers(), log=world.gateway.log_tail)
    with open(os.path.join(world.partner.incoming, answer_name), "rb") as file:
        return world.keys.partner.open(file.read(), signer=world.keys.gateway)


def of_layout(world, layout, *, account="member", rules=None, business_date=None):
    """Replaces the world's feed by one of this layout."""
    feed = Feed()
    feed.settings.update({"layout": "other", "business-date": business_date})
    feed.rules, feed.ledger, feed.batch = rules or {}, {**feed.ledger, "account": account}, None
    world.configuration.layouts = {"other": {"type": "delimited", **layout}}
    world.configuration.lanes = {"points": [feed]}
    return feed


def f(**settings):
    return settings


def record_of(number, points="100", **fields):
    return Record(f"M{number:09d}", f"R-{number:08d}", points, **fields)


# --- The reason for each line, as the partner reads it and as the operator does

FAULTS = (
    ("1e3", {}, "L012"), ("１２３", {}, "L012"), ("9223372036854775808", {}, "L014"), ("-0", {}, "L012"), ("+5", {}, "L012"),
    (" 5", {}, "L012"), ("0x10", {}, "L012"), ("", {}, "L010"), ("5.0", {}, "L012"), ("-5", {}, "E012"),
    ("100", {"amount": "0.005"}, "L014"), ("100", {"amount": "-0.00"}, "L013"), ("100", {"amount": "1e2"}, "L013"),
    ("100", {"amount": ".5"}, "L013"), ("100", {"amount": "5."}, "L013"), ("100", {"amount": "-1.00"}, "E014"),
    ("100", {"at": "2026-02-30T10:00:00+08:00"}, "L016"), ("100", {"currency": "EUR"}, "L017"), ("100", {"store": "a\0b"}, "L002"),
    ("100", {"store": "x" * 17000}, "L003"), ("100", {"store": "a\rb"}, "L007"), ("200000", {"amount": "-3.00"}, "E012,E014"),
)


@test(quick=True)
def each_kind_of_fault_has_its_own_code_and_no_value_is_changed_silently():
    with World() as world:
        fields = world.configuration.layouts["accrual-v1"]
        fields['trailer "T"'] = {'field "count"': f(type="integer", control="count"), 'field "total"': f()}
        world.start()
        made = [record_of(i, points, **more) for i, (points, more, _) in enumerate(FAULTS, 1)]
        made += ["D|too|few", "X|1|2|3|4|5|6|7|8", Record("M12345678901", "R-wide", "100"), "D|\udcff|R-bytes|100|1.00|a|b|CNY|x",
                 record_of(900, "00012"), record_of(901)]
        plain = accruals.text(made, total=0).encode("utf-8", "surrogateescape")
        world.drop("POINTS_all.dat.pgp", plain)
        told = accruals.parse_feedback(answer(world, "POINTS_all.dat.pgp").decode())
        equal([code for _, _, code in told.results],
              [code for _, _, code in FAULTS] + ["L004", "L005", "L011", "L001", "", ""], "codes, in the file's order")
        equal((told.lines, told.accepted, told.amount), (len(made), 2, 112), "totals")
        world.settle_credits = world.credits()
        equal(world.credits(), (2, 112), "credits")
        has(world.gateway.ok("show", "POINTS_all.dat.pgp").out, "points: beyond 64 bits: '9223372036854775808'", "show")
        has(world.gateway.ok("trace", "POINTS_all.dat.pgp:12").out, "amount: more than 2 decimals", "trace")


WHOLE_FILES = (
    ("empty", b"", "T001"), ("newline", b"\n", "T001"), ("header", b"H|ACME|2026-11-20|000001|1\n", "T002"),
    ("no-header", accruals.text([record_of(1)], header="").encode(), "T001"),
    ("no-trailer", accruals.text([record_of(1)], trailer="").encode(), "T002"),
    ("count", accruals.text([record_of(1)], count=2).encode(), "T003"), ("total", accruals.text([record_of(1)], total=101).encode(), "T004"),
    ("unread", accruals.text([record_of(1, "1e3")], total=1000).encode(), "T005"),
    ("overflow", accruals.text([record_of(1, "9223372036854775807"), record_of(2, "1")], total=0).encode(), "T006"),
    ("second", accruals.text([record_of(1), "H|ACME|2026-11-20|1|1"], count=1, total=100).encode(), "T007"),
    ("behind", accruals.text([record_of(1)]).encode() + record_of(2).line().encode() + b"\n", "T008"),
    ("date", accruals.text([record_of(1)], header="H|ACME|2026-13-20|1|1").encode(), "L015"),
    ("utf-16", accruals.text([record_of(1)]).encode("utf-16"), "L001"), ("cr", accruals.text([record_of(1)], end="\r").encode(), "T001"),
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
        world.settle()
        world.assert_nothing_credited()


@test
def a_file_without_records_is_accepted_and_its_answer_repeats_the_header():
    with World() as world:
        world.start()
        world.drop("POINTS_none.dat.pgp", accruals.text([]))
        equal(answer(world, "POINTS_none.dat.pgp"), b"H|ACME|2026-11-20|000001|1|ACCEPTED||\nT|0|0|0|0|0\n", "the answer")
        world.drop("POINTS_bom.dat.pgp", b"\xef\xbb\xbf" + accruals.text([record_of(1)]).encode())
        equal(world.feedback("POINTS_bom.dat.pgp").accepted, 1, "accepted behind a byte order mark")
        world.settle()


# --- Layouts

@test(quick=True)
def a_gb18030_file_is_answered_in_gb18030():
    with World() as world:
        of_layout(world, {"delimiter": "|", "charset": "GB18030",
                          'header "头"': {'field "伙伴"': f(), 'field "日期"': f(type="date", format="%Y%m%d")},
                          'record "明细"': {'field "会员"': f(mask=True), 'field "reference"': f(),
                                          'field "points"': f(type="decimal", scale=2), 'field "备注"': f(optional=True)},
                          'trailer "尾"': {'field "count"': f(type="integer", control="count"),
                                          'field "total"': f(type="decimal", scale=2, control="sum(points)")}},
                  account="会员", business_date="日期",
                  rules={"range": rule("points BETWEEN scaled('-10', 2) AND scaled('100', 2)", "E1", "积分超出范围"),
                         "remark": rule("备注 <> '坏' AND header_伙伴 = '某银行'", "E2", "备注")})
        world.start()
        text = ("头|某银行|20261120\n明细|张三𠮷|编号一|12.30|好\n明细|李四|编号二|-0.50|好\n明细|李四|编号三|200.00|坏\n"
                "明细|王五|编号四|0.5|\n尾|4|212.30\n")
        world.drop("POINTS_gb.dat.pgp", text.encode("gb18030"))
        equal(answer(world, "POINTS_gb.dat.pgp").decode("gb18030"),
              "头|某银行|20261120|ACCEPTED||\n明细|编号一|OK|\n明细|编号二|OK|\n明细|编号三|REJECTED|E1,E2\n"
              "明细|编号四|REJECTED|E2\n尾|4|2|2|0|11.80\n", "the answer: both broken rules, NULL breaks one, amounts with their scale")
        equal(world.gateway.json("balance", "李四")["balance"], "-0.50", "a negative balance")
        has(world.gateway.ok("trace", "编号一").out, "12.30", "trace of a key that is not ASCII")
        world.drop("POINTS_bad.dat.pgp", "头|某银行|20261120\n明细|赵六|编号五|5|".encode("gb18030") + b"\xff\xff\n" + "尾|1|5\n".encode("gb18030"))
        has(answer(world, "POINTS_bad.dat.pgp", "EX").decode("gb18030"), "T005", "the sum of a line that is not GB18030")
        for canary in ("张三", "李四", "王五", "赵六"):
            lacks(world.gateway.log(), canary, "the log")
            for words in (["show", "POINTS_gb.dat.pgp"], ["entries"], ["trace", "编号二"], ["entries", "--json"], ["status", "--json"]):
                lacks(world.gateway.ok(*words).out, canary, f"what {words} shows")
        has(world.gateway.ok("entries", "--unmask").out, "李四", "entries --unmask")


@test
def a_quoted_layout_is_read_and_answered_with_quotes():
    with World() as world:
        feed = of_layout(world, {"delimiter": ",", "quote": "rfc4180", "line-end": "crlf",
                                 'record "D"': {'field "member"': f(), 'field "reference"': f(), 'field "points"': f(type="integer"),
                                                'field "note"': f(optional=True)},
                                 'trailer "T"': {'field "count"': f(type="integer", control="count")}})
        feed.feedback["columns"] = ["reference", "note", "member"]
        world.start()
        world.drop("POINTS_q.dat.pgp", b'D,"M,1","R ""1""",5,"line\r\nbreak, x"\r\nD,-3,R2,6,\r\nD,M2,"R3"x,6,\r\nD,M2,R4,7\r\nT,4\r\n')
        equal(answer(world, "POINTS_q.dat.pgp"),
              b'H,POINTS_q.dat.pgp,ACCEPTED,,\r\nD,"R ""1""","line\r\nbreak, x","M,1",OK,\r\nD,R2,,-3,OK,\r\n'
              b'D,,,,REJECTED,L006\r\nD,,,,REJECTED,L004\r\nT,4,2,2,0,11\r\n', "the answer")
        equal(world.gateway.json("balance", "M,1")["balance"], "5", "an account with a comma")
        equal(world.gateway.ok("balance", "--json", "--", "-3").json()["balance"], "6", "an account that begins with a dash")
        equal(world.gateway.json("trace", "POINTS_q.dat.pgp:3")["outcome"], "credited", "the record behind a line break in a value")


@test
def lines_told_apart_by_position_and_a_delimiter_of_several_bytes():
    with World() as world:
        of_layout(world, {"delimiter": "||@", "lines-by": "position",
                          'header "H"': {'field "who"': f(), 'field "day"': f(type="date")},
                          'record "D"': {'field "member"': f(type="integer"), 'field "reference"': f(), 'field "points"': f(type="integer"),
                                         'field "bonus"': f(type="integer", optional=True)},
                          'trailer "T"': {'field "count"': f(type="integer", control="count")}},
                  rules={"bonus": rule("bonus >= 0", "B1", "bonus"), "most": rule("points < 100", "B2", "many"),
                         "who": rule("header_who = 'acme' AND header_day = '2026-11-20'", "B3", "header")})
        world.start()
        rows = ("1|A|5|0", "2|B|500|", "3|C|500|-1", "-3|D|9|4", "-3|D|9|4", "-3|D|10|4")
        text = "\n".join(["acme||@2026-11-20", *(row.replace("|", "||@") for row in rows), str(len(rows))])
        world.drop("POINTS_p.dat.pgp", text)
        equal(answer(world, "POINTS_p.dat.pgp").decode().replace("||@", "|"),
              "acme|2026-11-20|ACCEPTED||\nA|OK|\nB|REJECTED|B1,B2\nC|REJECTED|B1,B2\nD|OK|\nD|DUPLICATE|K001\nD|REJECTED|K002\n"
              "6|2|3|1|14\n", "the answer")


# --- Ledgers, feeds, names

@test
def two_feeds_share_a_ledger_and_a_key_counts_once_and_what_one_masks_is_masked():
    with World() as world:
        open_layout = {**world.configuration.layouts["accrual-v1"]}
        open_layout['record "D"'] = {name: {k: v for k, v in body.items() if k != "mask"} for name, body in open_layout['record "D"'].items()}
        world.configuration.layouts["open"] = open_layout
        masked = world.configuration.layouts["accrual-v1"]['record "D"']
        masked['field "points"'] = {**masked['field "points"'], "mask": True}
        first = Feed("open-points")
        first.settings["layout"], first.source["match"] = "open", "OPEN_*.pgp"
        world.configuration.lanes["points"].insert(0, first)
        world.start()
        made = [record_of(1, "4711"), record_of(2, "4712")]
        world.drop("POINTS_s.dat.pgp", made)
        world.feedback("POINTS_s.dat.pgp")
        world.drop("OPEN_s.dat.pgp", [made[0], record_of(2, "4713"), record_of(3, "4714")])
        told = world.feedback("OPEN_s.dat.pgp")
        equal([code for _, _, code in told.results], ["K003", "K004", ""], "the same keys through another feed")
        for words in (["entries"], ["entries", "--json"], ["trace", "R-00000001"], ["trace", "--json", "R-00000001"]):
            shown = world.gateway.ok(*words).out
            lacks(shown, "M000000001", f"what {words} shows")
            lacks(shown, "4711", f"what {words} shows")
        has(world.gateway.ok("entries", "--unmask").out, "4711", "entries --unmask")
        world.settle()


class Locked:
    """The ledger's shards, so that posting waits."""

    def __init__(self, world):
        self.paths = [os.path.join(world.state, "lanes", "points", f"miles.ledger-{i}.db") for i in (0, 1)]

    def __enter__(self):
        self.connections = [sqlite3.connect(path, timeout=30, isolation_level=None) for path in self.paths]
        for connection in self.connections:
            connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, *_):
        for connection in self.connections:
            connection.execute("ROLLBACK")
            connection.close()


@test
def files_of_a_feed_that_was_removed_are_told_and_go_on_when_it_is_back():
    with World() as world:
        world.start()
        world.drop("POINTS_w.dat.pgp", accruals.records(3, prefix="WARM"))
        world.feedback("POINTS_w.dat.pgp")
        world.settle()
        removed = world.feed
        with Locked(world):
            world.drop("POINTS_live.dat.pgp", accruals.records(30))
            world.gateway.wait_state("POINTS_live.dat.pgp", "posting")
            other = Feed("other-points")
            other.source["match"] = "OTHER_*.pgp"
            world.configuration.lanes["points"] = [other]
            world.write_configuration()
            world.gateway.process.send_signal(signal.SIGHUP)
            wait_until("the lane to stop", lambda: "lane-stopping" in world.gateway.log(), log=world.gateway.log_tail)
        wait_until("it to be told", lambda: "files-without-feed" in world.gateway.log(), log=world.gateway.log_tail)
        # the lane tells of them before it answers: until it does, `status` ends with 5
        status = wait_until("the lane to answer", lambda: [s for s in [world.gateway.run("status", "--json")] if s.status == 0][0],
                            log=world.gateway.log_tail)
        equal(status.json()["lanes"][0]["without_feed"], {"acme-points": 1}, "status --json")
        has(world.gateway.run("status").out, "has no such feed any more", "status")
        world.configuration.lanes["points"].append(removed)
        world.write_configuration()
        world.gateway.process.send_signal(signal.SIGHUP)
        equal(world.feedback("POINTS_live.dat.pgp").accepted, 30, "accepted once the feed is back")
        world.settle()
        equal(world.gateway.json("status")["lanes"][0]["without_feed"], {}, "status --json")


@test
def a_file_rejected_by_hand_before_its_validation_is_answered_with_the_reason():
    with World() as world:
        world.start()
        world.drop("POINTS_w.dat.pgp", accruals.records(3, prefix="WARM"))
        world.feedback("POINTS_w.dat.pgp")
        with Locked(world):
            world.drop("POINTS_1.dat.pgp", accruals.records(300, prefix="SAME"))
            world.gateway.wait_state("POINTS_1.dat.pgp", "posting")
            world.drop("POINTS_2.dat.pgp", accruals.records(30, prefix="SAME"))
            world.gateway.wait_state("POINTS_2.dat.pgp", "staged")
            wait_until("it to be held", lambda: world.gateway.run("hold", "POINTS_2.dat.pgp", "--reason", "asked").status == 0)
            world.gateway.ok("reject", "POINTS_2.dat.pgp", "--reason", "withdrawn by phone")
            equal(answer(world, "POINTS_2.dat.pgp", "EX"), b"H|POINTS_2.dat.pgp|REJECTED|F006|withdrawn by phone\nT|0|0|0|0|0\n", "the answer")
        equal(world.feedback("POINTS_1.dat.pgp").accepted, 300, "accepted of the other")
        world.settle()


@test
def a_conflict_sends_the_whole_file_back_where_the_feed_says_so():
    with World() as world:
        world.feed.settings["on-reject"] = "file"
        world.feed.feedback.update({"if-exists": "replace", "compress": "zlib"})
        world.start()
        world.drop("POINTS_1.dat.pgp", accruals.records(3))
        world.feedback("POINTS_1.dat.pgp")
        made = accruals.records(3)
        made[1].points = "77"
        with open(os.path.join(world.partner.incoming, "POINTS_2_EX.dat.pgp"), "w") as file:
            file.write("something of the partner's own")
        world.drop("POINTS_2.dat.pgp", [*made, record_of(9)])
        told = world.exception("POINTS_2.dat.pgp")
        equal([code for _, _, code in told.results], ["K003", "K004", "K003", "F004"], "codes")
        has(told.message, "line 3: K004", "the file's reason")
        world.drop("POINTS_3.dat.pgp", [*accruals.records(3), record_of(9)])
        told = world.feedback("POINTS_3.dat.pgp")
        equal([result for _, result, _ in told.results], ["DUPLICATE"] * 3 + ["OK"], "duplicates alone are no reason to refuse")
        world.settle()


@test
def an_answers_name_that_is_taken_is_told_and_nothing_there_is_overwritten():
    with World() as world:
        world.start()
        taken = os.path.join(world.partner.incoming, "POINTS_t_FB.dat.pgp")
        with open(taken, "w") as file:
            file.write("something of the partner's own")
        world.drop("POINTS_t.dat.pgp", accruals.records(3))
        wait_until("it to be told", lambda: "if-exists = replace" in world.gateway.ok("files").out, log=world.gateway.log_tail)
        with open(taken) as file:
            equal(file.read(), "something of the partner's own", "the partner's file")
        os.unlink(taken)
        world.gateway.run("retry", "POINTS_t.dat.pgp")
        equal(world.feedback("POINTS_t.dat.pgp").accepted, 3, "accepted")
        world.settle()


# --- Logs and terminals

@test
def each_state_in_the_log_has_its_feed_file_and_duration():
    with World() as world:
        world.configuration.node["log"] = {"level": "debug", "format": "json"}
        world.start()
        world.drop("POINTS_j.dat.pgp", accruals.records(20, broken={3}))
        world.feedback("POINTS_j.dat.pgp")
        world.drop("POINTS_k.dat.pgp", accruals.records(20, prefix="K"), count=19)
        world.exception("POINTS_k.dat.pgp")
        world.settle()
        lines = [json.loads(line) for line in world.gateway.log().splitlines()]
        states = [line for line in lines if line["event"] == "file"]
        for line in states:
            assert line["feed"] == "acme-points" and len(line["file"]) == 16 and line["lane"] == "points", line
            assert line["state"] in ("seen", "admitted") or 0 <= line["ms"] < 60_000, f"no duration: {line}"
        equal([s["state"] for s in states if s["file"] == world.gateway.file("POINTS_j.dat.pgp")["id"]],
              ["seen", "admitted", "fetched", "opened", "staged", "validated", "posting", "posted", "answered", "closed"], "states")
        equal([s["level"] for s in states if s["state"] == "rejected"], ["warning"], "level of a refusal")


def on_terminal(world, columns, *words, **environment):
    """What a command writes to a terminal of this width, its colours included."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(BINARY, [BINARY, "--config", world.path, *words], {**world.gateway.environment, "TERM": "xterm", **environment})
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    text = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        text += piece
    os.waitpid(pid, 0)
    os.close(terminal)
    return text.decode()


@test
def tables_fit_the_terminal_and_have_colours_only_there_and_only_when_wanted():
    with World() as world:
        world.start()
        name = "POINTS_" + "a-long-name-" * 5 + ".dat.pgp"
        world.drop(name, accruals.records(20, broken={3}), count=19)
        wait_until("it to be closed", lambda: any(row["state"] == "closed" for row in world.gateway.files()), log=world.gateway.log_tail)
        for columns in (80, 120):
            for words in (["status"], ["files"], ["entries"], ["keys"], ["audit"]):
                coloured = on_terminal(world, columns, *words, COLUMNS=str(columns))
                plain = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
                too_wide = [line for line in plain.splitlines() if len(line) > columns]
                assert not too_wide, f"{words} at {columns}: {too_wide}"
        assert "\x1b[" in on_terminal(world, 80, "files"), "no colours on a terminal"
        assert "\x1b[" not in on_terminal(world, 80, "files", NO_COLOR="1"), "colours with NO_COLOR"
        assert "\x1b[" not in world.gateway.ok("files").out, "colours in a pipe"


@test
def what_a_partner_writes_cannot_steer_the_operators_terminal():
    with World() as world:
        world.configuration.layouts["accrual-v1"]['record "D"']['field "member"'] = {}
        world.feed.rules = {}
        world.start()
        red = "\x1b[31m"
        world.drop("POINTS_e.dat.pgp", accruals.text([Record(red + "M1", red + "K1", "5"), Record("M2", "\u202eK2", "5")],
                                                     header=f"H|{red}ACME|2026-11-20|1|1"))
        equal(world.feedback("POINTS_e.dat.pgp").accepted, 2, "accepted: a layout's text may hold any character")
        world.gateway.wait_quiet()
        for words in (["show", "POINTS_e.dat.pgp"], ["entries"], ["trace", "POINTS_e.dat.pgp:2"], ["audit"], ["status"], ["files"]):
            shown = world.gateway.ok(*words).out
            assert "\x1b" not in shown and "\u202e" not in shown, f"{words}: {shown!r}"
        has(world.gateway.ok("entries").out, "\\x1b[31mK1", "entries")
        lacks(world.gateway.log(), "\x1b", "the log")


@test
def a_cut_off_or_missing_end_of_the_audit_chain_is_named():
    with World() as world:
        world.start()
        world.drop("POINTS_a.dat.pgp", accruals.records(3))
        world.feedback("POINTS_a.dat.pgp")
        world.settle()
        world.gateway.stop()
        connection = sqlite3.connect(os.path.join(world.state, "lanes", "points", "book.db"))
        connection.execute("DELETE FROM audit WHERE sequence = (SELECT max(sequence) FROM audit)")
        connection.commit()
        connection.close()
        cut = world.gateway.run("audit", "verify")
        equal(cut.status, 6, "exit status")
        has(cut.out, "cut off", "what it says")
        os.unlink(os.path.join(world.state, "audit", "points.tip"))
        missing = world.gateway.run("audit", "verify")
        equal(missing.status, 6, "exit status without the tip")
        has(missing.out, "is missing", "what it says")


@test
def the_key_that_the_readme_makes_can_sign_and_decrypt():
    with World() as world:
        with open(os.path.join(TOP, "README.md")) as readme:
            line, = [line for line in readme if "--quick-generate-key" in line]
        ring = Gpg(os.path.join(world.folder, "r"))
        try:
            subprocess.run(shlex.split(line), env={**world.gateway.environment, "GNUPGHOME": ring.home}, check=True, timeout=120,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            listed = ring.run("--with-colons", "--list-secret-keys").decode().splitlines()
            own = next(row.split(":")[9] for row in listed if row.startswith("fpr:"))
            ring.run("--import", data=world.keys.partner.run("--export", world.keys.acme))
            world.configuration.node["gnupg-home"] = ring.home
            world.configuration.openpgp["decrypt-with"] = own
            world.write_configuration()
            world.gateway.ok("check")
        finally:
            ring.stop()
