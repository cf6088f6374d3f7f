"""What an idle source costs its business: pgbench at 40 % of the most that it can, 20 s of work and 40 s of rest, alone
and while a gateway, or curl at the lowest priorities, sends from the same machine. The exchange's state is on a tmpfs.
BENCH_IDLE_MIB, BENCH_IDLE_ROUNDS, BENCH_IDLE_MINUTES; BENCH_IDLE_BURST="20 40": seconds of work and of rest."""
import base64
import contextlib
import glob
import os
import shutil
import statistics
import subprocess
import tempfile
import time

from harness import TOP
from mailboxes import MAILBOX, Exchange, endpoint
from packers import OtherFeed
from postgresql import Postgresql
from world import World

MIB = int(os.environ.get("BENCH_IDLE_MIB", "2048"))
ROUNDS = int(os.environ.get("BENCH_IDLE_ROUNDS", "5"))
MINUTES = float(os.environ.get("BENCH_IDLE_MINUTES", "20"))
BURST, REST = (int(text) for text in os.environ.get("BENCH_IDLE_BURST", "20 40").split())
PIECE = 32  # MiB of each file
BURSTS_ALONE = 2
TPS_LOST, P99_MORE = 0.02, 0.05
IDLE = {"cpu-others-below": 30, "cpu-others-above": 50, "io-some-below": 5, "io-some-above": 15,
        "memory-some-above": 5, "idle-for": "5s", "busy-for": "1s", "cool-down": "2s", "latest": "24h", "piece": "1M"}


class Business:
    def __init__(self, server):
        self.server, self.rate = server, None

    def pgbench(self, *words):
        done = subprocess.run([os.path.join(self.server.bin, "pgbench"), "-h", self.server.folder, "-U", "postgres",
                               *words, "postgres"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True,
                              text=True, cwd=self.server.folder)
        return done.stdout

    def prepare(self):
        self.pgbench("-i", "-q", "-s", "20")
        said = self.pgbench("-c", "4", "-T", str(BURST))
        most = next(float(line.split("=")[1].split()[0]) for line in said.splitlines() if line.startswith("tps"))
        self.rate = 0.4 * most
        print(f"  pgbench: at the most {most:.0f} TPS; the load is {self.rate:.0f}", flush=True)

    def burst(self):
        """Milliseconds of each transaction of one burst, from when it was due."""
        prefix = os.path.join(self.server.folder, "transactions")
        self.pgbench("-c", "4", "-T", str(BURST), "--rate", f"{self.rate:.1f}", "-l", "--log-prefix", prefix)
        took = []
        for path in glob.glob(prefix + ".*"):
            with open(path) as file:
                took += [int(line.split()[2]) / 1000 for line in file]
            os.unlink(path)
        return took


def load(business, is_sent, least):
    """(TPS, p99 in ms, minutes): of all bursts until it is sent."""
    begun, bursts = time.monotonic(), []
    while len(bursts) < least or not is_sent() and time.monotonic() - begun < MINUTES * 60:
        bursts.append(business.burst())
        rested = time.monotonic()
        while time.monotonic() - rested < REST and not (len(bursts) >= least and is_sent()):
            time.sleep(0.5)
    took = sorted(ms for burst in bursts for ms in burst)
    return len(took) / (len(bursts) * BURST), took[int(len(took) * 0.99)], (time.monotonic() - begun) / 60


def cpu_of(gateway):
    ticks = 0
    for pid in gateway.pids():
        with contextlib.suppress(OSError), open(f"/proc/{pid}/stat") as file:
            ticks += sum(int(word) for word in file.read().rpartition(")")[2].split()[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def exchange_on_tmpfs():
    folder = tempfile.mkdtemp(prefix="sallyport-bench-", dir="/dev/shm")
    try:
        with Exchange(state=os.path.join(folder, "state")) as exchange:
            yield exchange
    finally:
        shutil.rmtree(folder)


def alone(business, _):
    return (*load(business, lambda: True, BURSTS_ALONE), MIB, 0)


def by_curl(business, path):
    digest = base64.b64encode(subprocess.run(["openssl", "dgst", "-sha256", "-binary", path], stdout=subprocess.PIPE,
                                             check=True).stdout).decode()
    with exchange_on_tmpfs() as exchange:
        words = ["nice", "-n", "19", "ionice", "-c3", "curl", "-sS", "--fail", "-T", path, "-H",
                 f"Authorization: Bearer {exchange.source.token}", "-H", f"Repr-Digest: sha-256=:{digest}:",
                 exchange.url + exchange.source.item("large")]
        sender = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        found = load(business, lambda: sender.poll() is not None, 1)
        sender.kill()
        return (*found, MIB if sender.wait() == 0 else 0, cpu_of(exchange.gateway))


def copy_as(path, sequence, name):
    """A file of another sequence number: the same bytes would be the same file."""
    shutil.copyfile(path, name)
    with open(name, "r+b") as file:
        file.seek(file.readline().index(b"|000001|") + 1)
        file.write(b"%06d" % sequence)


def by_gateway(business, path):
    with exchange_on_tmpfs() as exchange, World(local=True) as world:
        world.configuration.systems["gw"] = {"box": endpoint(world, exchange.port, exchange.source)}
        feed = OtherFeed(world, "claims", match="POINTS_*.dat", envelope="unprotected-plain-text", process=("deliver", {
            "system": "gw", "endpoint": "box", "path": MAILBOX, "name": "{name}",
            "envelope": "unprotected-plain-text"}))
        feed.settings.pop("key")
        feed.settings["on-reject"] = "file"
        feed.feedback["columns"] = ["reference"]
        world.configuration.lanes = {"points": [feed]}
        world.configuration.lane_settings["idle"] = IDLE
        world.configuration.node["log"] = {"level": "info"}
        count = -(-MIB // PIECE)
        for n in range(count):
            name = os.path.join(feed.out, f"POINTS_{n}.dat")
            copy_as(path, n + 1, name)
            open(name + ".ok", "w").close()
        world.start(wait=False)

        def sent():
            items = exchange.gateway.json("exchange", "items", MAILBOX, "--limit", str(count + 1))["items"]
            return sum(item["size"] for item in items if item["state"] != "receiving")
        found = load(business, lambda: sent() >= count * os.path.getsize(path), 1)
        lane, = world.gateway.json("idle")["lanes"]
        print(f"  ours: {lane['own_cpu_us'] / 1e6:.1f} s of CPU on the source, {lane['transitions']} transitions"
              f"{', at the end ' + lane['why'] if lane.get('why') else ''}", flush=True)
        return (*found, sent() / (1 << 20), cpu_of(exchange.gateway))


def make(folder):
    """The file of curl, and one of those that the gateway takes."""
    piece, whole = os.path.join(folder, "piece.dat"), os.path.join(folder, "whole.dat")
    with open(piece, "wb") as file:
        subprocess.run([os.path.join(TOP, "packaging/demo/make-accruals"), "-v", f"n={PIECE * 10000}"], stdout=file,
                       check=True)
    with open(whole, "wb") as file:
        for _ in range(-(-MIB // PIECE)):
            with open(piece, "rb") as one:
                shutil.copyfileobj(one, file)
    return piece, whole


def tell(row, found):
    """Each against the load alone, which is held against itself first: what lies within its range cannot be told."""
    tps, p99 = ({name: [run[i] for run in runs] for name, runs in found.items()} for i in (0, 1))
    for what, values, limit in (("TPS", tps, TPS_LOST), ("p99", p99, P99_MORE)):
        base = statistics.median(values["alone"] + values["again"])
        spread = abs(statistics.median(values["alone"]) - statistics.median(values["again"])) / base
        print(f"  {what}: alone {base:.2f}, against itself {spread:.1%}, range {min(values['alone']):.2f} to "
              f"{max(values['alone']):.2f}", flush=True)
        for name in ("ours", "curl"):
            if spread > limit:
                print(f"  {what} with {name}: {statistics.median(values[name]):.2f}: not resolvable here", flush=True)
            else:
                row(f"idle source: {what} with {name}", statistics.median(values[name]), base,
                    1 - limit if what == "TPS" else 1 + limit, "" if what == "TPS" else "ms",
                    lower_is_better=what != "TPS")
    for name in ("ours", "curl"):
        minutes, sent, cpu = (statistics.median(run[i] for run in found[name]) for i in (2, 3, 4))
        print(f"  {name}: {sent:.0f} MiB in {minutes:.1f} minutes; CPU of the exchange {cpu:.0f} s", flush=True)
    row("idle source: MiB sent by ours", min(run[3] for run in found["ours"]), MIB, 1, "MiB", lower_is_better=False)


def idle(row, folder):
    piece, whole = make(folder)
    sides = {"alone": (alone, None), "ours": (by_gateway, piece), "again": (alone, None), "curl": (by_curl, whole)}
    names, found = list(sides), {name: [] for name in sides}
    with Postgresql(settings="-c fsync=on") as server:
        business = Business(server)
        business.prepare()
        for turn in range(ROUNDS):
            first = turn % len(names)
            for name in names[first:] + names[:first]:
                side, path = sides[name]
                found[name].append(side(business, path))
    os.unlink(whole)
    os.unlink(piece)
    tell(row, found)
