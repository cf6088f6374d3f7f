"""The exchange against what others would take for it, both sides on the same bytes in one run, in turn.
BENCH_EXCHANGE: which of small latency large idle; BENCH_EXCHANGE_ITEMS: items of each client of `small`;
BENCH_EXCHANGE_MIB: the large item."""
import base64
import hashlib
import multiprocessing
import os
import statistics
import subprocess
import time

from exchange_clients import Redis, Stream, Web, at_once
from exchange_idle import idle
from harness import TOP
from mailboxes import MAILBOX, Exchange
from nginx import Nginx
from postgresql import Postgresql

ITEMS = int(os.environ.get("BENCH_EXCHANGE_ITEMS", "1000"))
LARGE = int(os.environ.get("BENCH_EXCHANGE_MIB", "4096"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
CLIENTS, LOOKS = 8, 500
PACKAGES = os.path.join(TOP, os.environ.get("BUILD", "build"), "bench")


def in_turn(**sides):
    """The median of each side, by its name; another one begins in each round."""
    names, found = list(sides), {name: [] for name in sides}
    for turn in range(ROUNDS):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            found[name].append(sides[name]())
    return {name: statistics.median(values) for name, values in found.items()}


# --- 4 KiB: put, seen, obtained, acknowledged, and then the next; each client by a mailbox, stream or queue of its own
def small_ours():
    boxes = [f"box-{i}" for i in range(CLIENTS)]
    with Exchange(mailboxes=boxes) as exchange:
        def client(i):
            web, body = Web(exchange, boxes[i]), os.urandom(4096)

            def work():
                cursor = ""
                for n in range(ITEMS):
                    web.put(exchange.source, f"item-{n}", body)
                    ids, cursor = web.seen(exchange.consumer, cursor)
                    assert ids == [f"item-{n}"] and web.get(exchange.consumer, ids[0]) == body, ids
                    web.acknowledge(exchange.consumer, ids[0], body)
            return work
        return CLIENTS * ITEMS / at_once(CLIENTS, client)


def small_redis(folder):
    with Redis(folder) as server:
        def client(i):
            stream, body = Stream(server, f"stream-{i}"), os.urandom(4096)
            stream.ask("XGROUP", "CREATE", stream.name, "group", "$", "MKSTREAM")

            def work():
                for _ in range(ITEMS):
                    number = stream.add(body)
                    came = stream.ask("XREADGROUP", "GROUP", "group", "one", "COUNT", "1", "STREAMS", stream.name, ">")
                    assert came[0][1] == [[number, [b"body", body]]], "another item came"
                    assert stream.ask("XACK", stream.name, "group", number) == 1
            return work
        return CLIENTS * ITEMS / at_once(CLIENTS, client)


def small_boss(server):
    words = ["node", os.path.join(os.path.dirname(os.path.abspath(__file__)), "pg_boss.js"), PACKAGES, server.folder,
             str(CLIENTS), str(ITEMS)]
    return CLIENTS * ITEMS / float(subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout)


def small(row, folder):
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", PACKAGES, "pg-boss@9.0.3"],
                   check=True)
    with Postgresql(settings="-c fsync=on") as server:
        found = in_turn(ours=small_ours, redis=lambda: small_redis(folder), boss=lambda: small_boss(server))
    print(f"  items a second: redis {found['redis']:.0f}, pg-boss {found['boss']:.0f}", flush=True)
    row("exchange: 4 KiB items, 8 clients, the faster peer", found["ours"], max(found["redis"], found["boss"]), 1,
        "1/s", lower_is_better=False)
    row("exchange: 4 KiB items, 8 clients", found["ours"], 1000, 1, "1/s", lower_is_better=False)


# --- 1 KiB put until who waits for it has its bytes
def latency_of(put, receive, settle):
    """The median of LOOKS: `receive()` runs in a process of its own and returns when it has one item; `settle` is the
    time in which it is waiting again."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()

    def consumer():
        take = receive()
        theirs.send(None)
        for _ in range(LOOKS):
            take()
            theirs.send(time.monotonic())
    child = context.Process(target=consumer)
    child.start()
    ours.recv()
    took, put = [], put()
    for n in range(LOOKS):
        time.sleep(settle)
        begun = time.monotonic()
        put(n)
        took.append(ours.recv() - begun)
    child.join()
    return statistics.median(took) * 1000


def latency_ours():
    body = os.urandom(1024)
    with Exchange() as exchange:
        def put():
            web = Web(exchange, MAILBOX)
            return lambda n: web.put(exchange.source, f"item-{n}", body)

        def receive():
            web, at = Web(exchange, MAILBOX), {"cursor": ""}

            def take():
                ids, at["cursor"] = web.seen(exchange.consumer, at["cursor"], "&wait=30s")
                assert [web.get(exchange.consumer, name) for name in ids] == [body], ids
            return take
        return latency_of(put, receive, 0.005)


def latency_redis(folder):
    body = os.urandom(1024)
    with Redis(folder) as server:
        def put():
            stream = Stream(server, "stream")
            return lambda n: stream.add(body)

        def receive():
            stream, at = Stream(server, "stream"), {"last": "0"}

            def take():
                came, = stream.ask("XREAD", "BLOCK", "30000", "STREAMS", "stream", at["last"])[0][1]
                at["last"] = came[0]
                assert came[1][1] == body
            return take
        return latency_of(put, receive, 0.005)


def latency(row, folder):
    found = in_turn(ours=latency_ours, redis=lambda: latency_redis(folder))
    row("exchange: 1 KiB put until a long poll has it, p50", found["ours"], found["redis"], 1.5, "ms")


# --- one large item
def curl(*words):
    subprocess.run(["curl", "-sS", "--fail", *words], check=True, stdout=subprocess.DEVNULL)


def memory_of(gateway, word, field):
    with open(f"/proc/{gateway.named(word)[0]}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field)) / 1024


def large_ours(path, digest, grown):
    with Exchange() as exchange:
        exchange.source.put("warm", b"x" * 100_000)
        url = exchange.url + exchange.source.item("large")
        at_rest = {word: memory_of(exchange.gateway, word, "VmRSS") for word in ("lane", "front")}
        begun = time.monotonic()
        curl("-T", path, "-H", f"Authorization: Bearer {exchange.source.token}", "-H", f"Repr-Digest: {digest}", url)
        curl("-o", path + ".got", "-H", f"Authorization: Bearer {exchange.consumer.token}", url)
        took = time.monotonic() - begun
        grown.append(max(memory_of(exchange.gateway, word, "VmHWM") - at_rest[word] for word in at_rest))
    assert os.path.getsize(path + ".got") == os.path.getsize(path)
    os.unlink(path + ".got")
    return took


def large_nginx(path, folder):
    stored = os.path.join(folder, "dav")
    os.makedirs(stored, exist_ok=True)
    site = f"root {stored}; client_max_body_size 0; client_body_temp_path {stored}/.body; dav_methods PUT;"
    with Nginx(folder, {"dav": site}) as server:
        url = f"http://127.0.0.1:{server.ports['dav']}/large"
        begun = time.monotonic()
        curl("-T", path, url)
        subprocess.run(["sha256sum", stored + "/large"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["sync", stored + "/large", stored], check=True)
        curl("-o", path + ".got", url)
        took = time.monotonic() - begun
    subprocess.run(["rm", "-rf", stored, path + ".got", os.path.join(folder, "nginx")], check=True)
    return took


def large(row, folder):
    path, whole, grown = os.path.join(folder, "large.dat"), hashlib.sha256(), []
    with open(path, "wb") as file:
        for _ in range(LARGE):
            piece = os.urandom(1 << 20)
            whole.update(piece)
            file.write(piece)
        os.fsync(file.fileno())
    digest = "sha-256=:" + base64.b64encode(whole.digest()).decode() + ":"
    found = in_turn(ours=lambda: large_ours(path, digest, grown), nginx=lambda: large_nginx(path, folder))
    os.unlink(path)
    row(f"exchange: {LARGE} MiB put and got, nginx DAV", found["ours"], found["nginx"], 1.2)
    row("exchange: memory meanwhile, more than at rest", max(grown), 32, 1, "MiB")


PARTS = {"small": small, "latency": latency, "large": large, "idle": idle}


def exchange(row, folder):
    for part in os.environ.get("BENCH_EXCHANGE", " ".join(PARTS)).split():
        PARTS[part](row, folder)
