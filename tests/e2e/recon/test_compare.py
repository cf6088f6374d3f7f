"""recon compare: the requester's own statement against ours."""
import csv
import os

import accruals
from harness import equal, has, test
from reconciliation import DATE, records, served

FINE, FAILED, USAGE, NOT_FOUND, CORRUPT = 0, 1, 2, 4, 11
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
        equal((report["matched"], report["missing-theirs"], report["missing-ours"], report["amount"]), (23, 1, 2, 1),
              "counts")
        found = {(d["difference"], d["key"]): d for d in report["differences"]}
        equal(sorted(found), [("amount", "R-00000004"), ("missing-ours", "R-00000001"), ("missing-ours", "X-1"),
                              ("missing-theirs", "R-00000008")], "differences")
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
