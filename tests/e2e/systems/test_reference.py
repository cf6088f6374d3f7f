"""process reference: loads of a reference table, what is held and refused, and what people see and do."""
import os
import sqlite3

import rates
import usage
from harness import equal, has, lacks, test, wait_until
from packers import finish, opened
from world import World

FIRST = [rates.rate("P1", "0.2500", until="2026-11-30"), rates.rate("P1", "0.3000", "2026-12-01"),
         rates.rate("P2", "1.5"), rates.rate("P3", "2"), rates.rate("P4", "3"), rates.rate("P5", "4")]


class Table:
    """A world with one feed of rates."""

    def __init__(self, world, **settings):
        self.world, self.feed, self.files = world, rates.feed(world, **settings), 0
        world.configuration.lanes = {"points": [self.feed]}
        world.start()

    def drop(self, kind, sequence, rows, cut=None):
        self.files += 1
        name = f"RATES_{self.files}.pgp"
        self.feed.drop(name, self.world.partner.seal(rates.text(kind, sequence, rows)[:cut]))
        return name

    def load(self, kind, sequence, rows):
        name = self.drop(kind, sequence, rows)
        answer = opened(self.world, self.feed, name.replace(".pgp", "_FB.dat.pgp"))
        equal((answer.verdict, answer.accepted), ("ACCEPTED", len(rows)), f"the answer to {name}")

    def reject(self, kind, sequence, rows):
        answer = opened(self.world, self.feed, self.drop(kind, sequence, rows).replace(".pgp", "_EX.dat.pgp"))
        equal(answer.verdict, "REJECTED", "the answer")
        return answer

    def hold(self, kind, sequence, rows, code):
        name = self.drop(kind, sequence, rows)
        row = self.world.gateway.wait_state(name, "held")
        equal(row["reason_code"], code, f"why {name} is held")
        return row

    def versions(self):
        return self.world.gateway.json("refdata", "list")["tables"][0]["versions"]

    def rows(self, *key):
        return [(row["content"]["rate"], (row.get("from") or "")[:10], (row.get("until") or "")[:10])
                for row in self.world.gateway.json("refdata", "show", *key)["rows"]]


@test
def a_full_load_and_its_deltas_are_versions_that_can_be_compared_and_shown():
    with World(local=True) as world:
        table = Table(world)
        table.load("full", 10, FIRST)
        table.load("delta", 11, [rates.rate("P2", "1.6", "2026-06-01"),
                                 rates.rate("P2", "1.5", until="2026-05-31"),
                                 rates.rate("P3", "2", operation="remove")])
        newest, oldest = table.versions()
        equal((oldest["version"], oldest["kind"], oldest["rows"], oldest["sequence"]), (1, "full", 6, 10), "version 1")
        equal((newest["version"], newest["kind"], newest["rows"], newest["sequence"]), (2, "delta", 6, 11), "version 2")
        equal((newest["added"], newest["changed"], newest["removed"]), (1, 1, 1), "what the delta changed")
        equal(table.rows("P2", "home"), [("1.5000", "2026-01-01", "2026-06-01"), ("1.6000", "2026-06-01", "")], "P2")
        equal(world.gateway.json("refdata", "show", "P1", "home", "--at", "2026-11-30T23:59:59")["rows"][0]["content"],
              {"rate": "0.2500"}, "the last second of an inclusive day")
        equal(world.gateway.json("refdata", "show", "P1", "home", "--at", "2026-12-01")["rows"][0]["content"],
              {"rate": "0.3000"}, "the first second of the next")
        old = world.gateway.json("refdata", "show", "P3", "home", "--of-version", "1")["rows"][0]
        equal(old["line"], 5, "its line")
        equal(world.gateway.run("refdata", "show", "P3", "home").status, 4, "what was removed")
        has(world.gateway.run("refdata", "show", "P3").err, "each of: product zone", "a part of a key")
        changes = [(row["change"], row["key"]["product"], row["content"]["rate"])
                   for row in world.gateway.json("refdata", "diff", "1", "2")["rows"]]
        equal(changes, [("removed", "P2", "1.5000"), ("added", "P2", "1.5000"), ("added", "P2", "1.6000"),
                        ("removed", "P3", "2.0000")], "the difference")
        has(world.gateway.ok("refdata", "diff", "1", "2").out, "product=P3", "the difference for people")
        has(world.gateway.ok("refdata", "list").out, "delta", "the list for people")
        equal(world.gateway.run("refdata", "diff", "1", "9").status, 4, "a version that is none")
        equal(world.gateway.run("refdata", "burn").status, 2, "a verb that is none")
        finish(world)


@test
def a_load_that_does_not_fit_is_refused_and_names_both_lines():
    with World(local=True) as world:
        table = Table(world)
        table.load("full", 1, FIRST)
        answer = table.reject("full", 2, FIRST + [rates.rate("P1", "9", "2026-11-30", "2026-11-30")])
        equal(answer.code, "R001", "two rows on one day")
        has(answer.raw, "line 2 and line 8 have one key", "the reason")
        answer = table.reject("delta", 2, [rates.rate("P2", "9", "2026-03-01")])
        equal(answer.code, "R001", "a delta over a row in force")
        has(answer.raw, "line 4 of version 1", "the reason")
        equal(table.reject("full", 2, [rates.rate("P1", "9", "2026-03-02", "2026-03-01")]).code, "R002", "backwards")
        equal(table.reject("delta", 2, [rates.rate("P2", "9", "2026-03-01", operation="remove")]).code, "R008",
              "nothing to remove")
        equal(table.reject("full", 2, [rates.rate("P2", "9", operation="remove")]).code, "R008", "a full load removes")
        equal(table.reject("full", 2, FIRST[:2] + [FIRST[1][:-2] + "x"]).code, "F004", "a record that is none")
        name = table.drop("full", 2, FIRST, cut=-20)
        answer = opened(world, table.feed, name.replace(".pgp", "_EX.dat.pgp"))
        equal((answer.verdict, answer.code), ("REJECTED", "T002"), "a load cut in half")
        equal([version["version"] for version in table.versions()], [1], "versions")
        has(world.gateway.ok("verify").out, "rates at version 1", "verify")
        with sqlite3.connect(os.path.join(world.state, "lanes", "points", "rates.reference.db")) as database:
            database.execute("UPDATE reference_row SET content = '[\"9.0000\"]' WHERE line = 4")
        database.close()
        spoilt = world.gateway.run("verify")
        equal(spoilt.status, 6, "verify of a row that somebody has changed")
        has(spoilt.out, "version 1 does not have the rows any more", "verify")
        with sqlite3.connect(os.path.join(world.state, "lanes", "points", "rates.reference.db")) as database:
            database.execute("UPDATE reference_row SET content = '[\"1.5000\"]' WHERE line = 4")
        database.close()
        finish(world)


@test
def what_is_missing_or_too_little_is_held_until_a_person_or_a_full_load_decides():
    with World(local=True) as world:
        table = Table(world)
        row = table.hold("delta", 1, FIRST[:1], "R005")
        has(row["reason"], "ask acme-bank for a full load", "the reason")
        world.gateway.ok("reject", "--reason", "no", row["id"])
        table.load("full", 2, FIRST)
        gap = table.hold("delta", 4, [rates.rate("P6", "5")], "R006")
        table.load("delta", 3, [rates.rate("P7", "6")])
        world.gateway.ok("release", gap["id"])
        equal(opened(world, table.feed, gap["name"].replace(".pgp", "_FB.dat.pgp")).verdict, "ACCEPTED",
              "released behind what was missing")
        world.gateway.ok("reject", "--reason", "no", table.hold("delta", 4, [rates.rate("P8", "6")], "R007")["id"])
        small = table.hold("full", 5, FIRST[:2], "R003")
        has(small["reason"], "2 rows, and rates has 8", "the reason")
        equal(len(table.rows("P7", "home")), 1, "while it is held")
        has(world.gateway.run("release", small["id"]).err, "with --reason TEXT", "a release without one")
        world.gateway.ok("release", "--reason", "they closed six shops", small["id"])
        has(world.gateway.ok("audit", "list").out, "they closed six shops", "the audit")
        equal(opened(world, table.feed, small["name"].replace(".pgp", "_FB.dat.pgp")).verdict, "ACCEPTED", "accepted")
        equal([(v["version"], v["rows"]) for v in table.versions()], [(4, 2), (3, 8), (2, 7), (1, 6)], "versions")
        world.gateway.ok("reject", "--reason", "no", table.hold("full", 6, [], "R004")["id"])
        world.gateway.wait_quiet()
        finish(world)


@test
def a_rollback_is_a_version_of_its_own_and_deltas_wait_for_a_full_load():
    with World(local=True) as world:
        table = Table(world)
        table.load("full", 1, FIRST)
        table.load("delta", 2, [rates.rate("P6", "5")])
        equal(world.gateway.json("refdata", "rollback", "1")["version"], 3, "the new version")
        equal(world.gateway.json("refdata", "diff", "1", "3")["rows"], [], "against the version it goes back to")
        newest = table.versions()[0]
        equal((newest["kind"], newest["back_to"], newest["rows"]), ("rollback", 1, 6), "the version")
        has(world.gateway.ok("audit", "list").out, "reference-rollback", "the audit")
        equal(world.gateway.run("refdata", "rollback", "7").status, 7, "a version that is none")
        held = table.hold("delta", 3, [rates.rate("P9", "5")], "R006")
        world.gateway.ok("reject", "--reason", "no", held["id"])
        table.load("full", 4, FIRST + [rates.rate("P9", "5")])
        table.load("delta", 5, [rates.rate("P9", "5", operation="remove")])
        equal([v["version"] for v in table.versions()], [5, 4, 3, 2, 1], "versions")
        finish(world)


@test
def gaps_in_validity_are_a_warning_and_older_versions_are_kept_as_configured():
    with World(local=True) as world:
        table = Table(world, **{"keep-versions": 2})
        for number in (1, 2, 3):
            table.load("full", number, [rates.rate("P1", f"0.{number}", until="2026-03-31"),
                                        rates.rate("P1", "0.5", "2026-04-02")])
        equal([(v["version"], v["kept"], v["gaps"]) for v in table.versions()],
              [(3, True, 1), (2, True, 1), (1, False, 1)], "versions")
        row = world.gateway.file("RATES_3.pgp")
        assert any("warning: 1 gaps between rows" in (h.get("detail") or "")
                   for h in world.gateway.json("show", row["id"])["history"]), "the history has no warning"
        equal(world.gateway.run("refdata", "rollback", "1").status, 7, "to a version that is not kept")
        lacks(world.gateway.ok("refdata", "diff", "2", "3").out, "0.5000", "the difference")
        finish(world)


@test
def two_loads_at_once_become_two_versions_one_after_the_other():
    with World(local=True) as world:
        table = Table(world)
        names = [table.drop("full", number, [rates.rate(f"P{i}", f"{number}.1") for i in range(3000)])
                 for number in (1, 2)]
        for name in names:
            path = os.path.join(table.feed.back, name.replace(".pgp", "_FB.dat.pgp.ok"))
            wait_until(f"{name} to be answered or held", lambda: os.path.exists(path) or
                       (world.gateway.file(name) or {}).get("state") == "held", log=world.gateway.log_tail)
        states = sorted((world.gateway.file(name)["state"] == "held") for name in names)
        kinds = [(v["version"], v["rows"]) for v in table.versions()]
        assert kinds in ([(2, 3000), (1, 3000)], [(1, 3000)]), kinds
        equal(states, [False, len(kinds) == 1], "the older one is held where the newer came first")
        if len(kinds) == 1:
            held = next(name for name in names if world.gateway.file(name)["state"] == "held")
            world.gateway.ok("reject", "--reason", "no", world.gateway.file(held)["id"])
        finish(world)


class Desk:
    """What an operator does to a table from the command line, with local files."""

    def __init__(self, world):
        self.world, self.files = world, 0

    def file(self, kind, sequence, rows, cut=None):
        self.files += 1
        path = os.path.join(self.world.folder, f"local-{self.files}.dat")
        with open(path, "w", encoding="utf-8") as file:
            file.write(rates.text(kind, sequence, rows)[:cut])
        return path

    def load(self, path, *options):
        return self.world.gateway.run("refdata", "load", path, "--plain", "--reason", "by phone, desk 4", *options)

    def refused(self, path, code, *told):
        """Alike by `try`, by a dry run and in earnest."""
        before = self.versions()
        for run in (self.world.gateway.run("try", "rates-sync", path, "--plain"), self.load(path, "--dry-run"),
                    self.load(path)):
            equal(run.status == 0, False, f"the status of {path}")
            for text in (code, *told):
                has(run.out + run.err, text, "what is told")
        equal(self.versions(), before, "the versions")

    def versions(self):
        return self.world.gateway.json("refdata", "list")["tables"][0]["versions"]


@test
def an_operator_loads_and_goes_back_with_a_reason_and_each_old_price_stays_explained():
    with World(local=True) as world:
        music = usage.Music(world, reference={"keep-versions": 2, "time-zone": "Asia/Shanghai"}, loaded=None)
        desk = Desk(world)
        first = [rates.rate("P1", "0.2500", until="2026-06-30"), rates.rate("P1", "0.3000", "2026-07-01"),
                 rates.rate("P2", "1.0000")]
        path = desk.file("full", 1, first)
        equal(world.gateway.run("refdata", "load", path, "--plain").status, 2, "without a reason")
        has(desk.load(path, "--dry-run").out, "would be version 1 of rates: 3 rows, 3 added", "the dry run")
        equal(world.gateway.json("refdata", "list")["tables"][0]["versions"], [], "after the dry run")
        has(desk.load(path).out, "version 1 of rates: 3 rows", "the load")
        has(world.gateway.ok("audit", "list").out, "by phone, desk 4", "the audit")
        music.rate("one", usage.record("S1"), usage.record("Q1", product="P9"),
                   usage.record("S2", at="2026-06-30T23:59:59.999+08:00"),
                   usage.record("S3", at="2026-06-30T16:00:00Z"))
        equal(music.amounts("S1", "S2", "S3"), ["0.33", "0.33", "0.39"], "prices at the bound")

        equal(world.gateway.run("refdata", "load", path, "--reason", "sealed it is not").status == 0, False, "unsigned")
        desk.refused(desk.file("full", 2, first + [rates.rate("P1", "9", "2026-06-30", "2026-06-30")]), "R001",
                     "line 2 and line 5")
        desk.refused(desk.file("full", 2, first, cut=80), "T002", "cut off")
        desk.refused(desk.file("delta", 3, first[:1]), "R006", "rates is at 1")
        few = desk.file("full", 2, [rates.rate("P1", "0.5000")])
        desk.refused(few, "R003", "1 rows, and rates has 3")
        has(desk.load(few, "--anyway").out, "1 rows, 0 added, 1 changed, 2 removed", "what a person allows")
        music.rate("two", usage.record("S4"))

        gap = desk.file("full", 3, [*first[:2], rates.rate("P2", "1.0000", until="2026-03-31"),
                                    rates.rate("P2", "1.1000", "2026-04-02"), rates.rate("P9", "1.0000")])
        has(desk.load(gap).out, "warning: 1 gaps between rows of one key, the first before line 5", "the gap")
        wait_until("what had no rate", lambda: music.explain("Q1")["status"] == "rated", log=world.gateway.log_tail)
        for number in (4, 5):
            desk.load(desk.file("full", number, [rates.rate("P1", f"0.{number}"), *first[2:]]), "--anyway")
        answer = world.gateway.json("refdata", "rollback", "1", "--reason", "the new ones were wrong")
        has(answer["detail"], "version 6 of rates has the rows of version 1", "the rollback")
        has(world.gateway.ok("audit", "list").out, "the new ones were wrong", "the audit")
        versions = {v["version"]: v for v in desk.versions()}
        equal(versions[1]["digest"], versions[6]["digest"], "the rows of 1 and 6")
        equal(len({v["digest"] for v in versions.values()}), 5, "the others differ")
        equal(all(versions[n]["kept"] for n in (1, 2, 3)), True, "what details name")
        old, new = music.explain("S1"), music.explain("S4")
        equal([(e["amount"], e["tables"][0]["version"], [r["content"] for r in e["tables"][0]["rows"] if r["taken"]])
               for e in (old, new)], [("0.33", 1, ['["0.2500"]']), ("0.65", 2, ['["0.5000"]'])], "prices of then")
        has(world.gateway.ok("refdata", "list").out, versions[1]["digest"][:12], "for people")
        finish(world)


def read_from(world, database, table, query, cursor=None, **settings):
    """A feed of what a query of the database gives."""
    feed = rates.feed(world, f"{table}-sync", **{**settings, "name": table})
    feed.source.update({"match": f"{table}_*.txt", "ready": "rename", "marker": None,
                        "envelope": "unprotected-plain-text"})
    feed.feedback.update({"envelope": "unprotected-plain-text", "name": "{stem}_FB.txt", "marker": None})
    feed.feedback.pop("exception-name")
    world.configuration.lane_settings[f'query "{table}"'] = {
        "from": "sqlite", "path": database, "layout": "rates", "folder": feed.out, "query": query, "every": "1s",
        "name": f"{table}_{{sequence}}.txt", **({"cursor": cursor} if cursor else {})}
    return feed


@test
def a_table_is_read_from_a_database_by_its_changes_or_as_a_whole():
    with World(local=True) as world:
        path = os.path.join(world.folder, "core.db")

        def run(sql):
            with sqlite3.connect(path) as database:
                database.executescript(f"BEGIN; {sql}; COMMIT;")
            database.close()

        run("CREATE TABLE rate (id INTEGER, product TEXT, price TEXT, gone INTEGER, changed_at INTEGER);"
            "INSERT INTO rate VALUES (1, 'P1', '0.2500', 0, 10), (2, 'P2', '1.0000', 0, 10), (3, 'P3', '2', 1, 10)")
        columns = "product, 'home' AS zone, price AS rate, '2026-01-01' AS \"from\", NULL AS until"
        world.configuration.lanes = {"points": [
            read_from(world, path, "changes", f"SELECT {columns}, changed_at, id, 'delta' AS kind, "
                      "CASE gone WHEN 1 THEN 'remove' ELSE 'put' END AS operation FROM rate",
                      cursor=["changed_at", "id"], deltas="cursor"),
            read_from(world, path, "whole", f"SELECT {columns}, 'full' AS kind, 'put' AS operation FROM rate "
                      "WHERE gone = 0")]}
        world.start()

        def wait_versions(table, *wanted):
            def there():
                tables = {t["name"]: t["versions"] for t in world.gateway.json("refdata", "list")["tables"]}
                return [(v["kind"], v["rows"]) for v in reversed(tables[table])] == list(wanted)
            wait_until(f"the versions of {table}", there, log=world.gateway.log_tail)

        def prices(table):
            shown = [world.gateway.run("refdata", "show", product, "home", "--name", table, "--json")
                     for product in ("P1", "P2", "P3", "P4")]
            return [one.json()["rows"][0]["content"]["rate"] if one.status == 0 else None for one in shown]

        wait_versions("changes", ("delta", 2))
        wait_versions("whole", ("full", 2))
        equal(prices("changes"), ["0.2500", "1.0000", None, None], "what was there at first")
        run("UPDATE rate SET price = '0.3000', changed_at = 11 WHERE id = 1;"
            "UPDATE rate SET gone = 1, changed_at = 11 WHERE id = 2; INSERT INTO rate VALUES (4, 'P4', '4', 0, 11),"
            "(5, 'P5', '5', 0, 11)")
        for table, kind in (("changes", "delta"), ("whole", "full")):
            wait_versions(table, (kind, 2), (kind, 3))
            equal(prices(table), ["0.3000", None, None, "4.0000"], f"what {table} has then")
        equal([row["change"] for row in world.gateway.json("refdata", "diff", "1", "2", "--name", "changes")["rows"]],
              ["removed", "added", "removed", "added", "added"], "the difference")
        run("UPDATE rate SET gone = 1, changed_at = 12 WHERE id > 1")
        wait_versions("changes", ("delta", 2), ("delta", 3), ("delta", 1))
        wait_until("the whole, which shrinks, to be held",
                   lambda: (world.gateway.file("whole_3.txt") or {}).get("reason_code") == "R003",
                   log=world.gateway.log_tail)
        world.gateway.ok("release", "--reason", "closed for good", world.gateway.file("whole_3.txt")["id"])
        wait_versions("whole", ("full", 2), ("full", 3), ("full", 1))
        equal(prices("whole"), prices("changes"), "either way")
        world.gateway.wait_quiet()
        finish(world)
