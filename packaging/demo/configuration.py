"""A gateway's configuration as the tests write it: nested settings with good defaults, changed by a test before it
starts."""


def quoted(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (list, tuple)):
        return "{ " + ", ".join(quoted(item) for item in value) + " }"
    if "'" in value:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return "'" + value.replace("\\", "\\\\") + "'"


def block(head, settings, depth=0):
    """Settings are name: value; a dict value is a block of that name (None: left out, a list of pairs: several
    blocks)."""
    pad = "  " * depth
    lines = [f"{pad}{head} {{"]
    for name, value in settings.items():
        if value is None:
            continue
        if isinstance(value, dict):
            lines += block(name, value, depth + 1)
        else:
            lines.append(f"{pad}  {name} = {quoted(value)}")
    return lines + [pad + "}"]


def accrual_layout():
    """The layout that make-accruals writes."""
    field = lambda **settings: settings or {}
    return {
        "type": "delimited", "delimiter": "|", "charset": "UTF-8",
        'header "H"': {'field "partner"': field(), 'field "business_date"': field(type="date"),
                       'field "sequence"': field(type="integer"), 'field "version"': field(type="integer")},
        'record "D"': {'field "member"': field(type="text", width=10, mask=True),
                       'field "reference"': field(type="text", width=40),
                       'field "points"': field(type="integer"), 'field "amount"': field(type="decimal", scale=2),
                       'field "at"': field(type="timestamp"), 'field "store"': field(type="text"),
                       'field "currency"': field(type="enumeration", values=["CNY", "USD"]),
                       'field "category"': field(type="text")},
        'trailer "T"': {'field "count"': field(type="integer", control="count"),
                        'field "total"': field(type="integer", control="sum(points)")},
    }


def rule(check, code, message):
    return {"check": check, "code": code, "message": message}


class Feed:
    """One feed of accrual files with a folder of its own choice."""

    def __init__(self, name="acme-points", *, outgoing="outgoing", incoming="incoming", endpoint="main"):
        self.name = name
        self.settings = {"partner": "acme-bank", "layout": "accrual-v1", "key": "reference",
                         "business-date": "business_date",
                         "on-reject": "record"}
        self.source = {"endpoint": endpoint, "path": outgoing, "match": "POINTS_*.dat.pgp", "ready": "marker",
                       "marker": "{name}.ok", "every": "1s", "after": "archive"}
        self.rules = {"points-range": rule("points BETWEEN 1 AND 100000", "E012", "points out of range"),
                      "member-form": rule("length(member) = 10 AND member GLOB 'M[0-9]*'", "E013",
                                          "not a member number"),
                      "amount-sign": rule("amount >= 0", "E014", "negative amount")}
        self.batch = {"size-min": 2500, "size-max": 5000}
        self.ledger = {"name": "miles", "account": "member", "amount": "points", "shards": 2}
        self.process = None         # instead of the ledger: ("http", settings)
        self.feedback = {"endpoint": endpoint, "path": incoming, "name": "{stem}_FB.dat.pgp",
                         "exception-name": "{stem}_EX.dat.pgp",
                         "marker": "{name}.ok"}

    def block(self):
        settings = dict(self.settings)
        if settings.get("business-date"):  # these files are of one day, whenever they are made
            for around in ("business-date-back", "business-date-ahead"):
                settings.setdefault(around, "36500d")
        settings["source"] = self.source
        settings.update({f'rule "{name}"': body for name, body in self.rules.items()})
        kind, process = self.process or ("ledger", self.ledger)
        settings.update({"batch": self.batch, f"process {kind}": process, "feedback": self.feedback})
        return settings


class Configuration:
    def __init__(self, *, state, runtime, gnupg_home, keys):
        self.node = {"name": "test-gw", "state": state, "runtime": runtime, "gnupg-home": gnupg_home,
                     "time-zone": "Asia/Shanghai", "log": {"level": "debug"}}
        self.openpgp = {"encrypt-to": [keys.acme], "signed-by": [keys.acme], "decrypt-with": keys.gateway}
        self.endpoints = {}
        self.partner_settings = {}  # further blocks of the partner: access
        self.systems = {}           # name -> its endpoints
        self.layouts = {"accrual-v1": accrual_layout()}
        self.lanes = {"points": [Feed()]}
        self.lane_settings = {"threads": 2}
        self.extra = ""

    @property
    def connections(self):
        """The most couriers that a lane may have: 2 for an endpoint of the partner, 8 calls in flight for one of a
        system."""
        return 2 * len(self.endpoints) + 8 * sum(len(endpoints) for endpoints in self.systems.values())

    @property
    def feed(self):
        return next(iter(self.lanes.values()))[0]

    def text(self):
        lines = block("node", self.node)
        partner = {"openpgp": self.openpgp, **{f'endpoint "{n}"': e for n, e in self.endpoints.items()},
                   **self.partner_settings}
        lines += block('partner "acme-bank"', partner)
        for name, endpoints in self.systems.items():
            lines += block(f'system "{name}"', {f'endpoint "{n}"': e for n, e in endpoints.items()})
        for name, layout in self.layouts.items():
            lines += block(f'layout "{name}"', layout)
        for name, feeds in self.lanes.items():
            lines += block(f'lane "{name}"', {**self.lane_settings, **{f'feed "{f.name}"': f.block() for f in feeds}})
        return "\n".join(lines) + "\n" + self.extra
