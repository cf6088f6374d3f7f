"""process rating: each record of usage is rated once; what is told of it, and what is kept."""
import rates
import usage
from harness import equal, has, test, wait_until
from packers import finish, opened
from world import World


class Music:
    """A world with a feed of rates and some of usage."""

    def __init__(self, world, feeds=1, loaded=(("P1", "0.2500"), ("P2", "1.0000")), **settings):
        self.world, self.rates = world, rates.feed(world)
        self.usage = [usage.feed(world, f"usage-{i}") for i in range(feeds)]
        world.configuration.lanes = {"points": [self.rates, *self.usage]}
        world.configuration.lane_settings['rating "music"'] = usage.rating(**settings)
        world.start()
        self.loads = 0
        if loaded:
            self.load(loaded)

    def load(self, prices):
        self.loads += 1
        name = f"RATES_{self.loads}"
        self.rates.drop(name + ".pgp", self.world.partner.seal(rates.text("full", self.loads, [
            rates.rate(product, price, "2026-01-01") for product, price in prices])))
        equal(opened(self.world, self.rates, name + "_FB.dat.pgp").verdict, "ACCEPTED", "the rates")

    def rate(self, name, *records, feed=0):
        """What is told of each record."""
        self.usage[feed].drop(f"USAGE_{name}.pgp", self.world.partner.seal(usage.text(*records)))
        answer = opened(self.world, self.usage[feed], f"USAGE_{name}_FB.dat.pgp")
        return [(result, code) for _, result, code in answer.results]

    def explain(self, *key):
        return self.world.gateway.json("rating", "explain", *key)

    def amounts(self, *keys):
        return [self.explain(key).get("amount") for key in keys]


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
                         usage.record("S1", account="A2"), usage.record("S8"), feed=1),
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
    tiers = {"kind": "graduated", "table": "tiers", "key": ["product_code"], "up-to": "up_to", "rate": "price"}
    with World(local=True) as world:
        layout = {"type": "delimited", "delimiter": "|",
                  'record "D"': {'field "plan"': {}, 'field "up_to"': {"type": "integer"},
                                 'field "price"': {"type": "decimal", "scale": 2}},
                  'trailer "T"': {'field "count"': {"type": "integer", "control": "count"}}}
        music = Music.__new__(Music)
        music.world, music.rates, music.loads = world, rates.feed(world, "tiers-sync"), 0
        music.usage = [usage.feed(world, "usage-0")]
        world.configuration.layouts["tiers"] = layout
        music.rates.settings["layout"] = "tiers"
        music.rates.process = ("reference", {"name": "tiers", "key": ["plan", "up_to"]})
        rating = usage.rating(tiers=tiers, key=["serial", "started"], quantity={"value": "seconds"})
        for unused in ('lookup "rate"', 'step "minutes"', 'step "member"'):
            rating.pop(unused)
        world.configuration.lanes = {"points": [music.rates, *music.usage]}
        world.configuration.lane_settings['rating "music"'] = rating
        world.start()
        music.rates.drop("RATES_1.pgp", world.partner.seal(
            "D|P1|10000|1.40\nD|P1|50000|1.32\nD|P1|9999999|1.25\nT|3\n"))
        opened(world, music.rates, "RATES_1_FB.dat.pgp")
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


@test
def what_was_suspended_is_priced_when_its_rate_has_come():
    with World(local=True) as world:
        music = Music(world, loaded=None)
        equal(music.rate("one", *[usage.record(f"S{i}", account=f"A{i % 9}") for i in range(1200)],
                         usage.record("Q1", product="P9"), usage.record("S7", account="A7")),
              [("OK", "B010")] * 1201 + [("DUPLICATE", "K001")], "before anything is loaded")
        music.load([("P1", "0.2500")])
        wait_until("the prices", lambda: "1200 rated over 396.00, 1 suspended" in world.gateway.run("verify").out,
                   log=world.gateway.log_tail)
        told = music.explain("S7")
        equal([told[name] for name in ("status", "amount", "line")], ["rated", "0.33", 8], "S7")
        equal(music.explain("Q1")["status"], "suspended", "what has no rate yet")
        equal(music.rate("two", usage.record("S7", account="A7"), usage.record("S7", 79, account="A7")),
              [("DUPLICATE", "K003"), ("REJECTED", "K004")], "sent again")
        world.gateway.kill()
        world.gateway.start()
        music.load([("P1", "0.2500"), ("P9", "1.0000")])
        wait_until("the last one", lambda: music.explain("Q1")["status"] == "rated", log=world.gateway.log_tail)
        finish(world)


@test
def what_is_older_than_the_horizon_is_not_called_new():
    with World(local=True) as world:
        music = Music(world, horizon="93d")
        equal(music.rate("one", usage.record("S1", at="2026-01-01T00:00:00Z")), [("REJECTED", "B007")], "an old one")
        equal(world.gateway.run("rating", "explain", "S1").status, 4, "S1")
        finish(world)
