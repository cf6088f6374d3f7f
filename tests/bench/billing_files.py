"""From a file of usage to a full file and three platforms' files, against PostgreSQL and against sort and mawk: the
same records, once each, at the same prices. BENCH_EVENTS: how many (1,000,000); one in a hundred is there twice, one in
two hundred has no rate. Three versions of the rates of 2,000 products in 40 zones, three tiers of the month of 200,000
accounts, a member's discount, the better of two campaigns, a minimum, half-up at the end."""
import datetime
import os
import random
import subprocess
import time

import packers
import rates
import usage
from harness import wait_until
from postgresql import Postgresql
from world import World

EVENTS = int(os.environ.get("BENCH_EVENTS", "1000000"))
PRODUCTS, ZONES, ACCOUNTS, SAMPLES = 2000, 40, 200000, 1000
VERSIONS = (("2026-01-01", "2026-10-09"), ("2026-10-10", "2026-10-19"), ("2026-10-20", ""))
TIERS = ((600, "0.0900"), (6000, "0.0725"), (99999999, "0.0550"))
PLATFORMS = {"boss": "amount > 0", "roaming": "zone_code = 'Z7'", "gold": "tier = 'gold'"}


def price(product, zone, version):
    return f"0.{(product * 7 + zone * 13 + version * 101) % 4000 + 100:04d}"


def make(folder):
    """Rates, tiers and events as plain lines; how many events there are once each, with a rate."""
    rng = random.Random(11)
    with open(f"{folder}/rates", "w", encoding="utf-8") as file:
        for i in range(PRODUCTS):
            for zone in range(ZONES):
                file.writelines(f"P{i}|Z{zone}|{price(i, zone, n)}|{since}|{until}\n"
                                for n, (since, until) in enumerate(VERSIONS))
    written, lines = 0, []
    for i in range(EVENTS):
        product = "NONE" if i % 200 == 33 else f"P{rng.randrange(PRODUCTS)}"
        tier, campaign = rng.choice(("", "", "gold")), rng.choice(("", "", "C7", "C8"))
        lines.append(f"S{i:09d}|A{rng.randrange(ACCOUNTS)}|2026-10-{rng.randrange(1, 29):02d}T{rng.randrange(24):02d}:"
                     f"{rng.randrange(60):02d}:00Z|{rng.randrange(1, 900)}|{product}|Z{rng.randrange(ZONES)}|{tier}|"
                     f"{campaign}")
        written += product != "NONE"
    lines += [lines[i] for i in range(50, EVENTS, 100)]
    with open(f"{folder}/events", "w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
    return written


def outcome(path, sampled):
    """(records, sum in hundredths, some of them) of lines SERIAL|AMOUNT."""
    count, total, some = 0, 0, {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            serial, amount = line.rstrip("\n").split("|")
            count, total = count + 1, total + int(amount.replace(".", ""))
            if serial in sampled:
                some[serial] = amount
    return count, total, some


# --- the gateway
def rating():
    """With one full file, which is closed when all is rated."""
    return usage.rating(**{
        "time-zone": "UTC", "minimum": "0.00",
        "tiers": {"kind": "graduated", "table": "tiers", "key": ["product_code"], "up-to": "up_to", "rate": "minute",
                  "per": 60},
        'step "minutes"': {"amount": "plus(amount, price(quantity, rate, 60))"},
        'step "C7"': {"when": "campaign = 'C7'", "amount": "portion(amount, 88, 100)", "campaign": True,
                      "choose": "best"},
        'step "C8"': {"when": "campaign IS NOT NULL", "amount": "minus(amount, scaled('0.05', 6))", "campaign": True,
                      "choose": "best"},
        "full-file": {"name": "M_{sequence}.dat", "fields": ["serial", "zone_code", "tier", "amount"],
                      "records": 10000000, "age": "7d"},
        **{f'platform "{name}"': {"when": when, "fields": ["serial", "amount"], "file": name + "_{sequence}.dat"}
           for name, when in PLATFORMS.items()}})


def tiers_feed(world):
    world.configuration.layouts["tiers"] = {
        "type": "delimited", "delimiter": "|",
        'record "D"': {'field "plan"': {}, 'field "up_to"': {"type": "integer"},
                       'field "minute"': {"type": "decimal", "scale": 4}},
        'trailer "T"': {'field "count"': {"type": "integer", "control": "count"}}}
    feed = packers.OtherFeed(world, "tiers-sync", match="TIERS_*.pgp",
                             process=("reference", {"name": "tiers", "key": ["plan", "up_to"]}))
    for setting in ("key", "business-date"):
        feed.settings.pop(setting)
    feed.settings.update({"layout": "tiers", "on-reject": "file"})
    feed.rules = {}
    return feed


def started(world):
    """(rates, tiers, usage): its feeds."""
    feeds = rates.feed(world, **{"time-zone": "UTC"}), tiers_feed(world), usage.feed(world)
    world.configuration.layouts["usage"]['record "D"']['field "campaign"'] = {"optional": True}
    world.configuration.lanes = {"points": list(feeds)}
    world.configuration.lane_settings['rating "music"'] = rating()
    world.configuration.node["log"] = {"level": "info"}
    world.start()
    return feeds


def load(world, prices, tiers, folder):
    with open(f"{folder}/rates", encoding="utf-8") as file:
        text = rates.text("full", 1, [f"D|{line.rstrip()}|" for line in file])
    prices.drop("RATES_1.pgp", world.partner.seal(text))
    rows = [f"D|P{i}|{up_to}|{minute}" for i in range(PRODUCTS) for up_to, minute in TIERS]
    tiers.drop("TIERS_1.pgp", world.partner.seal("\n".join([*rows, f"T|{len(rows)}"]) + "\n"))
    for feed, name in ((prices, "RATES_1"), (tiers, "TIERS_1")):
        wait_until(name, lambda feed=feed, name=name: feed.answer(name + "_FB.dat.pgp"), seconds=120)


def ours(folder, sampled):
    """(seconds from the admitted file to the platforms' files, those of rating and filing alone, outcome)"""
    with World(local=True) as world:
        prices, tiers, music = started(world)
        load(world, prices, tiers, folder)
        with open(f"{folder}/events", encoding="utf-8") as file:
            lines = [f"D|{line}" for line in file]
        music.put("USAGE_1.pgp", world.partner.seal("".join(lines) + f"T|{len(lines)}\n"))
        begun = time.monotonic()
        music.put("USAGE_1.pgp.ok", b"")
        history = wait_until("the answer", lambda: posted(world), seconds=600, pause=0.05, log=world.gateway.log_tail)
        closing = time.monotonic()
        world.gateway.ok("cdr", "close")
        ended = time.monotonic()
        cdr = os.path.join(world.state, "lanes/points/cdr/music")
        with open(f"{cdr}/M_000001.dat", encoding="utf-8") as file, open(f"{folder}/ours", "w", encoding="utf-8") as to:
            for line in file:
                values = line.rstrip("\n").split("|")
                if values[0] == "D":
                    to.write(f"{values[1]}|{values[4]}\n")
        platforms = {p["platform"]: (p["records"], int(p["sum"].replace(".", "")))
                     for p in world.gateway.json("cdr", "show", "1")["platforms"]}
        print(f"  ours: until validated {history['validated'] - history['admitted']:.2f} s, rated "
              f"{history['posted'] - history['validated']:.2f} s, closed and taken apart {ended - closing:.2f} s",
              flush=True)
        return (ended - begun, history["posted"] - history["validated"] + ended - closing,
                (outcome(f"{folder}/ours", sampled), platforms))


def posted(world):
    """When the file's states were reached, once it is posted."""
    told = world.gateway.file("USAGE_1.pgp")
    if not told or told["state"] not in ("posted", "answered", "sealed", "closed"):
        return None
    return {h["event"]: moment(h["at"]) for h in world.gateway.json("show", "USAGE_1.pgp")["history"]}


def moment(text):
    """A time as the gateway prints it, in seconds."""
    if isinstance(text, (int, float)):
        return text / 1e6
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


# --- PostgreSQL: set by set, without an answer to anybody, and without steps
TABLES = """
CREATE TABLE rates(product text, zone text, rate numeric(12,4), since date, until date);
CREATE INDEX ON rates(product, zone);
CREATE UNLOGGED TABLE staging(n bigserial, serial text, account text, at timestamptz, seconds bigint, product text,
  zone text, tier text, campaign text);
CREATE TABLE detail(serial text PRIMARY KEY, account text, at timestamptz, zone text, tier text, amount numeric(14,2));
"""
RATE = """
INSERT INTO detail
WITH billed AS (
  SELECT s.*, r.rate, CASE WHEN seconds <= 30 THEN 30 ELSE 30 + (seconds - 30 + 5) / 6 * 6 END AS quantity
  FROM (SELECT DISTINCT ON (serial) * FROM staging ORDER BY serial, n) s
  JOIN rates r ON r.product = s.product AND r.zone = s.zone AND (s.at AT TIME ZONE 'UTC')::date >= r.since
    AND (r.until IS NULL OR (s.at AT TIME ZONE 'UTC')::date <= r.until)),
used AS (
  SELECT *, coalesce(sum(quantity) OVER (PARTITION BY account, date_trunc('month', at AT TIME ZONE 'UTC') ORDER BY n
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before FROM billed),
priced AS (
  SELECT *, quantity * rate / 60
    + greatest(least(before + quantity, 600) - before, 0) * 0.0900 / 60
    + greatest(least(before + quantity, 6000) - greatest(before, 600), 0) * 0.0725 / 60
    + greatest(before + quantity - greatest(before, 6000), 0) * 0.0550 / 60 AS exact FROM used),
member AS (SELECT *, CASE WHEN tier IS NULL THEN exact ELSE exact * 0.95 END AS paid FROM priced)
SELECT serial, account, at, zone, tier, round(greatest(0, CASE
  WHEN campaign = 'C7' THEN least(paid * 0.88, paid - 0.05)
  WHEN campaign IS NOT NULL THEN paid - 0.05 ELSE paid END), 2) FROM member
ON CONFLICT (serial) DO NOTHING;
"""


def postgresql(folder, sampled):
    with Postgresql() as server:
        server.run("ALTER SYSTEM SET fsync = on; ALTER SYSTEM SET work_mem = '256MB'; SELECT pg_reload_conf();"
                   f"{TABLES}\n\\copy rates FROM '{folder}/rates' (DELIMITER '|', NULL '')\nANALYZE rates;")
        out = "(DELIMITER '|')"
        parts = "".join(f"\\copy (SELECT serial, amount FROM detail WHERE {when.replace('_code', '')}) TO "
                        f"'{folder}/pg-{name}' {out}\n" for name, when in PLATFORMS.items())
        begun = time.monotonic()
        server.run(f"\\copy staging(serial, account, at, seconds, product, zone, tier, campaign) FROM "
                   f"'{folder}/events' (DELIMITER '|', NULL '')\nANALYZE staging;\n{RATE}\n"
                   f"\\copy (SELECT serial, amount FROM detail ORDER BY serial) TO '{folder}/pg' {out}\n{parts}")
        took = time.monotonic() - begun
        return took, (outcome(f"{folder}/pg", sampled),
                      {name: outcome(f"{folder}/pg-{name}", ())[:2] for name in PLATFORMS})


# --- sort and mawk: in whole hundred-thousandths of a six-hundredth, so that a double holds them
MAWK = r"""
BEGIN { FS = OFS = "|"; while ((getline line < rates) > 0) { split(line, r, "|"); k = r[1] "|" r[2]; n = ++count[k]
  rate[k, n] = r[3] * 10000; since[k, n] = r[4]; till[k, n] = r[5] } }
{ k = $5 "|" $6; day = substr($3, 1, 10); found = 0
  for (i = 1; i <= count[k]; i++)
    if (day >= since[k, i] && (till[k, i] == "" || day <= till[k, i])) { found = i; break }
  if (!found) next
  q = $4 <= 30 ? 30 : 30 + int(($4 - 30 + 5) / 6) * 6
  c = $2 substr($3, 1, 7); b = used[c]; used[c] = b + q; e = b + q
  x = int(q * int(rate[k, found] + 0.5))
  x += (e < 600 ? e : 600) > b ? ((e < 600 ? e : 600) - b) * 900 : 0
  lo = b > 600 ? b : 600; hi = e < 6000 ? e : 6000; if (hi > lo) x += (hi - lo) * 725
  lo = b > 6000 ? b : 6000; if (e > lo) x += (e - lo) * 550
  x = $7 != "" ? x * 9500 : x * 10000              # of 60 * 10,000 * 10,000
  y = x - 0.05 * 60 * 1e8
  if ($8 == "C7") { z = x / 100 * 88; x = z < y ? z : y } else if ($8 != "") x = y
  if (x < 0) x = 0
  cents = int((x + 30 * 1e6) / (60 * 1e6)); a = sprintf("%d.%02d", int(cents / 100), cents % 100)
  print $1, a > out
  if (cents > 0) print $1, a > (out "-boss")
  if ($6 == "Z7") print $1, a > (out "-roaming")
  if ($7 == "gold") print $1, a > (out "-gold") }
"""


def shell(folder, sampled):
    begun = time.monotonic()
    sort, mawk = f"LC_ALL=C sort -s -u -t'|' -k1,1 -T {folder}", f"mawk -v rates={folder}/rates -v out={folder}/sh"
    subprocess.run(f"{sort} {folder}/events | {mawk} -f {folder}/rate.awk && sync {folder}/sh {folder}/sh-*",
                   shell=True, check=True)
    took = time.monotonic() - begun
    return took, (outcome(f"{folder}/sh", sampled),
                  {name: outcome(f"{folder}/sh-{name}", ())[:2] for name in PLATFORMS})


def files(row):
    with World(local=True) as place:  # a folder that is taken away
        folder = place.folder
        written = make(folder)
        with open(f"{folder}/rate.awk", "w", encoding="utf-8") as file:
            file.write(MAWK)
        sampled = {f"S{i:09d}" for i in range(0, EVENTS, max(EVENTS // SAMPLES, 1))}
        wall, alone, mine = ours(folder, sampled)
        theirs, pg = postgresql(folder, sampled)
        sorting, sh = shell(folder, sampled)
        for who, what in (("PostgreSQL", pg), ("mawk", sh)):
            if what != mine:
                others = sum(mine[0][2].get(serial) != amount for serial, amount in what[0][2].items())
                raise RuntimeError(f"{who} comes to {what[0][:2]}, {what[1]}; ours to {mine[0][:2]}, {mine[1]}; "
                                   f"{others} of the sampled differ")
        if mine[0][0] != written:
            raise RuntimeError(f"{mine[0][0]} records instead of {written}")
        print(f"  {written:,} of {EVENTS:,} priced over {mine[0][1] / 100:,.2f}; {len(mine[0][2])} sampled rows agree; "
              f"rating, full file and platforms alone {alone:.2f} s ({EVENTS / alone:,.0f} events/s), the file's "
              f"decryption, checks and answer besides", flush=True)
        row("billing: events/s, file to platforms' files", EVENTS / wall, 150000, 1.0, "1/s", lower_is_better=False)
        row("billing: the same against PostgreSQL", wall, theirs, 0.25)
        row("billing: rating to platforms against PostgreSQL", alone, theirs, 0.25)
        row("billing: the same against sort and mawk", wall, sorting, 1.0)
        row("billing: rating to platforms against sort and mawk", alone, sorting, 1.0)
