"""RECON: the rows R1–R7 and R11 of the mission that are the gateway's: tasks, shards, manifests, what goes out."""
import gzip
import hashlib
import json
import os
import subprocess

import accruals
import invariants
from harness import equal, has, test, wait_until
from world import World

DAY = "2024-11-20"
COLUMNS = ["key", "account", "amount", "business_date", "name", "line"]


def header(day=DAY, sequence=1):
    return f"H|ACME|{day}|{sequence:06d}|1"


def recon_world(*, threshold=1000, name="acme-daily", push=True, **changes):
    """A world with one reconciliation, pushed into the partner's folder "recon"."""
    world = World(local=changes.pop("local", True))
    read = {"from": "ledger", "ledger": "miles", "columns": COLUMNS, **changes.pop("read", {})}
    settings = {"requester": "acme-bank", "type": "points", "threshold": threshold, "read": {k: v for k, v in read.items() if v is not None},
                "push": {"endpoint": "main", "path": "recon", "marker": "{name}.ok"} if push else None, **changes}
    world.configuration.lane_settings[f'reconcile "{name}"'] = settings
    world.recon_folder = os.path.join(world.partner.root, "recon")
    os.makedirs(world.recon_folder)
    return world


def settings_of(world, name="acme-daily"):
    return world.configuration.lane_settings[f'reconcile "{name}"']


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
    world.keys.partner.verify_detached(os.path.join(folder, name), os.path.join(folder, name + ".asc"), signer=world.keys.gateway)
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
        equal((len(plain), hashlib.sha256(plain).hexdigest()), (shard["plain_size"], shard["plain_sha256"]), "plain size and digest")
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


@test(quick=True)
def credits_of_a_day_become_shards_with_a_manifest_that_the_requesters_own_tools_check():
    """R3 R4 R5 R6 R11"""
    with recon_world(threshold=1000) as world:
        world.start()
        made = accruals.records(2500, broken={7})
        bring(world, "A", made)
        task = run(world)
        equal((task["state"], task["records"], task["shards"]), ("done", 2499, 3), "the task")
        wait_pushed(world)
        manifest, lines = read_set(world)
        equal([s["records"] for s in manifest["shards"]], [1000, 1000, 499], "records by shard")
        good = [r for r in made if int(r.points) <= 100000]
        equal([line.split(",")[0] for line in lines], [r.reference for r in good], "every accepted record once, in the file's order")
        equal((int(manifest["total"]), amounts(manifest, lines)), (sum(int(r.points) for r in good),) * 2, "totals")
        equal(lines[0], f"R-00000001,M000000001,101,{DAY},POINTS_A.dat.pgp,2", "a line")
        assert os.path.exists(os.path.join(world.recon_folder, "points_2024-11-20.manifest.json.ok")), "no marker"
        world.settle()
