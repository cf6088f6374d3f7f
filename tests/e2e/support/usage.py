"""Usage of a music service, as text, its rating, and a feed that takes it."""
from packers import OtherFeed


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
