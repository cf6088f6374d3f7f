"""The invariants (packaging/doc/RELIABILITY.md), checked from outside once the gateway is quiet: from the partner's own
files, the ledger's entries and the folders, by the tests' own arithmetic. What the gateway says about itself is checked
last, and never alone."""
import collections
import csv
import datetime
import hashlib
import os
import sqlite3

import accruals
from gateway import name_of
from waiting import wait_until


def assert_invariants(world):
    """The gateway runs, and has nothing under way."""
    gateway = world.gateway
    files = gateway.files()
    answers = read_answers(world)
    check_answers(world, files, answers)
    check_credits(world, files, answers)
    check_statements(world)
    check_folders(world, files)
    check_databases(world)
    check_children(world)
    gateway.ok("audit", "verify")
    gateway.ok("verify")


def read_answers(world):
    """Every answer on the partner's side by name: {name: Feedback}. Each has its marker, and no marker lacks its
    file."""
    names = world.partner.received()
    hidden = [n for n in names if n.startswith(".") or n.endswith((".tmp", ".part", ".partial"))]
    assert not hidden, f"temporary files were left at the partner's: {hidden}"
    marked = [n[:-3] for n in world.partner.markers()]
    assert sorted(marked) == names, f"answers {names} and markers {marked} do not match"
    return {name: accruals.parse_feedback(world.partner.open(name)) for name in names}


def check_answers(world, files, answers):
    """Each finished file has exactly one answer that stands there, and nothing stands there that no file answers
    for."""
    claimed = collections.Counter(f["feedback_name"] for f in files if f["state"] == "closed" and f["feedback_name"])
    twice = [name for name, times in claimed.items() if times > 1]
    assert not twice, f"two files answer with the same name: {twice}"
    for row in files:
        if row["state"] in ("answered", "closed") and not row["feedback_name"]:
            assert row.get("duplicate_of"), f"{row['name']} is {row['state']} without an answer"
    assert set(claimed) == set(answers), f"the book claims {sorted(claimed)}, at the partner's stand {sorted(answers)}"
    for name, answer in answers.items():
        assert answer.lines == answer.accepted + answer.rejected + answer.duplicates, \
            f"{name}: lines are lost: {answer.raw[-200:]}"
        if answer.results:
            tally = collections.Counter(result for _, result, _ in answer.results)
            assert (tally["OK"], tally["REJECTED"], tally["DUPLICATE"]) == (answer.accepted, answer.rejected,
                                                                            answer.duplicates), \
                f"{name}: its trailer says {answer.accepted}/{answer.rejected}/{answer.duplicates}, its lines " \
                f"{dict(tally)}"


def check_credits(world, files, answers):
    """Σ credits = Σ accepted lines = feedback totals; each accepted line has one credit, and no credit lacks its
    line."""
    entries = collections.defaultdict(list)
    for entry in world.gateway.entries():
        entries[entry["file"]].append((entry["key"], entry["account"], int(entry["amount"]), int(entry["line"])))
    balances = collections.Counter()
    keys = collections.Counter()
    by_id = {row["id"]: row for row in files}
    for file, credits in entries.items():
        assert file in by_id, f"credits of a file that is not in the book: {file}"
        for key, account, amount, _ in credits:
            keys[key] += 1
            balances[account] += amount
    doubled = [key for key, times in keys.items() if times > 1]
    assert not doubled, f"credited more than once: {doubled[:5]}"
    for row in files:
        credits = sorted(entries.get(row["id"], []))
        answer = answers.get(row["feedback_name"]) if row["state"] == "closed" else None
        if is_handed_on(world, row):
            assert not credits, f"{row['name']} was handed on, and has {len(credits)} credits"
            continue
        expected = sorted(expected_credits(world, row, answer)) if answer else []
        if answer is None and row["state"] not in ("closed", "gone"):
            continue  # held half-way: its credits are checked when it is done
        assert credits == expected, difference(row, credits, expected)
        if answer:
            total = sum(amount for _, _, amount, _ in credits)
            assert (len(credits), total) == (answer.accepted, answer.amount), \
                f"{row['name']}: {len(credits)} credits of {total}, its feedback says {answer.accepted} of " \
                f"{answer.amount}"
    for account in sorted(balances)[:3]:
        told = sum(int(of_one["balance"]) for of_one in world.gateway.json("balance", account)["balances"])
        assert told == balances[account], f"balance of {account} is {told}, its entries give {balances[account]}"


def is_handed_on(world, row):
    """Its feed credits nothing: it is of no kind of process that keeps a ledger."""
    feeds = [f for lane in world.configuration.lanes.values() for f in lane if f.name == row["feed"]]
    return bool(feeds and feeds[0].process and feeds[0].process[0] not in ("ledger", "http"))


def check_statements(world):
    """Σ shards = Σ credits of the period; shards are disjoint, complete, and the bytes on the disk are those that the
    book has. Of reconciliations that give out the ledger's keys and amounts as they are."""
    blocks = {name.split('"')[1]: block for name,
              block in world.configuration.lane_settings.items() if name.startswith("reconcile ")}
    if not blocks:
        return
    entries = world.gateway.entries()
    had = collections.defaultdict(set)     # what supplements need not tell again
    for task in reversed(world.gateway.json("recon", "list", "--limit", "0")["tasks"]):
        block = blocks.get(task["reconcile"])
        if task["state"] != "done" or task.get("removed_at") or not block:
            continue
        folder = os.path.join(world.state, "lanes", task["lane"], "recon", task["task"])
        parts = world.gateway.json("recon", "show", task["task"])["parts"]
        for part in parts:
            with open(os.path.join(folder, part["name"]), "rb") as file:
                digest = hashlib.sha256(file.read()).hexdigest()
            assert digest == part["sha256"], f"{part['name']} of {task['task']} is not what the book says"
        assert (sum(p["records"] for p in parts),
                len(parts)) == (task["records"], task["shards"]), f"{task['task']}: its shards do not add up"
        before = had[task["reconcile"], task["period"]] if block.get("late") == "supplement" else set()
        before |= check_statement(task, block, [os.path.join(folder, p["name"]) for p in parts], entries, before)


def check_statement(task, block, paths, entries, before):
    """What it tells; before: what versions that it adds to have told."""
    read = block["read"]
    is_plain = block.get("compress", "none") == "none" and not block.get("encrypt") and block.get("charset",
                                                                                                  "UTF-8") == "UTF-8"
    if read["from"] != "ledger" or "where" in read or "feeds" in read or not is_plain or not {"key",
        "amount"} <= set(read["columns"]):
        return set()
    key, amount = read["columns"].index("key"), read["columns"].index("amount")
    told = []
    for path in paths:
        with open(path, newline="") as file:
            rows = list(csv.reader(file, delimiter=block.get("delimiter", ",")))
        told += [(row[key], row[amount]) for row in rows[1 if block.get("header-line", True) else 0:]]
    of_period = [e for e in entries if e["ledger"] == read["ledger"] and e["business_date"].startswith(task["period"])]
    credits = {(e["key"], e["amount"]) for e in of_period}
    assert len(set(told)) == len(told), f"{task['task']}: a record is in two places of its shards"
    assert not before & set(told), f"{task['task']}: a record is in a version and in its supplement"
    assert set(told) <= credits, f"{task['task']}: records that were never credited: {sorted(set(told) - credits)[:3]}"
    if all(instant_of(e["posted_at"]) < instant_of(task["started_at"]) for e in of_period):
        assert before | set(told) == credits, \
            f"{task['task']}: credits are missing in its shards: {sorted(credits - before - set(told))[:3]}"
        assert sum(int(a) for _, a in told) == int(task["total"]), f"{task['task']}: total {task['total']}"
    return set(told)


def instant_of(text):
    return datetime.datetime.fromisoformat(text)


def expected_credits(world, row, answer):
    """What the partner's own text says must have been credited for the lines that its feedback calls OK."""
    if answer.accepted == 0 and not any(result == "OK" for _, result, _ in answer.results):
        return
    original = world.original_of(row)
    result_of = collections.defaultdict(collections.deque)
    for key, result, _ in answer.results:
        result_of[key].append(result)
    for number, line in enumerate(original.splitlines(), 1):
        fields = line.split("|")
        if fields[0] != "D" or len(fields) < 4 or not result_of[fields[2]]:
            continue
        if result_of[fields[2]].popleft() == "OK":
            yield fields[2], fields[1], int(fields[3]), number


def difference(row, credits, expected):
    lost = [c for c in expected if c not in set(credits)][:5]
    extra = [c for c in credits if c not in set(expected)][:5]
    return (f"{row['name']} ({row['state']}): {len(credits)} credits, expected {len(expected)}; missing {lost}, too "
            f"many {extra}")


def files_below(folder):
    for path, _, names in os.walk(folder):
        for name in names:
            yield os.path.join(path, name)


def check_folders(world, files):
    """No orphan in the spool, no plaintext anywhere on the gateway's side, no file in the book that never was."""
    copy_of = lambda f: (f["feed"], f["name"], f["size"], f["modified"])  # noqa: E731
    done = {copy_of(f): f["seen_at"] for f in files if f["state"] == "closed"}
    ghosts = [f["name"] for f in files if f["state"] == "gone" and f["seen_at"] > done.get(copy_of(f), "9")]
    assert not ghosts, f"seen again from a listing older than their closing: {ghosts}"
    held = {f["id"] for f in files if f["state"] == "held"}
    for path in files_below(os.path.join(world.state, "lanes")):
        if "/spool/" in path:
            assert any(os.path.basename(path).startswith(file) for file in held), f"left in the spool: {path}"
    world.assert_no_plaintext(but={"stage"} if held else set())


def check_databases(world):
    for path in files_below(world.state):
        if path.endswith(".db"):
            # The connection is read-only: it never checkpoints, so the lane stays the only one that does.
            connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)
            try:
                for check in ("integrity_check", "foreign_key_check"):
                    rows = connection.execute(f"PRAGMA {check}").fetchall()
                    assert rows in ([], [("ok",)]), f"{check} of {path}: {rows[:3]}"
            finally:
                connection.close()


def check_children(world):
    """gpg processes end with their work, couriers are as few as configured, and descriptors do not pile up."""
    gateway = world.gateway

    def at_rest():
        names = [name_of(pid) for pid in gateway.pids()]
        busy = [n for n in names if n in ("gpg", "gpgsm", "gpgconf")]
        assert not busy, f"still running: {busy}"
        couriers = len(gateway.named("courier"))
        assert couriers <= world.configuration.connections * len(world.configuration.lanes), f"{couriers} couriers"
        for pid in gateway.named("lane"):
            count = len(os.listdir(f"/proc/{pid}/fd"))
            assert count < 120, f"the lane holds {count} descriptors"
        return True
    wait_until("the gateway's children to be at rest", at_rest, log=gateway.log_tail)
