"""Rates of a partner: loads of a reference table, as text, and a feed that takes them."""
from packers import OtherFeed


SETTINGS = {"name": "rates", "key": ["product", "zone"], "valid": ["from", "until"], "until": "inclusive-day",
            "kind": "kind", "sequence": "sequence", "operation": "operation"}


def layout():
    field = lambda **settings: settings  # noqa: E731
    return {"type": "delimited", "delimiter": "|",
            'header "H"': {'field "kind"': field(type="enumeration", values=["full", "delta"]),
                           'field "sequence"': field(type="integer")},
            'record "D"': {'field "product"': field(), 'field "zone"': field(),
                           'field "rate"': field(type="decimal", scale=4),
                           'field "from"': field(type="date"), 'field "until"': field(type="date", optional=True),
                           'field "operation"': field(type="enumeration", values=["put", "remove"], optional=True)},
            'trailer "T"': {'field "count"': field(type="integer", control="count")}}


def rate(product, price, since="2026-01-01", until="", *, zone="home", operation=""):
    return "|".join(["D", product, zone, price, since, until, operation])


def text(kind, sequence, rates):
    return "\n".join([f"H|{kind}|{sequence}", *rates, f"T|{len(rates)}"]) + "\n"


def feed(world, name="rates-sync", /, **settings):
    world.configuration.layouts["rates"] = layout()
    made = OtherFeed(world, name, match="RATES_*.pgp", process=("reference", {**SETTINGS, **settings}))
    for setting in ("key", "business-date"):
        made.settings.pop(setting)
    made.settings.update({"layout": "rates", "on-reject": "file"})
    made.rules = {}
    return made
