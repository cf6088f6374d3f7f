"""process rating: each record of usage is rated once; what is told of it, and what is kept."""
import os
import signal
from decimal import Decimal

import rates
import usage
from harness import equal, has, test, wait_until
from packers import finish, opened
from usage import Music, tiered
from world import World


@test
def each_record_is_rated_once_and_told_what_became_of_it():
    with World(local=True) as world:
        music = Music(world, feeds=2)
        told = music.rate("one", usage.record("S1"), usage.record("S2", 60, tier="gold"), usage.record("S3", -1),
                          usage.record("S4", product="P9"), usage.record("S1"), usage.record("S1", 79),
                          usage.record("S6", "x"), usage.record("S3", 60),
                          usage.record("S7", at="2099-01-01T00:00:00Z"))
        equal(told, [("OK", ""), ("OK", ""), ("REJECTED", "B005"), ("OK", "B010"), ("DUPLICATE", "K001"),
                     ("REJECTED", "K002"), ("REJECTED", "L012"), ("OK", ""), ("REJECTED", "B008")], "the first file")
        equal(music.rate("two", usage.record("S1"), usage.record("S4", product="P9"), usage.record("S2", 61),
                         usage.record("S1", account="A2"), usage.record("S8"), of=1),
              [("DUPLICATE", "K003"), ("DUPLICATE", "K003"), ("REJECTED", "K004"), ("REJECTED", "K004"), ("OK", "")],
              "the second, of another feed")
        equal(music.amounts("S1", "S2", "S3", "S8"), ["0.33", "0.24", "0.25", "0.33"], "prices")
        first = music.explain("S1")
        equal([(s["step"], s["change"], s["amount"]) for s in first["steps"]],
              [("minutes", "0.325000", "0.325000"), ("rounding", "0.005000", "0.330000")], "the steps")
        table, = first["tables"]
        equal((table["table"], table["version"], [(r["content"], r["taken"]) for r in table["rows"]]),
              ("rates", 1, [('["0.2500"]', True)]), "the table")
        equal((first["quantity"], first["billed"], first["line"], first["admission"]), (78, 78, 1, 1), "S1")
        equal(first["fields"]["msisdn"].strip("*"), "", "a masked field")
        equal([music.explain("S4")[name] for name in ("status", "code")], ["suspended", "B001"], "S4")
        equal(world.gateway.run("rating", "explain", "S7").status, 4, "what is not booked")
        has(world.gateway.ok("rating", "explain", "S1").out, "rounding", "for people")
        has(world.gateway.ok("verify").out, "4 rated over 1.15, 1 suspended", "verify")
        finish(world)


@test
def a_price_is_that_of_the_event_and_stays_explained_when_tables_change():
    with World(local=True) as world:
        music = Music(world)
        music.rate("one", usage.record("S1"))
        music.load([("P1", "0.5000"), ("P2", "1.0000")])
        music.rate("two", usage.record("S2"))
        equal(music.amounts("S1", "S2"), ["0.33", "0.65"], "prices")
        old, new = music.explain("S1"), music.explain("S2")
        equal([(e["tables"][0]["version"], e["tables"][0]["rows"][0]["content"]) for e in (old, new)],
              [(1, '["0.2500"]'), (2, '["0.5000"]')], "the rows of then and now")
        equal(old["rules"], new["rules"], "the rules")
        finish(world)


@test
def counters_go_on_over_files_and_restarts_and_a_key_may_have_several_fields():
    with World(local=True) as world:
        music = tiered(world, {"key": ["serial", "started"]}, bounds=(10000, 50000))
        at = "2026-06-01T10:00:00Z"
        music.rate("one", usage.record("S1", 9990), usage.record("S2", 20), usage.record("S2", 1, account="A2"))
        one, two = music.explain("S1", at), music.explain("S2", at)
        equal((one["amount"], one["counter"], two["amount"], two["counter"]), ("13986.00", 0, "27.20", 9990), "tiers")
        equal([(leg["quantity"], leg["amount"]) for leg in two["tiers"]], [(10, "14.000000"), (10, "13.200000")],
              "legs")
        world.gateway.kill()
        world.gateway.start()
        music.rate("two", usage.record("S3", 39991), usage.record("S4", 5, at="2026-07-01T00:00:00Z"))
        equal([(music.explain("S3", at)[n]) for n in ("counter", "amount")], [10010, "52788.05"], "behind a kill")
        equal(music.explain("S4", "2026-07-01T00:00:00Z")["counter"], 0, "another month")
        finish(world)


def rerated(world, *options, account="A1"):
    """What rerate shows: each change, and the sums."""
    told = world.gateway.json("rating", "rerate", "--dry-run", "--account", account, *options)
    return ([(c["key"], c["before"], c.get("after"), c.get("code")) for c in told["changes"]],
            [told[name] for name in ("records", "changed", "kept", "before", "after", "difference")])


@test
def what_other_tiers_would_change_is_shown_and_changes_nothing():
    with World(local=True) as world:
        music = tiered(world, {}, bounds=(10000, 50000))
        music.rate("one", usage.record("S1", 9990), usage.record("S2", 20), usage.record("X1", 5, account="A2"),
                   usage.record("S3", 39991, at="2026-06-02T10:00:00Z"), usage.record("S4", product="P9"))
        equal(rerated(world), ([], [3, 0, 0, "66801.25", "66801.25", "0.00"]), "as long as nothing has changed")
        music.rates.drop("RATES_2.pgp", world.partner.seal(
            "D|P1|10000|1.50\nD|P1|50000|1.30\nD|P1|9999999|1.25\nT|3\n"))
        opened(world, music.rates, "RATES_2_FB.dat.pgp")
        equal(rerated(world), ([("S1", "13986.00", "14985.00", None), ("S2", "27.20", "28.00", None),
                                ("S3", "52788.05", "51988.25", None)],
                               [3, 3, 0, "66801.25", "67001.25", "200.00"]), "all of them")
        third = ([("S3", "52788.05", "51988.25", None)], [1, 1, 0, "52788.05", "51988.25", "-799.80"])
        equal(rerated(world, "--from", "2026-06-02"), third, "those before stay counted")
        equal(rerated(world, "--to", "2026-06-01", "--limit", "1"),
              ([("S1", "13986.00", "14985.00", None)], [2, 2, 0, "14013.20", "15013.00", "999.80"]), "the first day")
        has(world.gateway.ok("rating", "rerate", "--dry-run", "--account", "A1").out, "200.00", "for people")
        equal(music.amounts("S1", "S2", "S3"), ["13986.00", "27.20", "52788.05"], "what stays")
        finish(world)


@test
def what_was_rated_in_another_layout_keeps_its_price_and_stays_counted():
    with World(local=True) as world:
        music = tiered(world, {}, bounds=(10000, 50000))
        music.rate("one", usage.record("S1", 9990, account="4915"))
        world.gateway.kill()
        fields = world.configuration.layouts["usage"]['record "D"']
        fields['field "msisdn"'] = {"type": "integer"}
        fields['field "note"'] = {"optional": True}
        world.write_configuration()
        world.gateway.ok("move", "feed", "usage-0", "--accept", "--reason", "numbers all of them")
        world.gateway.start()
        equal(music.rate("two", usage.record("S2", 20, account="4915") + "|a note"), [("OK", "")], "the new layout")
        music.rates.drop("RATES_2.pgp", world.partner.seal(
            "D|P1|10000|1.50\nD|P1|50000|1.30\nD|P1|9999999|1.25\nT|3\n"))
        opened(world, music.rates, "RATES_2_FB.dat.pgp")
        equal(rerated(world, account="4915"),
              ([("S1", "13986.00", None, None), ("S2", "27.20", "28.00", None)],
               [2, 1, 1, "14013.20", "14014.00", "0.80"]), "both")
        finish(world)


@test
def what_cannot_be_rated_any_more_is_listed_with_its_code_and_keeps_its_price():
    with World(local=True) as world:
        music = Music(world)
        music.rate("one", usage.record("S1"), usage.record("S2", product="P2"))
        music.load([("P2", "2.0000"), ("P3", "1.0000")])
        equal(rerated(world), ([("S1", "0.33", None, "B001"), ("S2", "1.30", "2.60", None)],
                               [2, 1, 1, "1.63", "2.93", "1.30"]), "without P1")
        for wrong in (["--account", "A1"], ["--dry-run"], ["--dry-run", "--account", "A1", "more"]):
            equal(world.gateway.run("rating", "rerate", *wrong).status, 2, " ".join(wrong))
        equal(world.gateway.run("rating", "rerate", "--dry-run", "--account", "A1", "--from", "June").status, 3, "June")
        finish(world)


@test
def what_was_suspended_is_priced_when_its_rate_has_come():
    with World(local=True) as world:
        music = Music(world, loaded=None)
        equal(music.rate("one", *[usage.record(f"S{i}", account=f"A{i % 9}") for i in range(1200)],
                         usage.record("Q1", product="P9"), usage.record("S7", account="A7")),
              [("OK", "B010")] * 1201 + [("DUPLICATE", "K001")], "before anything is loaded")
        told = world.gateway.json("rating", "suspended", "--limit", "3")
        equal((told["suspended"], told["codes"], len(told["records"])), (1201, {"B001": 1201}, 3), "what waits")
        music.load([("P1", "0.2500")])
        wait_until("the prices", lambda: "1200 rated over 396.00, 1 suspended" in world.gateway.run("verify").out,
                   log=world.gateway.log_tail)
        told = music.explain("S7")
        equal([told[name] for name in ("status", "amount", "line")], ["rated", "0.33", 8], "S7")
        equal(music.explain("Q1")["status"], "suspended", "what has no rate yet")
        world.gateway.ok("rating", "suspended", "--retry")
        equal([(one["key"], one["code"], one["line"]) for one in
               world.gateway.json("rating", "suspended")["records"]], [("Q1", "B001", 1201)], "what still waits")
        has(world.gateway.ok("rating", "suspended").out, "Q1", "for people")
        equal(music.rate("two", usage.record("S7", account="A7"), usage.record("S7", 79, account="A7")),
              [("DUPLICATE", "K003"), ("REJECTED", "K004")], "sent again")
        world.gateway.kill()
        world.gateway.start()
        music.load([("P1", "0.2500"), ("P9", "1.0000")])
        wait_until("the last one", lambda: music.explain("Q1")["status"] == "rated", log=world.gateway.log_tail)
        finish(world)


@test
def what_has_waited_too_long_for_its_rate_is_refused_with_an_alarm_and_may_come_again():
    with World(local=True) as world:
        music = Music(world, **{"suspend-limit": "2s"})
        records = [usage.record(f"S{i}", account=f"A{i % 5}", product="P9") for i in range(40)]
        equal(music.rate("one", *records, usage.record("T1")), [("OK", "B010")] * 40 + [("OK", "")], "the first file")
        wait_until("the alarm", lambda: "rates-missing" in world.gateway.run("alarms").out, log=world.gateway.log_tail)
        wait_until("their end", lambda: "1 rated over 0.33, 0 suspended" in world.gateway.run("verify").out,
                   log=world.gateway.log_tail)
        equal(world.gateway.run("rating", "explain", "S1").status, 4, "S1")
        world.gateway.kill()
        world.gateway.start()
        music.load([("P1", "0.2500"), ("P9", "1.0000")])
        equal(music.rate("two", *records[:2], *records[:1], usage.record("S2")),
              [("OK", ""), ("OK", ""), ("DUPLICATE", "K001"), ("OK", "")], "sent again")
        has(world.gateway.ok("verify").out, "4 rated over", "verify")
        finish(world)


@test
def what_is_older_than_the_horizon_is_not_called_new():
    with World(local=True) as world:
        music = Music(world, horizon="93d")
        equal(music.rate("one", usage.record("S1", at="2026-01-01T00:00:00Z")), [("REJECTED", "B007")], "an old one")
        equal(world.gateway.run("rating", "explain", "S1").status, 4, "S1")
        finish(world)


@test
def of_two_records_with_one_key_that_come_at_once_one_is_rated():
    with World(local=True) as world:
        music = Music(world, feeds=2)
        for i in (0, 1):
            music.usage[i].drop(f"USAGE_{i}.pgp", world.partner.seal(usage.text(
                *[usage.record(f"S{n}", account=f"A{i}-{n % 50}") for n in range(3000)])))
        told = [[(result, code) for _, result, code in opened(world, music.usage[i], f"USAGE_{i}_FB.dat.pgp").results]
                for i in (0, 1)]
        equal({tuple(sorted(pair)) for pair in zip(*told)}, {(("OK", ""), ("REJECTED", "K004"))}, "of each key")
        has(world.gateway.ok("verify").out, "3000 rated over 990.00, 0 suspended", "verify")
        finish(world)


def refused_and_sent_again(music):
    """A refused record does not have its key: the next one with it stands in its own place among its account's, which
    may be another shard's. Nor does it count: what comes behind it is not refused for it."""
    beyond = 20 * 10**6
    told = music.rate("three", usage.record("K1", -1, account="N"), usage.record("K1", 10, account="N"),
                      usage.record("L1", 20, account="N"), usage.record("K1", 10, account="N"),
                      usage.record("K1", 11, account="N"), usage.record("L2", beyond, account="N"),
                      usage.record("L3", 30, account="N"),
                      *[usage.record(f"M{i}", -1, account=f"B{i % 5}") for i in range(600)],
                      *[usage.record(f"M{i}", 1 + i % 7, account=f"B{i % 7}") for i in range(600)],
                      *[usage.record(f"M{i}", 1 + i % 7, account=f"B{i % 7}") for i in range(600)])
    equal(told, [("REJECTED", "B005"), ("OK", ""), ("OK", ""), ("DUPLICATE", "K001"), ("REJECTED", "K002"),
                 ("REJECTED", "B006"), ("OK", "")] + [("REJECTED", "B005")] * 600 + [("OK", "")] * 600 +
          [("DUPLICATE", "K001")] * 600, "what is sent again")
    counters = [music.explain(key)["counter"] for key in ("K1", "L1", "L3", "M0", "M7", "M8", "M599")]
    equal(counters, [0, 10, 30, 0, 1, 2, 85 * (1 + 599 % 7)], "the counters before each")
    return counters


@test
def the_same_files_cost_the_same_with_any_number_of_threads():
    told = []
    for threads, shards in ((1, 1), (4, 4)):
        with World(local=True) as world:
            world.configuration.lane_settings["threads"] = threads
            music = tiered(world, {"shards": shards})
            for name in ("one", "two"):
                music.rate(name, *[usage.record(f"{name}-{i}", 7 + i % 91, account=f"A{i * i % 13}")
                                   for i in range(2600)])
            told.append([[music.explain(f"{name}-{i}")[word] for word in ("amount", "counter", "admission", "line")]
                         for name in ("one", "two") for i in range(0, 2600, 500)])
            told[-1].append(refused_and_sent_again(music))
            changes, sums = rerated(world)
            equal((changes, sums[1:3], sums[5]), ([], [0, 0], "0.00"), "rated anew by what has not changed")
            told[-1].append(world.gateway.ok("verify").out.split("add up; ")[1].split("\n")[0])
            finish(world)
    equal(told[1], told[0], "with four threads, and with one")


@test
def amounts_whose_sum_leaves_64_bits_are_rated_each_and_what_leaves_them_itself_is_refused():
    with World(local=True) as world:
        music = Music(world, loaded=(("P1", "0.2500"), ("P2", "99999999999.0000")))
        seconds, count = 53 * 10**6 - 2, 200
        told = music.rate("one", *[usage.record(f"S{i}", seconds, product="P2") for i in range(count)],
                          usage.record("T1", 2**63 - 1), usage.record("T2", -2**63),
                          usage.record("T3", 2**63 // 1000, product="P2"))
        equal(told, [("OK", "")] * count + [("REJECTED", "B006"), ("REJECTED", "B005"), ("REJECTED", "B006")], "each")
        one = Decimal(seconds + (30 - seconds) % 6) * 99999999999 / 60
        equal(music.amounts("S0", "S199"), [f"{one:.2f}"] * 2, "prices")
        has(world.gateway.ok("verify").out, f"{count} rated over {one * count:.2f}, 0 suspended", "verify")
        finish(world)


@test
def a_rating_of_another_meaning_than_its_details_is_refused_and_the_same_one_is_accepted():
    with World(local=True) as world:
        music = tiered(world, {"shards": 2})
        music.rate("one", *[usage.record(f"S{i}", account=f"A{i}") for i in range(4)])
        world.gateway.kill()
        right = world.configuration.lane_settings['rating "music"']
        for change, words in (
                ({"shards": 3}, "has 2 shards, and the configuration says 3"),
                ({"key": ["serial", "started"]}, "its key was serial, and is serial, started"),
                ({"account": "product_code"}, "its account was msisdn, and is product_code"),
                ({"tiers": {**right["tiers"], "counter": "day"}}, "its counter was month, and is day"),
                ({"round": {"mode": "half-up", "scale": 4}}, "has amounts with 2 decimals, and its round says 4")):
            world.configuration.lane_settings['rating "music"'] = {**right, **change}
            world.write_configuration()
            refused = world.gateway.run("check")
            equal(refused.status, 3, words)
            has(refused.err + refused.out, words, "the check")
        world.configuration.lane_settings['rating "music"'] = {**right, **change}
        world.write_configuration()
        equal(world.gateway.run("move", "feed", "usage-0", "--accept").status, 7, "a scale that is accepted")
        world.configuration.lane_settings['rating "music"'] = {**right, "tiers": {**right["tiers"], "counter": "day"}}
        world.write_configuration()
        world.gateway.ok("move", "feed", "usage-0", "--accept", "--reason", "a new contract")
        world.gateway.start()
        equal(music.rate("two", usage.record("S1", account="A1"), usage.record("S9", account="A1")),
              [("DUPLICATE", "K003"), ("OK", "")], "what goes on")
        equal(music.explain("S9")["counter"], 0, "the day's counter")
        finish(world)


@test
def of_four_businesses_one_is_killed_and_the_others_do_not_notice():
    with World(local=True) as world:
        feeds = {f"business-{i}": [rates.feed(world, f"rates-{i}"), usage.feed(world, f"usage-{i}")] for i in range(4)}
        world.configuration.lanes = feeds
        world.configuration.lane_settings['rating "music"'] = usage.rating()
        world.start()
        for table, _ in feeds.values():
            table.drop("RATES_1.pgp", world.partner.seal(rates.text("full", 1, [rates.rate("P1", "0.2500")])))
            opened(world, table, "RATES_1_FB.dat.pgp")
        before = set(world.gateway.named("lane"))
        sealed = world.partner.seal(usage.text(*[usage.record(f"S{n}", account=f"A{n % 50}") for n in range(4000)]))
        for _, feed in feeds.values():
            feed.drop("USAGE_1.pgp", sealed)
        killed = sorted(before)[2]
        os.kill(killed, signal.SIGKILL)
        for _, feed in feeds.values():
            equal(opened(world, feed, "USAGE_1_FB.dat.pgp").accepted, 4000, feed.name)
        after = set(world.gateway.named("lane"))
        equal((before - after, len(after)), ({killed}, 4), "who was started again")
        equal(world.gateway.ok("verify").out.count("4000 rated over 1320.00"), 4, "what is rated")
        finish(world)
