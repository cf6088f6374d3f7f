"""Usage of a music service, as text, its rating, and a feed that takes it."""
import rates
from harness import equal
from packers import OtherFeed, opened


def layout():
    field = lambda **settings: settings  # noqa: E731
    return {"type": "delimited", "delimiter": "|",
            'record "D"': {'field "serial"': field(), 'field "msisdn"': field(mask=True),
                           'field "started"': field(type="timestamp"), 'field "seconds"': field(type="integer"),
                           'field "product_code"': field(), 'field "zone_code"': field(),
                           'field "tier"': field(optional=True)},
            'trailer "T"': {'field "count"': field(type="integer", control="count")}}


def rating(**settings):
    """By the minute, in steps of 6 s behind the first 30; members pay 95 %."""
    return {"layout": "usage", "account": "msisdn", "event-time": "started", "key": ["serial"], "scale": 6,
            "quantity": {"value": "seconds", "increment": 6, "first": 30},
            'lookup "rate"': {"table": "rates", "key": ["product_code", "zone_code"]},
            'step "minutes"': {"amount": "price(quantity, rate, 60)"},
            'step "member"': {"when": "tier IS NOT NULL", "amount": "portion(amount, 95, 100)"},
            "round": {"mode": "half-up", "scale": 2}, **settings}


def record(serial, seconds=78, *, account="A1", at="2026-06-01T10:00:00Z", product="P1", tier=""):
    return f"D|{serial}|{account}|{at}|{seconds}|{product}|home|{tier}"


def text(*records):
    return "".join(f"{line}\n" for line in [*records, f"T|{len(records)}"])


def feed(world, name="music-usage", **settings):
    world.configuration.layouts["usage"] = layout()
    made = OtherFeed(world, name, match="USAGE_*.pgp", process=("rating", {"name": "music", **settings}))
    for setting in ("key", "business-date"):
        made.settings.pop(setting)
    made.settings.update({"layout": "usage", "on-reject": "record"})
    made.rules = {}
    return made


class Music:
    """A world with a feed of rates and some of usage."""

    def __init__(self, world, feeds=1, loaded=(("P1", "0.2500"), ("P2", "1.0000")), reference=None, **settings):
        self.world, self.rates = world, rates.feed(world, **(reference or {}))
        self.usage = [feed(world, f"usage-{i}") for i in range(feeds)]
        world.configuration.lanes = {"points": [self.rates, *self.usage]}
        world.configuration.lane_settings['rating "music"'] = rating(**settings)
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

    def rate(self, name, *records, of=0):
        """What is told of each record."""
        self.usage[of].drop(f"USAGE_{name}.pgp", self.world.partner.seal(text(*records)))
        answer = opened(self.world, self.usage[of], f"USAGE_{name}_FB.dat.pgp")
        return [(result, code) for _, result, code in answer.results]

    def explain(self, *key):
        return self.world.gateway.json("rating", "explain", *key)

    def amounts(self, *keys):
        return [self.explain(key).get("amount") for key in keys]


def tiered(world, settings, bounds=(1000, 5000)):
    """Prices by tiers of the month, over accounts whose records stand among each other."""
    music = Music.__new__(Music)
    music.world, music.usage, music.loads = world, [feed(world, "usage-0")], 0
    music.rates = rates.feed(world, "tiers-sync")
    world.configuration.layouts["tiers"] = {
        "type": "delimited", "delimiter": "|",
        'record "D"': {'field "plan"': {}, 'field "up_to"': {"type": "integer"},
                       'field "price"': {"type": "decimal", "scale": 2}},
        'trailer "T"': {'field "count"': {"type": "integer", "control": "count"}}}
    music.rates.settings["layout"] = "tiers"
    music.rates.process = ("reference", {"name": "tiers", "key": ["plan", "up_to"]})
    settings = rating(**settings, quantity={"value": "seconds"}, tiers={
        "kind": "graduated", "table": "tiers", "key": ["product_code"], "up-to": "up_to", "rate": "price"})
    for unused in ('lookup "rate"', 'step "minutes"', 'step "member"'):
        settings.pop(unused)
    world.configuration.lanes = {"points": [music.rates, *music.usage]}
    world.configuration.lane_settings['rating "music"'] = settings
    world.start()
    music.rates.drop("RATES_1.pgp", world.partner.seal(
        f"D|P1|{bounds[0]}|1.40\nD|P1|{bounds[1]}|1.32\nD|P1|9999999|1.25\nT|3\n"))
    opened(world, music.rates, "RATES_1_FB.dat.pgp")
    return music
