"""Rows of databases that become items of a mailbox: SQLite's, a real PostgreSQL's by libpq and by ODBC."""
import os
import signal
import sqlite3

from harness import equal, has, test, wait_until
from mailboxes import MAILBOX, Exchange, endpoint
from packers import OtherFeed
from postgresql import Postgresql
from world import World

KINDS = ("sqlite", "postgresql", "odbc")
ROWS = 24
SETTLED = " WHERE xmin::text::bigint < txid_snapshot_xmin(txid_current_snapshot())"  # as the manual has it
IN_UTC = "SET timezone = 'UTC'; "  # the server's own is another one


def layout():
    return {"type": "delimited", "delimiter": "|", "quote": "rfc4180", "charset": "GB18030",
            'header "H"': {'field "region"': {}, 'field "sequence"': {"type": "integer"},
                           'field "count"': {"type": "integer", "control": "count"},
                           'field "total"': {"type": "decimal", "scale": 2, "control": "sum(paid)"}},
            'record "D"': {'field "id"': {"type": "integer"}, 'field "who"': {"optional": True},
                           'field "paid"': {"type": "decimal", "scale": 2},
                           'field "at"': {"type": "timestamp", "format": "%Y%m%d%H%M%S"}}}


def paid(n):
    return f"{n - 5}.{n % 100:02}" if n >= 5 else f"-{5 - n}.50"


def moment(n):
    """Three rows of each second."""
    return f"2026-11-20 08:00:{n // 3:02}"


def line(n, who='"王, ""A"""'):
    """A record's line, with the name as it is quoted."""
    return f"D|{n}|{who}|{paid(n)}|{moment(n).translate({ord(c): None for c in '-: '})}"


class Sqlite:
    def __init__(self, folder):
        self.path = os.path.join(folder, "core.db")
        self.run("CREATE TABLE claim (id INTEGER, who TEXT, paid TEXT, at TEXT); CREATE INDEX a ON claim (at, id);")

    def run(self, sql):
        connection = sqlite3.connect(self.path)
        connection.executescript(sql)
        connection.commit()
        connection.close()


def inserted(first, last, who="'王, \"A\"'"):
    return "INSERT INTO claim (id, who, paid, at) VALUES " + ", ".join(
        f"({n}, {who}, '{paid(n)}', '{moment(n)}')" for n in range(first, last)) + ";"


def configure(world, exchange, server, own):
    places = {"sqlite": own.path, "postgresql": server.connection, "odbc": server.odbc}
    configuration = world.configuration
    configuration.layouts = {"claims": layout()}
    configuration.systems["gw"] = {"box": endpoint(world, exchange.port, exchange.source)}
    configuration.lane_settings = {"threads": 2}
    feeds = []
    for kind in KINDS:
        feed = OtherFeed(world, kind, match=f"{kind}_*.txt", ready="rename", marker=None, after="archive",
                         envelope="unprotected-plain-text",
                         process=("deliver", {"system": "gw", "endpoint": "box", "path": MAILBOX, "name": "{name}",
                                              "envelope": "unprotected-plain-text"}))
        for setting in ("key", "business-date"):
            feed.settings.pop(setting)
        feed.settings.update({"layout": "claims", "on-reject": "file"})
        feed.rules = {}
        feed.feedback.update(envelope="unprotected-plain-text", name="{stem}_FB.txt", columns=["id"], marker=None)
        feed.feedback.pop("exception-name")
        feeds.append(feed)
        configuration.lane_settings[f'query "{kind}"'] = {
            "from": kind, "path": places[kind], "layout": "claims", "folder": feed.out, "cursor": ["at", "id"],
            "query": f"SELECT id, who, paid, at, '{kind}' AS region FROM claim", "rows": 7, "every": "1s",
            "name": f"{kind}_{{sequence:4}}.txt", "waiting": 3}
    configuration.lane_settings['query "postgresql"']["query"] += SETTLED
    configuration.lane_settings['query "odbc"']["lag"] = "1s"
    configuration.lanes = {"claims": feeds}


def items(exchange, kind):
    return sorted(name for name in exchange.consumer.ids() if name.startswith(kind))


def lines_of(exchange, kind):
    """Of all its items, which are numbered without a gap, and whose headers fit them."""
    found = []
    names = items(exchange, kind)
    equal(names, [f"{kind}_{n:04}.txt" for n in range(1, len(names) + 1)], "items")
    for number, name in enumerate(names, 1):
        header, *lines = exchange.consumer.get(name).body.decode("gb18030").splitlines()
        cents = sum(int(line.split("|")[-2].replace(".", "")) for line in lines)
        total = f"{'-' * (cents < 0)}{abs(cents) // 100}.{abs(cents) % 100:02}"
        equal(header, f"H|{kind}|{number}|{len(lines)}|{total}", f"the header of {name}")
        found += lines
    return found


def wait_lines(world, exchange, kind, count):
    def there():
        return sum(len(exchange.consumer.get(name).body.splitlines()) - 1 for name in items(exchange, kind)) >= count
    wait_until(f"{count} rows of {kind}", there, seconds=60, log=world.gateway.log_tail)


@test
def rows_of_three_kinds_of_databases_become_items_once_over_kills():
    with Postgresql() as server, Exchange() as exchange, World(local=True) as world:
        own = Sqlite(world.folder)
        server.run("CREATE TABLE claim (id bigint, who text, paid numeric(12,2), at timestamptz, UNIQUE (at, id));"
                   "ALTER DATABASE postgres SET timezone = 'Asia/Shanghai'")
        own.run(inserted(0, ROWS))
        server.run(IN_UTC + inserted(0, ROWS))
        configure(world, exchange, server, own)
        world.start()
        for _ in range(3):
            for pid in world.gateway.named("lane"):
                os.kill(pid, signal.SIGKILL)
            wait_until("the lane to answer", lambda: world.gateway.json("status")["lanes"][0].get("running"),
                       log=world.gateway.log_tail)
        for kind in KINDS:
            wait_lines(world, exchange, kind, ROWS)
            equal(lines_of(exchange, kind), [line(n) for n in range(ROWS)], f"the lines of {kind}")
        rows = {row["query"]: row for row in world.gateway.json("query")["queries"]}
        equal({kind: (rows[kind]["records"], rows[kind]["up_to"].split(", ")[-1]) for kind in KINDS},
              {kind: (ROWS, str(ROWS - 1)) for kind in KINDS}, "how far they were read")

        # What comes later, and has the time of the last row, is read as well; nothing that was read is read again.
        own.run(inserted(ROWS, ROWS + 3, who="NULL"))
        server.run(IN_UTC + inserted(ROWS, ROWS + 3, who="NULL"))
        for kind in KINDS:
            wait_lines(world, exchange, kind, ROWS + 3)
            equal(lines_of(exchange, kind)[ROWS:], [line(n, who="") for n in range(ROWS, ROWS + 3)], "what came later")

        # What cannot be gone on with is told, and goes on when it is put right.
        equal([world.gateway.run("query", kind, "--look").status for kind in KINDS], [0, 0, 0], "the look")
        twice = inserted(ROWS + 3, ROWS + 4)
        server.run(f"{IN_UTC} ALTER TABLE claim DROP CONSTRAINT claim_at_id_key; BEGIN; {twice} {twice}"
                   f"INSERT INTO claim (id, paid, at) VALUES (NULL, 1, '{moment(1)}'); COMMIT;")
        told = world.gateway.run("query", "postgresql", "--look")
        has(told.out, "a row has a null there, and would never be read", "the look at nulls")
        wait_until("the alarm", lambda: any(
            alarm["kind"] == "query-failing" and "two rows have the same key" in (alarm.get("detail") or "")
            for alarm in world.gateway.json("alarms")["alarms"]), log=world.gateway.log_tail)
        server.run("DELETE FROM claim WHERE id IS NULL; DELETE FROM claim WHERE ctid IN "
                   f"(SELECT max(ctid) FROM claim WHERE id = {ROWS + 3})")
        wait_lines(world, exchange, "postgresql", ROWS + 4)
        equal([alarm["subject"] for alarm in world.gateway.json("alarms")["alarms"]
               if alarm["kind"] == "query-failing" and alarm["subject"] == "postgresql"], [], "the alarm, afterwards")
        world.gateway.ok("verify")
