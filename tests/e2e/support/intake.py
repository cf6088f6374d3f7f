"""Usage that comes over HTTP: who sends it, with curl, and what is answered."""
import json

import usage
from reconciliation import Requests

FIELDS = ("serial", "msisdn", "started", "seconds", "product_code", "zone_code", "tier")


def event(serial, seconds=78, **settings):
    """As a record of a file, but by its fields' names; an empty one is left out."""
    values = usage.record(serial, seconds, **settings).split("|")[1:]
    return {name: value for name, value in zip(FIELDS, values) if value}


def csv(*events):
    rows = [",".join(FIELDS), *[",".join(one.get(name, "") for name in FIELDS) for one in events]]
    return "".join(f"{row}\r\n" for row in rows)


class Sender(Requests):
    """A partner of a world with a rating, and the front in between."""

    def __init__(self, world, **intake):
        super().__init__(world)
        self.front["metrics-token-sha256"] = self.access["token-sha256"][0]
        world.configuration.partner_settings["access"] = self.access
        world.configuration.extra = "front {\n" + "\n".join(
            f'  {name} = "{value}"' for name, value in self.front.items()) + "\n}\n" + world.configuration.extra
        self.intake = {"partners": ["acme-bank"], **intake}

    def send(self, key, body, *words, form="application/json", path="/v1/rating/music/batches", **options):
        """`body`: a list of events, or what stands for it."""
        text = body if isinstance(body, str) else csv(*body) if form == "text/csv" else json.dumps(body)
        file = f"{self.world.folder}/batch-{abs(hash((key, text)))}"
        with open(file, "w", newline="") as out:
            out.write(text)
        named = ["-H", f"Idempotency-Key: {key}"] if key is not None else []
        return self.curl(path, *named, "-H", f"Content-Type: {form}", "-H", "Expect:", "--data-binary", f"@{file}",
                         *words, **options)

    def rate(self, key, *events, **options):
        """What is told of each record."""
        answer = self.send(key, list(events), **options)
        assert answer.status == 200, f"{answer.status}: {answer.body}"
        told = answer.json()
        sums = [told[name] for name in ("accepted", "suspended", "held", "rejected", "duplicates", "conflicts")]
        assert sum(sums) == told["records"] == len(events) == len(told["results"]), answer.body
        return [(one["result"], one.get("code", one.get("amount"))) for one in told["results"]]
