"""Delimited layouts of every kind end to end, and their answers to the letter."""
import os

import accruals
from configuration import Feed, rule
from harness import equal, has, lacks, test
from world import World


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
        equal(world.raw_answer("POINTS_gb.dat.pgp").decode("gb18030"),
              "头|某银行|20261120|ACCEPTED||\n明细|编号一|OK|\n明细|编号二|OK|\n明细|编号三|REJECTED|E1,E2\n"
              "明细|编号四|REJECTED|E2\n尾|4|2|2|0|11.80\n",
              "the answer: both broken rules, NULL breaks one, amounts with their scale")
        equal(world.gateway.json("balance", "李四")["balance"], "-0.50", "a negative balance")
        has(world.gateway.ok("trace", "编号一").out, "12.30", "trace of a key that is not ASCII")
        world.drop("POINTS_bad.dat.pgp",
                   "头|某银行|20261120\n明细|赵六|编号五|5|".encode("gb18030") + b"\xff\xff\n" + "尾|1|5\n".encode("gb18030"))
        has(world.raw_answer("POINTS_bad.dat.pgp", "EX").decode("gb18030"), "T005",
            "the sum of a line that is not GB18030")
        for canary in ("张三", "李四", "王五", "赵六"):
            lacks(world.gateway.log(), canary, "the log")
            for words in (["show", "POINTS_gb.dat.pgp"], ["entries"], ["trace", "编号二"], ["entries", "--json"],
                          ["status", "--json"]):
                lacks(world.gateway.ok(*words).out, canary, f"what {words} shows")
        has(world.gateway.ok("entries", "--unmask").out, "李四", "entries --unmask")


@test
def a_quoted_layout_is_read_and_answered_with_quotes():
    with World() as world:
        feed = of_layout(world, {"delimiter": ",", "quote": "rfc4180", "line-end": "crlf",
                                 'record "D"': {'field "member"': f(), 'field "reference"': f(),
                                                'field "points"': f(type="integer"),
                                                'field "note"': f(optional=True)},
                                 'trailer "T"': {'field "count"': f(type="integer", control="count")}})
        feed.feedback["columns"] = ["reference", "note", "member"]
        world.start()
        world.drop("POINTS_q.dat.pgp",
                   b'D,"M,1","R ""1""",5,"line\r\nbreak, x"\r\nD,-3,R2,6,\r\nD,M2,"R3"x,6,\r\nD,M2,R4,7\r\nT,4\r\n')
        equal(world.raw_answer("POINTS_q.dat.pgp"),
              b'H,POINTS_q.dat.pgp,ACCEPTED,,\r\nD,"R ""1""","line\r\nbreak, x","M,1",OK,\r\nD,R2,,-3,OK,\r\n'
              b'D,,,,REJECTED,L006\r\nD,,,,REJECTED,L004\r\nT,4,2,2,0,11\r\n', "the answer")
        equal(world.gateway.json("balance", "M,1")["balance"], "5", "an account with a comma")
        equal(world.gateway.ok("balance", "--json", "--", "-3").json()["balance"], "6",
              "an account that begins with a dash")
        equal(world.gateway.json("trace", "POINTS_q.dat.pgp:3")["outcome"], "credited",
              "the record behind a line break in a value")


@test
def lines_told_apart_by_position_and_a_delimiter_of_several_bytes():
    with World() as world:
        of_layout(world, {"delimiter": "||@", "lines-by": "position",
                          'header "H"': {'field "who"': f(), 'field "day"': f(type="date")},
                          'record "D"': {'field "member"': f(type="integer"), 'field "reference"': f(),
                                         'field "points"': f(type="integer"),
                                         'field "bonus"': f(type="integer", optional=True)},
                          'trailer "T"': {'field "count"': f(type="integer", control="count")}},
                  rules={"bonus": rule("bonus >= 0", "B1", "bonus"), "most": rule("points < 100", "B2", "many"),
                         "who": rule("header_who = 'acme' AND header_day = '2026-11-20'", "B3", "header")})
        world.start()
        rows = ("1|A|5|0", "2|B|500|", "3|C|500|-1", "-3|D|9|4", "-3|D|9|4", "-3|D|10|4")
        text = "\n".join(["acme||@2026-11-20", *(row.replace("|", "||@") for row in rows), str(len(rows))])
        world.drop("POINTS_p.dat.pgp", text)
        equal(world.raw_answer("POINTS_p.dat.pgp").decode().replace("||@", "|"),
              "acme|2026-11-20|ACCEPTED||\nA|OK|\nB|REJECTED|B1,B2\nC|REJECTED|B1,B2\nD|OK|\nD|DUPLICATE|K001\n"
              "D|REJECTED|K002\n"
              "6|2|3|1|14\n", "the answer")


@test(quick=True)
def a_layout_that_is_guessed_of_a_sample_is_checked_and_tried():
    with World() as world:
        sample = os.path.join(world.folder, "sample.dat")
        with open(sample, "w", encoding="utf-8") as file:
            file.write(accruals.text(accruals.records(200)))
        text = world.gateway.ok("layout", "guess", sample, "--name", "other").out
        has(text, "control = count }  # holds over the whole file", "the proposal")
        equal(world.gateway.json("layout", "guess", sample, "--name", "other")["layout"], text, "as JSON")
        of_layout(world, {}, account="f1")
        world.configuration.layouts = {}
        world.configuration.lanes["points"][0].settings["key"] = "f2"
        world.configuration.lanes["points"][0].ledger["amount"] = "f3"
        world.configuration.lanes["points"][0].feedback.pop("columns", None)
        world.configuration.extra += text
        world.write_configuration()
        world.gateway.ok("check")
        has(world.gateway.ok("try", "acme-points", sample, "--plain").out, "200 accepted, 0 rejected", "try")
        with open(sample, "wb") as file:
            file.write(b"<html>\n\0\n")
        told = world.gateway.run("layout", "guess", sample)
        equal((told.status != 0, "NUL" in told.err), (True, True), "what is no file of lines")
