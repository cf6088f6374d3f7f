"""Values come back as they came, are found by either spelling, and are told apart by the form that the layout names;
and an answer that explains itself."""
import os

from configuration import Feed
from harness import equal, has, test
from world import World


def f(**settings):
    return settings


def world_of(record, **feedback):
    world = World()
    feed = Feed()
    feed.settings.update({"layout": "other", "business-date": None})
    feed.rules, feed.batch = {}, None
    feed.feedback.update(feedback)
    world.configuration.layouts = {"other": {"type": "delimited", "delimiter": "|", 'record "D"': record,
                                             'trailer "T"': {'field "count"': f(type="integer", control="count")}}}
    world.configuration.lanes = {"points": [feed]}
    return world, feed


def try_text(world, feed, text, *words, name="local"):
    local = os.path.join(world.folder, name)
    with open(local, "wb") as file:
        file.write(world.partner.seal(text.encode()))
    return world.gateway.run("try", feed.name, local, *words)


@test(quick=True)
def a_number_comes_back_as_it_came_and_is_found_by_either_spelling():
    world, feed = world_of({'field "member"': f(type="integer"), 'field "reference"': f(type="integer"),
                            'field "points"': f(type="decimal", scale=2)},
                           columns=["reference", "member", "points"], explain=["line", "field", "reason"])
    with world:
        world.start()
        text = b"D|007|000123|1.5\nD|8|124|2.00\nD|8|0124|3\nD|8|x|1\nT|4\n"
        world.drop("POINTS_a.dat.pgp", text)
        equal(world.raw_answer("POINTS_a.dat.pgp").decode(),
              "H|POINTS_a.dat.pgp|ACCEPTED||\nD|000123|007|1.5|OK||1||\nD|124|8|2.00|OK||2||\n"
              "D|0124|8|3|REJECTED|K002|3|reference|this key stands in this file before with another account or "
              "amount, in line 2\nD||||REJECTED|L012|4|reference|reference: not an integer: 'x'\nT|4|2|2|0|3.50\n",
              "the answer")
        gateway = world.gateway
        for key in ("000123", "123"):
            has(gateway.ok("trace", key).out, "POINTS_a.dat.pgp", f"trace {key}")
            equal(len(gateway.json("entries", "--key", key)["entries"]), 1, f"entries --key {key}")
        for account in ("007", "7"):
            equal(gateway.json("balance", account)["balance"], "1.50", f"balance {account}")
            equal(len(gateway.json("entries", "--account", account)["entries"]), 1, f"entries --account {account}")
        # the ledger exists now: what was posted is told by number, whatever its spelling
        gateway.wait_state("POINTS_a.dat.pgp", "closed")
        world.drop("POINTS_b.dat.pgp", b"D|7|123|1.50\nD|7|0125|1\nT|2\n")
        equal(world.raw_answer("POINTS_b.dat.pgp").decode(),
              "H|POINTS_b.dat.pgp|ACCEPTED||\nD|123|7|1.50|DUPLICATE|K003|1|reference|this record was posted before\n"
              "D|0125|7|1|OK||2||\nT|2|1|0|1|1.00\n", "the second answer")
        tried = try_text(world, feed, "D|7|0123|1.5\nD|8|124|9\nD|9|200|9\nT|3\n", "--json").json()
        equal([row["code"] for row in tried["refused"]], ["K003", "K004"], "try")


@test
def keys_are_told_apart_by_the_form_that_the_layout_names():
    world, _ = world_of({'field "member"': f(**{"normal-form": ["trim", "case"]}),
                         'field "reference"': f(**{"normal-form": ["trim", "width", "case"]}),
                         'field "points"': f(type="integer")})
    with world:
        world.start()
        world.drop("POINTS_a.dat.pgp", "D|m1 |ab-1\t|5\nD|M1|AB-2|5\nT|2\n".encode())
        equal(world.raw_answer("POINTS_a.dat.pgp").decode(),
              "H|POINTS_a.dat.pgp|ACCEPTED||\nD|ab-1\t|OK|\nD|AB-2|OK|\nT|2|2|0|0|10\n", "as they came")
        world.drop("POINTS_b.dat.pgp", "D|M1|ＡＢ－１|5\nD|M1|ab-2|5\nT|2\n".encode())
        equal(world.raw_answer("POINTS_b.dat.pgp").decode(),
              "H|POINTS_b.dat.pgp|ACCEPTED||\nD|ＡＢ－１|DUPLICATE|K003\nD|ab-2|DUPLICATE|K003\nT|2|0|0|2|0\n",
              "the same bills")
        equal(world.gateway.json("balance", "m1")["balance"], "10", "one account")
        has(world.gateway.ok("trace", "ab-1").out, "POINTS_a.dat.pgp", "trace by another spelling")
        world.configuration.layouts["other"]['record "D"']['field "reference"'] = {}
        world.write_configuration()
        checked = world.gateway.run("check")
        equal(checked.status, 3, "check")
        has(checked.out, "key's type was text trim width case, and is text", "check")


@test
def keys_that_look_alike_are_told():
    world, feed = world_of({'field "member"': f(), 'field "reference"': f(), 'field "points"': f(type="integer")})
    with world:
        world.start()
        world.drop("POINTS_a.dat.pgp", "D|M1|R1|5\nD|M1|R2|5\nD|M1|r1 |5\nT|3\n".encode())
        equal(world.raw_answer("POINTS_a.dat.pgp").decode().splitlines()[-1], "T|3|3|0|0|15", "they are two keys")
        said = "1 keys differ from another one of this file by blanks, width or case alone, first in lines 1 and 3"
        has(world.gateway.log(), "look-alike-keys", "the log")
        has(world.gateway.ok("check").out, 'are three keys; normal-form of field "reference" makes them one', "check")
        has(world.gateway.ok("show", "POINTS_a.dat.pgp").out, said, "show")
        has(try_text(world, feed, "D|M1|R7\t|5\nT|1\n").out, "keys have blanks outside", "try")


@test
def try_tells_what_the_files_number_is_worth():
    world, feed = world_of({'field "member"': f(), 'field "reference"': f(), 'field "points"': f(type="integer")})
    with world:
        feed.settings["sequence"] = {"name": "POINTS_{sequence}.dat.pgp", "on-gap": "hold"}
        world.start()
        world.drop("POINTS_7.dat.pgp", b"D|M1|R1|5\nT|1\n")
        world.raw_answer("POINTS_7.dat.pgp")
        text = "D|M1|R2|5\nT|1\n"
        tried = try_text(world, feed, text, name="POINTS_8.dat.pgp")
        equal(tried.status, 0, "the next one")
        has(tried.out, "8 is the next one", "the next one")
        gap = try_text(world, feed, text, "--json", name="POINTS_10.dat.pgp")
        equal((gap.status != 0, gap.json()["sequence"]["code"], gap.json()["sequence"]["then"]), (True, "S002", "hold"),
              "a gap")
        has(try_text(world, feed, text, name="POINTS_10.dat.pgp").out, "would be held: S002", "a gap, in words")
        reused = try_text(world, feed, text, "--json", name="POINTS_7.dat.pgp").json()["sequence"]
        equal(reused["verdict"], "reused", "one that was used")


def keyed(shop, **settings):
    world, feed = world_of({'field "member"': f(), 'field "shop"': f(**shop), 'field "number"': f(type="integer"),
                            'field "points"': f(type="integer")})
    feed.settings.update({"key": ["shop", "number"], **settings})
    return world, feed


@test
def a_key_of_two_fields_is_credited_once_and_stays_what_it_is():
    world, feed = keyed({"normal-form": ["trim", "case"], "strip-prefix": "SH-"})
    world.configuration.lane_settings['reconcile "all"'] = {
        "requester": "acme-bank", "type": "points", "threshold": 1000, "quote": False, "read": {
            "from": "ledger", "ledger": feed.ledger["name"], "columns": ["key", "account", "amount"]}}
    with world:
        world.start()
        has(world.gateway.ok("check").out, 'told apart by "shop", "number" together, for ever, over all files', "check")
        world.drop("POINTS_a.dat.pgp", b"D|M1|s1|1|5\nD|M1|s2|1|5\nD|M1|SH-S1 |001|5\nT|3\n")
        equal(world.raw_answer("POINTS_a.dat.pgp").decode(),
              "H|POINTS_a.dat.pgp|ACCEPTED||\nD|s1|1|OK|\nD|s2|1|OK|\nD|SH-S1 |001|DUPLICATE|K001\nT|3|2|0|1|10\n",
              "each field as it came")
        world.drop("POINTS_b.dat.pgp", b"D|M1|SH-s2|1|5\nD|M1|s2|2|5\nT|2\n")
        equal(world.raw_answer("POINTS_b.dat.pgp").decode(),
              "H|POINTS_b.dat.pgp|ACCEPTED||\nD|SH-s2|1|DUPLICATE|K003\nD|s2|2|OK|\nT|2|1|0|1|5\n", "over files")
        for key in ("S2/2", "s2/2", " SH-s2 /002"):
            has(world.gateway.ok("trace", "--key", key).out, "POINTS_b.dat.pgp", f"trace {key}")
        for key in ("S2", "S2/2/2", "S2\\/2", "SH-SH-S2/2"):
            equal(world.gateway.run("trace", "--key", key).status, 4, f"trace {key}")
        day = world.gateway.wait_state("POINTS_b.dat.pgp", "closed")["business_date"]
        for name, text, words in (("ours", "key,account,amount\ns1 /1,M1,5\nS2/01,M1,5\ns2/2,M1,5\n", ()),
                                  ("own", "D|M1|SH-s1|1|5\nD|M1|s2|01|5\nD|M1|S2|2|5\nT|3\n",
                                   ("--layout", feed.settings["layout"]))):
            path = os.path.join(world.folder, name)
            with open(path, "w") as file:
                file.write(text)
            told = world.gateway.run("recon", "compare", "all", "--date", day, "--theirs", path, *words, "--json")
            equal((name, told.status, told.json()["matched"]), (name, 0, 3), told.out + told.err)
        for settings, said in (({"key-scope": "file"}, "is text trim case without SH-, integer, file"),
                               ({"key-scope": None, "key": ["number", "shop"]}, "its key was shop+number")):
            feed.settings.update(settings)
            world.write_configuration()
            checked = world.gateway.run("check")
            equal(checked.status, 3, "check")
            has(checked.out, said, "check")


@test
def a_key_within_its_file_is_credited_again_in_another_one():
    world, feed = keyed({}, **{"key-scope": "file"})
    with world:
        world.start()
        for name in ("POINTS_a.dat.pgp", "POINTS_b.dat.pgp"):
            world.drop(name, f"D|M1|S1|1|5\nD|M1|S1|1|5\nD|{name}|S1|2|1\nT|3\n".encode())
            equal(world.raw_answer(name).decode().splitlines()[-1], "T|3|2|0|1|6", "once in each file")
        equal(world.gateway.json("balance", "M1")["balance"], "10", "both")
        has(try_text(world, feed, "D|M1|S1|1|5\nT|1\n").out, "1 accepted, 0 rejected, 0 duplicates", "try")
