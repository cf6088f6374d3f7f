"""recon compare: the requester's own statement against ours."""
import csv
import os

import accruals
import world as worlds
from harness import equal, has, lacks, test
from reconciliation import DATE, Requests, post, records, served

FINE, FAILED, USAGE, CONFIGURATION, NOT_FOUND, CORRUPT = 0, 1, 2, 3, 4, 11
COLUMNS = ["key", "account", "amount", "business_date", "line"]


def statement(world, rows, name="theirs.csv"):
    path = os.path.join(world.folder, name)
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    return path


def rows_of(made):
    return [[r.reference, r.member, r.points, DATE, n] for n, r in enumerate(made, 2)]


def compare(world, path, *words, name="daily", date=DATE):
    return world.gateway.run("recon", "compare", name, "--date", date, "--theirs", path, *words)


@test
def the_same_statement_is_equal_in_any_order_and_while_more_is_posted():
    with served() as (world, requests):
        rows = rows_of(records(25))
        result = compare(world, statement(world, rows[::-1]), "--json")
        equal(result.status, FINE, result.out + result.err)
        report = result.json()
        total = sum(int(row[2]) for row in rows)
        equal((report["equal"], report["ours"], report["theirs"], report["matched"], report["differences"]),
              (True, 25, 25, 25, []), "the report")
        equal((str(report["total_ours"]), str(report["total_theirs"])), (str(total), str(total)), "totals")
        shards = [requests.curl(requests.path_of(s)).body for s in requests.manifest()["shards"]]
        published = os.path.join(world.folder, "published.csv")
        with open(published, "w") as file:  # what we published, joined: it is in our own lines
            file.write(shards[0] + "".join(s.split("\n", 1)[1] for s in shards[1:]))
        equal(compare(world, published).status, FINE, "what we published ourselves")
        world.drop("POINTS_2.dat.pgp", records(5, prefix="S"))
        world.feedback("POINTS_2.dat.pgp")
        equal(compare(world, published).status, FINE, "what came after the publication is of a later version")


@test
def what_is_missing_on_either_side_and_what_differs_is_told_with_its_totals():
    with served() as (world, requests):
        rows = rows_of(records(25))
        rows[3][2] = str(int(rows[3][2]) + 50)                          # another amount
        del rows[7]                                                     # they have not got it
        rows += [["X-1", "M000000001", "700", DATE, 90], rows[0][:]]    # we have not got it; and one of ours twice
        result = compare(world, statement(world, rows), "--json")
        equal(result.status, CORRUPT, result.out + result.err)
        report = result.json()
        equal([report[k] for k in ("matched", "missing-theirs", "missing-ours", "surplus-theirs", "amount", "column")],
              [23, 1, 1, 1, 1, 0], "counts")
        found = {(d["difference"], d["key"]): d for d in report["differences"]}
        equal(sorted(found), [("amount", "R-00000004"), ("missing-ours", "X-1"), ("missing-theirs", "R-00000008"),
                              ("surplus-theirs", "R-00000001")], "differences")
        different = found["amount", "R-00000004"]
        equal((str(different["ours"]), str(different["theirs"]), different["line"]), ("104", "154", 5), "what differs")
        assert "theirs" not in found["missing-theirs", "R-00000008"], "what is missing has no amount"
        equal(int(report["total_theirs"]) - int(report["total_ours"]), 50 - 101 + 700 + 101, "totals")
        shown = compare(world, statement(world, rows), "--limit", "2")
        equal(shown.status, CORRUPT, shown.err)
        has(shown.out, "the first 2 of 4", "what a person sees")


@test
def the_differences_are_a_file_in_the_feeds_layout():
    with served() as (world, requests):
        rows = rows_of(records(25))
        rows[3][2], rows[9][0] = "1", "R-99999999"
        output = os.path.join(world.folder, "differences.dat")
        equal(compare(world, statement(world, rows), "--output", output).status, CORRUPT, "compare")
        with open(output, encoding="utf-8") as file:
            lines = file.read().splitlines()
        equal(lines[0], f"H|daily {DATE}", "header")
        equal(lines[1:-1], ["D|R-00000004|amount|104|1", "D|R-00000010|missing-theirs|103|",
                            "D|R-99999999|missing-ours||103"], "lines")
        equal(lines[-1].split("|")[:3], ["T", "3", "25"], "trailer")
        equal(os.stat(output).st_mode & 0o777, 0o600, "its mode")
        equal([n for n in os.listdir(world.folder) if n.endswith(".part")], [], "left-overs")


@test
def their_statement_may_be_in_a_layout_of_the_configuration():
    with served() as (world, requests):
        path = os.path.join(world.folder, "theirs.dat")
        made = records(25)
        made[6].points = "5000"
        with open(path, "w", encoding="utf-8") as file:
            file.write(accruals.text(made))
        result = compare(world, path, "--layout", "accrual-v1", "--json")
        equal((result.status, [d["key"] for d in result.json()["differences"]]), (CORRUPT, ["R-00000007"]),
              result.out + result.err)
        equal(compare(world, path, "--layout", "nothing").status, NOT_FOUND, "a layout that is none")


@test
def exchanged_accounts_and_other_days_are_differences():
    with served() as (world, requests):
        rows = rows_of(records(25))
        rows[0][1], rows[1][1] = rows[1][1], rows[0][1]
        rows[4][3] = "2026-11-21"
        rows[5][2] = "-0.00"
        result = compare(world, statement(world, rows), "--json", "--unmask")
        equal(result.status, CORRUPT, result.out + result.err)
        report = result.json()
        equal((report["matched"], report["amount"], report["column"], report["columns"]),
              (21, 1, 3, {"account": 2, "business_date": 1}), "counts")
        equal([(d["difference"], d["key"], str(d["ours"]), str(d["theirs"])) for d in report["differences"]],
              [("account", "R-00000001", rows[1][1], rows[0][1]), ("account", "R-00000002", rows[0][1], rows[1][1]),
               ("business_date", "R-00000005", DATE, "2026-11-21"), ("amount", "R-00000006", "106", "0")],
              "differences")
        masked = compare(world, statement(world, rows)).out
        lacks(masked, rows[0][1], "without --unmask")
        has(masked, "account that differs", "the summary")
        left_out = compare(world, statement(world, rows), "--column", "account=,business_date=", "--json")
        equal(left_out.json()["column"], 0, "what is left out")
        rows[0][1], rows[1][1], rows[4][3], rows[5][2] = rows[1][1], rows[0][1], DATE, "+106.00"
        rows[7][4] = "99"
        equal(compare(world, statement(world, rows)).status, FINE, "a line number is not compared by itself")
        report = compare(world, statement(world, rows), "--column", "line", "--json").json()
        equal(report["columns"], {"line": 1, "account": 0, "business_date": 0}, "but when it is named")
        wrong = compare(world, statement(world, rows), "--column", "nothing")
        equal(wrong.status, CONFIGURATION, "a column that is none")
        has(wrong.err, "there is no column \"nothing\"; there are: key, account", "its message")
        equal(compare(world, statement(world, rows), "--scale", "19").status, USAGE, "--scale 19")


@test
def a_statement_of_another_system_has_its_own_names_signs_and_units():
    with served() as (world, requests):
        world.configuration.layouts["theirs"] = {
            "type": "delimited", "delimiter": ";", "lines-by": "position",
            'record "D"': {'field "no"': {"type": "integer"}, 'field "card"': {"type": "text"},
                           'field "cents"': {"type": "integer"}, 'field "ref"': {"type": "text"}}}
        world.write_configuration()
        path = os.path.join(world.folder, "theirs.txt")
        made = records(25)
        made[3].member = "M999999999"
        with open(path, "w", encoding="utf-8") as file:
            for n, record in enumerate(made, 2):
                file.write(f"{n:06d};{record.member};{-100 * int(record.points)};{record.reference}\n")
        names = ["--layout", "theirs", "--column", "key=ref,amount=cents,account=card,line=no", "--negate", "--scale",
                 "2"]
        result = compare(world, path, *names, "--json", "--unmask")
        equal(result.status, CORRUPT, result.out + result.err)
        report = result.json()
        equal((report["matched"], report["columns"], float(report["total_ours"])),
              (24, {"line": 0, "account": 1}, float(report["total_theirs"])), "counts")
        equal([d["theirs"] for d in report["differences"]], ["M999999999"], "differences")
        equal(compare(world, path, *names[:-3]).status, CORRUPT, "without --negate")
        has(compare(world, path, "--layout", "theirs").err, 'there is no column "reference"', "without names")


@test
def a_statement_of_groups_has_its_accounts_in_their_headers_and_its_totals_are_checked():
    with served() as (world, _):
        world.configuration.layouts["theirs"] = {
            "type": "delimited", "delimiter": ":", "tag-at": ["1", "2"], "untagged": True,
            'group "statement"': {
                'header ":60"': {"split": r"(M\d+) (\d+),", 'field "card"': {}, 'field "opening"': {"type": "integer"}},
                'trailer ":62"': {"split": r"(-?\d+),", 'field "closing"': {
                    "type": "integer", "control": "sum(points)", "opening": "opening"}}},
            'record ":61"': {"split": r"(-?\d+)N(.+)", 'field "points"': {"type": "integer"}, 'field "ref"': {}},
            'addendum ""': {"split": "(.*)", 'field "more"': {}}}
        world.write_configuration()
        path = os.path.join(world.folder, "theirs.txt")
        made = records(25)

        def write(more):
            with open(path, "w", encoding="utf-8") as file:
                for member in sorted({record.member for record in made}):
                    mine = [record for record in made if record.member == member]
                    lines = "".join(f":61:{r.points}N{r.reference}\nBONUS: {r.member}\n" for r in mine)
                    total = 7 + sum(int(r.points) for r in mine) + more
                    file.write(f":60:{member} 7,\n{lines}:62:{total},\n")
        words = ["--layout", "theirs", "--column", "key=ref,amount=points,account=card"]
        write(0)
        result = compare(world, path, *words, "--json")
        report = result.json()
        equal((result.status, report["matched"], report["columns"]["account"]), (FINE, 25, 0), result.out + result.err)
        write(1)
        has(compare(world, path, *words).err, "T004 group statement, lines 1 to", "a closing balance that is another")


@test
def keys_that_are_integers_are_compared_by_their_value():
    with worlds.World(local=True) as world:
        world.configuration.layouts["accrual-v1"]['record "D"']['field "reference"'] = {"type": "integer"}
        requests = Requests(world, threshold=10).apply()
        world.start()
        requests.wait_up()
        made = records(3)
        for n, record in enumerate(made, 1):
            record.reference = f"{n:06d}"
        post(world, "POINTS_1.dat.pgp", made)
        requests.generate()
        rows = [[f"{n:09d}", r.member, r.points, DATE, n + 1] for n, r in enumerate(made, 1)]
        result = compare(world, statement(world, rows))
        equal(result.status, FINE, result.out + result.err)
        path = os.path.join(world.folder, "theirs.dat")
        with open(path, "w", encoding="utf-8") as file:
            file.write(accruals.text(made))
        result = compare(world, path, "--layout", "accrual-v1")
        equal(result.status, FINE, result.out + result.err)


@test
def a_statement_that_cannot_be_read_is_no_difference():
    with served() as (world, requests):
        rows = rows_of(records(25))
        equal(world.gateway.run("recon", "compare", "daily", "--date", DATE).status, USAGE, "no --theirs")
        equal(compare(world, os.path.join(world.folder, "nothing")).status, FAILED, "no such file")
        equal(compare(world, statement(world, rows), name="nothing").status, NOT_FOUND, "no such reconciliation")
        rows[4][2] = "12x"
        result = compare(world, statement(world, rows))
        equal(result.status, FAILED, "an amount that is none: " + result.out)
        has(result.err, "6", "its line")
        rows[4][2], rows[5][0] = "104", ""
        result = compare(world, statement(world, rows))
        equal(result.status, FAILED, "no key: " + result.out)
        output = os.path.join(world.folder, "differences.dat")
        equal(compare(world, statement(world, rows), "--output", output).status, FAILED, "with --output")
        equal(os.path.exists(output) or os.path.exists(output + ".part"), False,
              "a file of differences of what could not be compared")
