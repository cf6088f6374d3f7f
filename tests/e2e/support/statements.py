"""What the tests of the gateway's side of reconciliation share: a world with a reconcile block, the requester's reading
of a set with its own tools, and its status interface."""
import gzip
import hashlib
import http.server
import json
import os
import subprocess
import threading

from harness import equal, wait_until
from world import World

DAY = "2024-11-20"
COLUMNS = ["key", "account", "amount", "business_date", "name", "line"]


def header(day=DAY, sequence=1):
    return f"H|ACME|{day}|{sequence:06d}|1"


def recon_world(*, threshold=1000, name="acme-daily", push=True, **changes):
    """A world with one reconciliation, pushed into the partner's folder "recon"."""
    world = World(local=changes.pop("local", True))
    read = {"from": "ledger", "ledger": "miles", "columns": COLUMNS, **changes.pop("read", {})}
    settings = {"requester": "acme-bank", "type": "points", "threshold": threshold,
                "read": {k: v for k, v in read.items() if v is not None},
                "push": {"endpoint": "main", "path": "recon", "marker": "{name}.ok"} if push else None, **changes}
    world.configuration.lane_settings[f'reconcile "{name}"'] = settings
    world.recon_folder = os.path.join(world.partner.root, "recon")
    os.makedirs(world.recon_folder)
    return world


def bring(world, name, made, *, day=DAY, sequence=1, **options):
    world.drop(f"POINTS_{name}.dat.pgp", made, header=header(day, sequence), **options)
    return world.gateway.wait_state(f"POINTS_{name}.dat.pgp", "closed")


def run(world, *words, name="acme-daily", day=DAY):
    return world.gateway.json("recon", "run", name, "--date", day, *words)


def wait_pushed(world, count=1):
    def pushed():
        tasks = [t for t in world.gateway.json("recon", "list")["tasks"] if t.get("push") == "pushed"]
        assert len(tasks) >= count, f"{len(tasks)} tasks are pushed"
        return tasks
    return wait_until("the task to be pushed", pushed, log=world.gateway.log_tail)


def read_set(world, name="points_2024-11-20.manifest.json"):
    """The set as the requester has it, checked with the tools that it has: gpg, sha256sum, md5sum. (manifest, lines)"""
    folder = world.recon_folder
    for tool in ("sha256", "md5"):
        subprocess.run([tool + "sum", "--quiet", "--strict", "-c", f"{name}.{tool}"], cwd=folder, check=True)
    world.keys.partner.verify_detached(os.path.join(folder, name), os.path.join(folder, name + ".asc"),
                                       signer=world.keys.gateway)
    with open(os.path.join(folder, name)) as file:
        manifest = json.load(file)
    lines = []
    for number, shard in enumerate(manifest["shards"], 1):
        equal((shard["number"], shard["of"]), (number, len(manifest["shards"])), "i of n")
        with open(os.path.join(folder, shard["name"]), "rb") as file:
            content = file.read()
        equal((len(content), hashlib.sha256(content).hexdigest(), hashlib.md5(content).hexdigest()),
              (shard["size"], shard["sha256"], shard["md5"]), "size and digests")
        plain = unwrap(world, manifest, content)
        equal((len(plain), hashlib.sha256(plain).hexdigest()), (shard["plain_size"], shard["plain_sha256"]),
              "plain size and digest")
        text = plain.decode(manifest["charset"]).splitlines()
        if manifest["header_line"]:
            equal(text[0], manifest["delimiter"].join(manifest["columns"]), "the header line")
            text = text[1:]
        equal(len(text), shard["records"], "the shard's records")
        lines += text
    equal(len(lines), manifest["records"], "the manifest's records")
    return manifest, lines


def unwrap(world, manifest, content):
    if manifest["encryption"] == "openpgp":
        content = world.keys.partner.open(content, signer=world.keys.gateway)
        content = content.encode() if isinstance(content, str) else content
    if manifest["compression"] == "gzip":
        return gzip.decompress(content)
    if manifest["compression"] == "zstd":
        return subprocess.run(["zstd", "-dc"], input=content, check=True, stdout=subprocess.PIPE).stdout
    return content


def amounts(manifest, lines):
    at = manifest["columns"].index("amount")
    return sum(int(line.split(manifest["delimiter"])[at]) for line in lines)


def lines_of(world, task):
    """A task's lines from the gateway's own folder, without the header lines."""
    folder = os.path.join(world.state, "lanes", "points", "recon", task)
    lines = []
    for part in world.gateway.json("recon", "show", task)["parts"]:
        with open(os.path.join(folder, part["name"])) as file:
            lines += file.read().splitlines()[1:]
    return lines


class StatusInterface:
    """The requester's status interface: keeps what it is told; answers with the statuses in `answers`, then 204."""

    def __init__(self, answers=()):
        self.told, self.answers = [], list(answers)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.told.append((self.path, dict(self.headers), body))
                self.send_response(outer.answers.pop(0) if outer.answers else 204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
