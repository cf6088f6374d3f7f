"""Reconciliation files as the gateway makes them: tasks, shards, manifests, what goes out."""
import base64
import datetime
import hashlib
import json
import os
import signal
import sqlite3

import accruals
from configuration import block
from harness import equal, has, test, wait_until
from postgresql import Postgresql
from statements import DAY, StatusInterface, amounts, bring, header, lines_of, read_set, recon_world, run, wait_pushed

@test(quick=True)
def credits_of_a_day_become_shards_with_a_manifest_that_the_requesters_own_tools_check():
    with recon_world(threshold=1000) as world:
        world.start()
        made = accruals.records(2500, broken={7})
        bring(world, "A", made)
        task = run(world)
        equal((task["state"], task["records"], task["shards"]), ("done", 2499, 3), "the task")
        wait_pushed(world)
        manifest, lines = read_set(world)
        equal([s["records"] for s in manifest["shards"]], [1000, 1000, 499], "records by shard")
        good = [r for r in made if int(r.points) <= 100000]
        equal([line.split(",")[0] for line in lines], [r.reference for r in good],
              "every accepted record once, in the file's order")
        equal((int(manifest["total"]), amounts(manifest, lines)), (sum(int(r.points) for r in good),) * 2, "totals")
        equal(lines[0], f"R-00000001,M000000001,101,{DAY},POINTS_A.dat.pgp,2", "a line")
        assert os.path.exists(os.path.join(world.recon_folder, "points_2024-11-20.manifest.json.ok")), "no marker"
        world.settle()


@test
def ten_thousand_and_one_records_at_five_thousand_are_three_shards_over_sftp():
    """Pushed to a real sshd."""
    with recon_world(threshold=5000, local=False, compress="gzip", encrypt=True,
                     **{"delimited-manifest": True}) as world:
        world.start()
        bring(world, "A", accruals.records(10001, members=900))
        equal(run(world)["shards"], 3, "shards")
        wait_pushed(world)
        manifest, lines = read_set(world)
        equal(([s["records"] for s in manifest["shards"]], manifest["compression"], manifest["encryption"]),
              ([5000, 5000, 1], "gzip", "openpgp"), "the set")
        equal(int(manifest["total"]), amounts(manifest, lines), "total")
        names = os.listdir(world.recon_folder)
        assert not [n for n in names if n.startswith(".")], f"temporary names are left: {names}"
        with open(os.path.join(world.recon_folder, "points_2024-11-20.manifest.json.txt")) as file:
            rows = [line.rstrip("\n").split("|") for line in file]
        equal([(r[0], r[1]) for r in rows[1:-1]], [("D", "1"), ("D", "2"), ("D", "3")], "the delimited form's shards")
        equal(rows[-1], ["T", "3", "10001", manifest["total"]], "its trailer")
        world.keys.partner.verify_detached(os.path.join(world.recon_folder, "points_2024-11-20.manifest.json.txt"),
                                           os.path.join(world.recon_folder, "points_2024-11-20.manifest.json.txt.asc"),
                                           signer=world.keys.gateway)


@test
def a_day_without_records_has_a_manifest_without_shards():
    with recon_world() as world:
        world.start()
        bring(world, "A", accruals.records(3))
        equal(run(world, day="2024-11-19")["records"], 0, "records")
        wait_pushed(world)
        manifest, lines = read_set(world, "points_2024-11-19.manifest.json")
        equal((manifest["shards"], lines, manifest["records"], manifest["total"]), ([], [], 0, "0"), "the empty set")


@test
def what_is_corrected_later_makes_a_new_version_and_the_published_one_stays():
    with recon_world(threshold=40) as world:
        world.start()
        bring(world, "A", accruals.records(100, prefix="A"))
        first = run(world)
        wait_pushed(world)
        before = snapshot_of(world)
        equal(run(world)["remark"], "published already; --again makes the next version if the data have changed",
              "asked for once more")
        equal(run(world, "--again")["remark"], "nothing has changed since", "again, without new data")
        equal(len(world.gateway.json("recon", "list")["tasks"]), 1, "tasks")
        bring(world, "B", accruals.records(20, prefix="B"), sequence=2)
        second = run(world, "--again")
        equal((second["version"], second["records"], second["remark"]), (2, 120, "done"), "the second version")
        wait_pushed(world, 2)
        manifest, lines = read_set(world, "points_2024-11-20_v2.manifest.json")
        equal((len(lines), int(manifest["total"]), manifest["version"]), (120, amounts(manifest, lines), 2),
              "the second version's set")
        after = snapshot_of(world)
        equal({name: after.get(name) for name in before}, before, "the first version's files")
        assert first["task"] != second["task"]
        world.settle()


def snapshot_of(world):
    found = {}
    for name in sorted(os.listdir(world.recon_folder)):
        with open(os.path.join(world.recon_folder, name), "rb") as file:
            found[name] = hashlib.sha256(file.read()).hexdigest()
    return found


@test
def a_snapshot_has_each_file_whole_or_not_at_all_while_posting_goes_on():
    """Tasks are made again and again while files are posted; each version has whole files only, and all of the version
    before."""
    with recon_world(threshold=5000, push=False, read={"columns": ["key", "file"]}) as world:
        world.feed.batch = {"size-min": 25, "size-max": 25, "allow-any-size": True}
        world.start()
        sizes, versions = {}, []
        for i in range(12):
            world.drop(f"POINTS_{i:02d}.dat.pgp", accruals.records(200 + i, prefix=f"F{i:02d}"),
                       header=header(sequence=i + 1))
        wait_until("the first file to be posted", lambda: any(f["state"] == "closed" for f in world.gateway.files()),
                   log=world.gateway.log_tail)
        while True:
            done = all(f["state"] == "closed" for f in world.gateway.files()) and len(world.gateway.files()) == 12
            versions.append(run(world, "--again"))
            if done:
                break
        sizes = {f["id"]: f["accepted"] for f in world.gateway.files()}
        seen = {}
        for task in {v["task"]: v for v in versions}.values():
            counts = {}
            for line in lines_of(world, task["task"]):
                file = line.split(",")[1]
                counts[file] = counts.get(file, 0) + 1
            for file, count in counts.items():
                equal(count, sizes[file], f"records of file {file} in version {task['version']}")
            assert set(seen) <= set(counts), "a file was in a version and is not in the next"
            seen = counts
        equal(sum(seen.values()), sum(sizes.values()), "the last version")


@test
def records_are_ordered_filtered_and_written_as_the_requester_wants_them():
    """An order of its own, a condition, GB18030, another delimiter, no header, neutralised formulas."""
    with recon_world(threshold=30, delimiter="|", charset="GB18030", quote=True,
                     **{"header-line": False, "line-end": "crlf", "neutralise-formulas": True},
                     read={"columns": ["account", "key", "amount", "name"], "order": ["account", "key"],
                           "where": "amount > 101 AND account <> 'M000000003'"}) as world:
        world.start()
        made = accruals.records(100, prefix="=R", members=7)
        bring(world, "积分", made)
        run(world)
        wait_pushed(world)
        manifest, lines = read_set(world)
        wanted = sorted((r.member, r.reference, r.points) for r in made if int(r.points) > 101
                        and r.member != "M000000003")
        equal([tuple(line.split("|")[:3]) for line in lines], [(m, "'" + k, p) for m, k, p in wanted], "the lines")
        equal({line.split("|")[3] for line in lines}, {"POINTS_积分.dat.pgp"}, "the name")
        equal((manifest["charset"], manifest["line_end"], manifest["header_line"]), ("GB18030", "crlf", False),
              "the form")


@test
def files_and_their_records_outcomes_can_be_reconciled_too():
    with recon_world(push=False, name="files",
                     read={"from": "files", "ledger": None,
                           "columns": ["name", "state", "records", "accepted", "rejected", "amount_accepted"],
                                                     "amount": "amount_accepted"}) as world:
        world.configuration.lane_settings['reconcile "records"'] = {
            "requester": "acme-bank", "type": "outcomes", "threshold": 1000,
            "read": {"from": "records", "columns": ["name", "line", "outcome", "code", "key", "amount"],
                     "amount": "amount"}}
        world.start()
        good = accruals.records(30, prefix="A", broken={2, 30})
        bring(world, "A", good)
        bring(world, "B", accruals.records(3, prefix="A") + accruals.records(2, prefix="B"), sequence=2)
        bring(world, "C", accruals.text(accruals.records(2, prefix="C"), header=header(DAY, 3), total=7).encode())
        refused = points_of(accruals.records(2, prefix="C"))
        files = run(world, name="files")
        equal(lines_of(world, files["task"])[:2],
              [f"POINTS_A.dat.pgp,closed,30,28,2,{points_of(good)}", "POINTS_B.dat.pgp,closed,5,3,0,305"], "files")
        lines = lines_of(world, run(world, name="records")["task"])
        equal((len(lines), lines[0], lines[1], lines[29]),
              (36, "POINTS_A.dat.pgp,2,accepted,,A-00000001,101",
               f"POINTS_A.dat.pgp,3,rejected,E012,A-00000002,{good[1].points}",
               f"POINTS_A.dat.pgp,31,rejected,E012,A-00000030,{good[29].points}"), "records")
        equal([line.split(",")[2] for line in lines[30:35]],
              ["duplicate", "accepted", "duplicate", "accepted", "accepted"], "the second file's outcomes")
        equal(lines[35], f"POINTS_C.dat.pgp,,rejected,T004,,{refused}", "a file that was refused as a whole")


def points_of(made):
    return sum(int(r.points) for r in made if int(r.points) <= 100000)


@test
def a_query_and_a_file_of_ours_can_be_reconciled():
    """A query (from = sqlite) and a file (from = delimited); a bad line of the file fails the task, which says
    where."""
    with recon_world(push=False, name="claims", threshold=2) as world:
        database, path = os.path.join(world.folder, "core.db"), os.path.join(world.folder, "claims_{date}.txt")
        world.configuration.lane_settings['reconcile "claims"']["read"] = {
            "from": "sqlite", "path": database,
            "query": "SELECT id, who, paid FROM claim WHERE day = :date ORDER BY id",
            "columns": ["id", "who", "paid"], "amount": "paid"}
        world.configuration.lane_settings['reconcile "plain"'] = {
            "requester": "acme-bank", "type": "plain", "threshold": 100,
            "read": {"from": "delimited", "path": path, "layout": "accrual-v1", "columns": ["reference", "amount"],
                     "amount": "amount", "order": ["reference"]}}
        connection = sqlite3.connect(database)
        connection.execute("CREATE TABLE claim (id TEXT, who TEXT, paid INTEGER, day TEXT)")
        connection.executemany("INSERT INTO claim VALUES (?, ?, ?, ?)",
                               [("c2", 'A, "B"', 20, DAY), ("c1", None, -5, DAY), ("c3", "x", 7, DAY),
                                ("c9", "y", 1, "2024-11-21")])
        connection.commit()
        connection.close()
        made = list(reversed(accruals.records(5)))
        with open(path.replace("{date}", DAY), "w") as file:
            file.write(accruals.text(made, header=header()))
        world.start()
        task = run(world, name="claims")
        equal((task["records"], task["total"], task["shards"]), (3, "22", 2), "the query's task")
        equal(lines_of(world, task["task"]), ["c1,,-5", 'c2,"A, ""B""",20', "c3,x,7"], "the query's lines")
        task = run(world, name="plain")
        equal((task["total"], lines_of(world, task["task"])), ("61.50", [f"R-{i:08d},12.30" for i in range(1, 6)]),
              "the file's lines")
        with open(path.replace("{date}", "2024-11-21"), "w") as file:
            file.write(accruals.text(made, header=header("2024-11-21")).replace("|12.30|", "|12,30|", 1))
        failed = world.gateway.run("recon", "run", "plain", "--date", "2024-11-21")
        equal(failed.status, 1, "exit status")
        has(failed.out, "claims_2024-11-21.txt:2: L013", "the failure")
        alarms = lambda: [(alarm["kind"], alarm["subject"]) for alarm in world.gateway.json("alarms")["alarms"]]
        equal(alarms(), [("recon-failed", "plain 2024-11-21")], "alarms after a task that failed")
        with open(path.replace("{date}", "2024-11-21"), "w") as file:
            file.write(accruals.text(made, header=header("2024-11-21")))
        world.gateway.ok("recon", "run", "plain", "--date", "2024-11-21")
        equal(alarms(), [], "alarms after its files were made")


@test
def a_file_of_ours_with_groups_is_reconciled_with_what_their_headers_say():
    with recon_world(push=False) as world:
        path = os.path.join(world.folder, "batches_{date}.txt")
        whole = {"type": "integer"}
        world.configuration.layouts["batches"] = {
            "type": "delimited", "delimiter": "|",
            'group "batch"': {'header "B"': {'field "shop"': {}},
                              'trailer "E"': {'field "sum"': {**whole, "control": "sum(points)"}}},
            'record "D"': {'field "member"': {}, 'field "points"': whole}, 'addendum "A"': {'field "goods"': {}}}
        world.configuration.lane_settings['reconcile "batches"'] = {
            "requester": "acme-bank", "type": "batches", "threshold": 2,
            "read": {"from": "delimited", "path": path, "layout": "batches", "amount": "points",
                     "columns": ["shop", "batch", "member", "points", "goods"]}}

        def write(total):
            with open(path.replace("{date}", DAY), "w") as file:
                file.write("B|north\nD|m1|5\nA|tea\nD|m2|7\nE|12\nB|south\nD|m3|-2\nE|%d\n" % total)
        write(-3)
        world.start()
        failed = world.gateway.run("recon", "run", "batches", "--date", DAY)
        equal(failed.status, 1, "exit status")
        has(failed.out, "T004 group batch, lines 6 to 8: sum: -3 declared", "a group whose total does not hold")
        write(-2)
        task = run(world, name="batches")
        equal((task["records"], task["total"], task["shards"]), (3, "10", 2), "the task")
        equal(lines_of(world, task["task"]), ["north,1,m1,5,tea", "north,1,m2,7,", "south,6,m3,-2,"], "its lines")


@test
def done_is_told_to_the_requesters_status_interface_until_it_is_acknowledged():
    """A 500 and a 404 are no acknowledgement; the body is signed, and the same at every try."""
    interface = StatusInterface([500, 404])
    try:
        with recon_world(status={"endpoint": "web", "path": "/v1/status"}) as world:
            world.configuration.endpoints["web"] = {"url": f"http://127.0.0.1:{interface.port}/recon",
                                                    "clear-text": True}
            world.start()
            bring(world, "A", accruals.records(12))
            task = run(world)
            wait_until("the third call", lambda: len(interface.told) >= 3, log=world.gateway.log_tail)
            wait_until("the task to be told", lambda: world.gateway.json("recon", "show", task["task"])["status"]
                       == "told", log=world.gateway.log_tail)
            path, headers, body = interface.told[2]
            equal({(p, h["Idempotency-Key"], b) for p, h, b in interface.told},
                  {("/recon/v1/status", task["task"], body)}, "what was posted")
            told = json.loads(body)
            equal((told["requester"], told["type"], told["period"], told["version"], told["state"], told["records"],
                   told["total"]),
                  ("acme-bank", "points", DAY, 1, "done", 12, str(sum(int(r.points) for r in accruals.records(12)))),
                  "the body")
            signature, signed = os.path.join(world.folder, "body.sig"), os.path.join(world.folder, "body")
            for name, content in ((signature, base64.b64decode(headers["Sallyport-Signature"])), (signed, body)):
                with open(name, "wb") as file:
                    file.write(content)
            world.keys.partner.verify_detached(signed, signature, signer=world.keys.gateway)
            equal(len(interface.told), 3, "calls")
    finally:
        interface.close()


@test
def tasks_are_made_on_schedule_once_for_each_period_also_after_an_outage():
    """A block that was first seen three days ago has a task for each day since, and no second one after a restart."""
    with recon_world(push=False, at="00:00") as world:
        world.start()
        wait_until("the block to be seen", lambda: seen_at(world), log=world.gateway.log_tail)
        equal(world.gateway.json("recon", "list")["tasks"], [], "tasks of a block that was just seen")
        equal(world.gateway.stop(), 0, "exit status")
        with sqlite3.connect(os.path.join(world.state, "lanes", "points", "book.db")) as book:
            book.execute("UPDATE recon_block SET seen_at = seen_at - 3 * 86400 * 1000000")
        book.close()
        world.start()
        wait_until("three tasks", lambda: [t["state"] for t in world.gateway.json("recon", "list")["tasks"]]
                   == ["done"] * 3, log=world.gateway.log_tail)
        tasks = world.gateway.json("recon", "list")["tasks"]
        zone = datetime.timezone(datetime.timedelta(hours=8))
        today = datetime.datetime.now(zone).date()
        equal([t["period"] for t in tasks], [str(today - datetime.timedelta(days=d)) for d in (1, 2, 3)], "periods")
        equal(world.gateway.stop(), 0, "exit status")
        world.start()
        world.gateway.json("status")
        equal([t["task"] for t in world.gateway.json("recon", "list")["tasks"]], [t["task"] for t in tasks],
              "tasks after a restart")


def seen_at(world):
    book = sqlite3.connect(f"file:{os.path.join(world.state, 'lanes', 'points', 'book.db')}?mode=ro", uri=True)
    try:
        return book.execute("SELECT seen_at FROM recon_block").fetchone()
    finally:
        book.close()


@test
def a_lane_killed_while_it_generates_goes_on_at_the_shard():
    """What has its row is not made again; the lines are those of an undisturbed run."""
    with recon_world(threshold=50, push=False) as world:
        world.start()
        bring(world, "A", accruals.records(3000, members=200))
        undisturbed = lines_of(world, run(world)["task"])
        bring(world, "B", accruals.records(10, prefix="B"), sequence=2)
        task = world.gateway.json("recon", "run", "acme-daily", "--date", DAY, "--again", "--no-wait")["task"]
        for _ in range(4):
            for pid in world.gateway.named("lane"):
                os.kill(pid, signal.SIGKILL)
            wait_until("the lane to answer", lambda: world.gateway.json("status")["lanes"][0].get("running"),
                       log=world.gateway.log_tail)
        wait_until("the task to be done", lambda: world.gateway.json("recon", "show", task)["state"] == "done",
                   log=world.gateway.log_tail)
        lines = lines_of(world, task)
        equal((len(lines), lines[:3000]), (3010, undisturbed), "the lines after kills")
        folder = os.path.join(world.state, "lanes", "points", "recon", task)
        assert not [n for n in os.listdir(folder) if n.endswith(".part")
                    or n == "extract"], "something temporary is left"


@test
def a_push_that_was_cut_is_taken_up_and_nothing_of_the_requesters_is_overwritten():
    """A file of another's under a shard's name stops the push with a clear problem; removed, the push goes on."""
    with recon_world(threshold=10) as world:
        foreign = os.path.join(world.recon_folder, "points_2024-11-20_0002.csv")
        with open(foreign, "w") as file:
            file.write("somebody else's")
        world.start()
        bring(world, "A", accruals.records(35))
        task = run(world)["task"]
        wait_until("the problem",
                   lambda: "other content" in world.gateway.json("recon", "show", task).get("problem", ""),
                   log=world.gateway.log_tail)
        manifest = os.path.join(world.recon_folder, "points_2024-11-20.manifest.json")
        assert not os.path.exists(manifest), "the manifest came before its shards"
        equal([(t["task"], t["push"]) for t in world.gateway.json("status")["lanes"][0]["reconciliation"]],
              [(task, "outstanding")], "outstanding")
        has(world.gateway.ok("status").out, "version 1 is to be pushed", "status")
        with open(foreign) as file:
            equal(file.read(), "somebody else's", "the other's file")
        os.unlink(foreign)
        wait_pushed(world)
        manifest, lines = read_set(world)
        equal(len(lines), 35, "records")


@test
def a_push_that_is_sent_to_another_folder_half_way_brings_everything_there():
    with recon_world(threshold=10) as world:
        with open(os.path.join(world.recon_folder, "points_2024-11-20_0003.csv"), "w") as file:
            file.write("somebody else's")
        world.start()
        bring(world, "A", accruals.records(35))
        task = run(world)["task"]
        wait_until("the push to be stopped",
                   lambda: "other content" in world.gateway.json("recon", "show", task).get("problem", ""),
                   log=world.gateway.log_tail)
        world.gateway.stop()
        world.recon_folder = os.path.join(world.partner.root, "elsewhere")
        os.makedirs(world.recon_folder)
        world.configuration.lane_settings['reconcile "acme-daily"']["push"]["path"] = "elsewhere"
        world.start()
        wait_pushed(world)
        equal(len(read_set(world)[1]), 35, "records")


@test
def what_is_one_requesters_goes_to_no_other_when_the_block_changes_hands():
    with recon_world(threshold=10) as world:
        with open(os.path.join(world.recon_folder, "points_2024-11-20_0002.csv"), "w") as file:
            file.write("somebody else's")
        world.start()
        bring(world, "A", accruals.records(35))
        task = run(world)["task"]
        wait_until("the push to be stopped",
                   lambda: "other content" in world.gateway.json("recon", "show", task).get("problem", ""),
                   log=world.gateway.log_tail)
        world.gateway.stop()
        other = os.path.join(world.folder, "other")
        os.makedirs(os.path.join(other, "recon"))
        world.configuration.extra += "\n".join(block('partner "other-bank"',
                                                     {"openpgp": world.configuration.openpgp,
                                                      'endpoint "main"': {"url": "file://" + other}}))
        world.configuration.lane_settings['reconcile "acme-daily"']["requester"] = "other-bank"
        world.start()
        theirs = run(world, day="2024-11-21")["task"]
        wait_until("the other's own task to be pushed", lambda: world.gateway.json("recon", "show", theirs).get("push")
                   == "pushed", log=world.gateway.log_tail)
        equal([n for n in os.listdir(os.path.join(other, "recon")) if "2024-11-20" in n], [],
              "files of the requester before")


@test
def files_of_a_version_go_when_its_days_are_over_and_its_rows_stay():
    with recon_world(**{"keep-days": 1}) as world:
        world.start()
        bring(world, "A", accruals.records(5))
        task = run(world)["task"]
        wait_pushed(world)
        equal(world.gateway.stop(), 0, "exit status")
        with sqlite3.connect(os.path.join(world.state, "lanes", "points", "book.db")) as book:
            book.execute("UPDATE recon_task SET done_at = done_at - 2 * 86400 * 1000000")
        book.close()
        world.start()
        wait_until("the files to be gone", lambda: world.gateway.json("recon", "show", task).get("removed_at"),
                   log=world.gateway.log_tail)
        assert not os.path.exists(os.path.join(world.state, "lanes", "points", "recon", task)), "the folder is there"
        equal(world.gateway.json("recon", "show", task)["records"], 5, "records")


@test
def a_query_of_a_real_postgresql_server_can_be_reconciled():
    """Types, nulls and a declared scale; a transaction that cannot write; a wrong query fails the task and says why. By
    its ODBC driver, with the same outcome."""
    with Postgresql() as server, recon_world(push=False, name="claims", threshold=2) as world:
        server.run("CREATE TABLE claim (id bigint PRIMARY KEY, who text, paid numeric(12,2), day date, small "
                   "smallint);"
                   f"INSERT INTO claim VALUES (3, '王', 0.05, '{DAY}', 1), (1, NULL, -12.30, '{DAY}', NULL), (2, 'a,b', "
                   f"100, '{DAY}', 7), (9, 'x', 1, '2024-11-21', 1);"
                   "CREATE FUNCTION write_something() RETURNS bigint LANGUAGE sql AS 'INSERT INTO claim VALUES (77) "
                   "RETURNING id';")
        read = {"from": "postgresql", "path": server.connection,
                "query": "SELECT id, who, paid, small, day FROM claim WHERE day = $1::date ORDER BY id",
                "columns": ["id", "who", "paid", "small", "day"], "amount": "paid"}
        settings = world.configuration.lane_settings
        settings['reconcile "claims"']["read"] = read
        settings['reconcile "writer"'] = {"requester": "acme-bank", "type": "writer", "threshold": 2,
                                          "read": {**read, "query": "SELECT write_something() AS id, $1 AS who",
                                                   "columns": ["id"], "amount": None}}
        by_odbc = {**read, "from": "odbc", "path": server.odbc, "query": read["query"].replace("$1::", "?::")}
        settings['reconcile "by-odbc"'] = {"requester": "acme-bank", "type": "odbc", "threshold": 2, "read": by_odbc}
        settings['reconcile "odbc-writer"'] = {
            "requester": "acme-bank", "type": "odbc-writer", "threshold": 2,
            "read": {**by_odbc, "query": "SELECT write_something() AS id, ? AS who", "columns": ["id"], "amount": None}}
        world.start()
        for name in ("claims", "by-odbc"):
            task = run(world, name=name)
            equal((task["total"], task["shards"]), ("87.75", 2), f"the task of {name}")
            equal(lines_of(world, task["task"]),
                  [f"1,,-12.30,,{DAY}", f'2,"a,b",100.00,7,{DAY}', f"3,王,0.05,1,{DAY}"], f"the lines of {name}")
        for name in ("writer", "odbc-writer"):
            refused = world.gateway.run("recon", "run", name, "--date", DAY)
            equal(refused.status, 1, "exit status")
            has(refused.out, "read-only transaction", f"the failure of {name}")
