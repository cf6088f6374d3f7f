"""Billing: each figure against its peer, in one run. A part is a function that takes the run's `row`; PARTS names them.
BENCH_RATES: rows of the reference load."""
import decimal
import os
import subprocess
import threading
import time

import rates
import usage
from billing_files import files
from intake import Sender, event
from postgresql import Postgresql
from world import World

RATES = int(os.environ.get("BENCH_RATES", "1000000"))
ZONES = 40
BEFORE = 3  # seconds of rating without a load, for the median


# --- a full load of rates while one event after the other is rated
def price(version, index):
    """Each load changes every price."""
    return f"{version}.{index % 9000 + 1000:04d}"


def rows(version):
    return [(f"P{i // ZONES}", f"Z{i % ZONES}", price(version, i)) for i in range(RATES)]


def wanted(number):
    """The event of this number: its product, and what 78 seconds of it cost by either load."""
    product = number % (RATES // ZONES)
    cost = [decimal.Decimal(price(version, product * ZONES + 7)) * 78 / 60 for version in (1, 2)]
    return f"P{product}", [str(c.quantize(decimal.Decimal("0.01"), decimal.ROUND_HALF_UP)) for c in cost]


class Asking:
    """One event after the other, each as soon as the one before is booked: what each took, and by which load it was
    priced."""

    def __init__(self, rate):
        self.rate, self.took, self.versions, self.stopping, self.failure = rate, [], [], False, None
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        try:
            while not self.stopping:
                product, costs = wanted(len(self.took))
                begun = time.monotonic()
                amount = self.rate(len(self.took), product)
                self.took.append((begun, time.monotonic()))
                self.versions.append(costs.index(amount))
        except Exception as error:  # told by the one who waits
            self.failure = error

    def stop(self):
        self.stopping = True
        self.thread.join()
        if self.failure:
            raise self.failure
        assert self.versions == sorted(self.versions) and set(self.versions) == {0, 1}, "prices of both, the new last"


def pauses(who, rate, load):
    """The longest wait while `load` runs."""
    asking = Asking(rate)
    try:
        time.sleep(BEFORE)
        begun = time.monotonic()
        load()
        ended = time.monotonic()
        time.sleep(1)
    finally:
        asking.stop()
    before = sorted(end - start for start, end in asking.took if end < begun)
    during = [end - start for start, end in asking.took if end >= begun and start <= ended]
    print(f"  {who}: loaded in {ended - begun:.1f} s, {len(during)} events meanwhile, the longest wait "
          f"{max(during) * 1000:.0f} ms; median before it {before[len(before) // 2] * 1000:.1f} ms", flush=True)
    return max(during)


def pauses_of_ours():
    """A signed and encrypted file of a partner, with all its checks; an event is a batch of one over HTTP, by curl."""
    with World(local=True) as world:
        sender = Sender(world)
        music = usage.Music(world, loaded=None, intake=sender.intake)
        sender.wait_up()
        sealed = [world.partner.seal(rates.text("full", version, [rates.rate(product, cost, zone=zone) for
                                                                  product, zone, cost in rows(version)]))
                  for version in (1, 2)]

        def load(version):
            music.rates.drop(f"RATES_{version}.pgp", sealed[version - 1])
            while not any(v["version"] == version for v in
                          world.gateway.json("refdata", "list")["tables"][0]["versions"]):
                time.sleep(0.1)

        def rate(number, product):
            (result, amount), = sender.rate(f"k{number}", {**event(f"S{number}", product=product), "zone_code": "Z7"})
            assert result == "rated", (result, amount)
            return amount

        load(1)
        return pauses("ours", rate, lambda: load(2))


class Session:
    """psql, a statement at a time, until its answer is there."""

    def __init__(self, server):
        words = ["-qAt", "-v", "ON_ERROR_STOP=1", "-d", server.connection]
        self.process = subprocess.Popen([os.path.join(server.bin, "psql"), *words], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def run(self, sql):
        self.process.stdin.write(f"{sql};\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n")

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def pauses_of_postgresql(folder):
    """A plain file, without any check but the primary key; an event is one INSERT … SELECT of an open session."""
    with Postgresql() as server:
        server.run("ALTER SYSTEM SET fsync = on; SELECT pg_reload_conf();"
                   "CREATE TABLE rates(product text, zone text, price numeric(10,4), PRIMARY KEY(product, zone));"
                   "CREATE TABLE detail(serial text PRIMARY KEY, amount numeric(12,2) NOT NULL);")

        def load(version):
            server.run(f"BEGIN; TRUNCATE rates;\n\\copy rates FROM '{folder}/rates-{version}.csv' CSV\nCOMMIT;")

        for version in (1, 2):
            with open(f"{folder}/rates-{version}.csv", "w", encoding="utf-8") as file:
                file.writelines(f"{','.join(row)}\n" for row in rows(version))
        load(1)
        server.run("ANALYZE rates;")
        session = Session(server)
        longest = pauses("PostgreSQL", lambda number, product: session.run(
            f"INSERT INTO detail SELECT 'S{number}', round(price * 78 / 60, 2) FROM rates WHERE product = '{product}' "
            "AND zone = 'Z7' RETURNING amount"), lambda: load(2))
        session.close()
        return longest


def reload(row):
    ours = pauses_of_ours()
    with World(local=True) as world:
        row(f"billing: longest pause, full load of {RATES:,} rates", ours, pauses_of_postgresql(world.folder), 0.1)


PARTS = {"reload": reload, "files": files}
