"""The requester's tool: recon pull and recon verify, against the real front, a cut line, and damaged shards."""
import contextlib
import glob
import hashlib
import os
import shutil
import subprocess

from harness import equal, has, test
from proxy import Proxy
from reconciliation import DATE, Requests, post, records, served
from world import World

FINE, NOT_FOUND, NOT_READY, INCOMPLETE, CORRUPT = 0, 4, 9, 10, 11


def folder_of(world, name="pulled"):
    return os.path.join(world.folder, name)


@test
def a_day_is_fetched_checked_joined_and_acknowledged():
    with served() as (world, requests):
        into = folder_of(world)
        joined = os.path.join(world.folder, "all.csv")
        result = requests.pull(into, "--join", joined)
        equal(result.status, FINE, result.out + result.err)
        manifest = requests.manifest()
        for shard in manifest["shards"]:
            with open(os.path.join(into, shard["name"]), "rb") as file:
                equal(hashlib.sha256(file.read()).hexdigest(), shard["sha256"], shard["name"])
        equal(glob.glob(into + "/*.part"), [], "left-overs")
        with open(joined, encoding="utf-8") as file:
            lines = file.read().splitlines()
        equal(len(lines), 26, "lines of the joined file: one header and 25 records")
        equal(requests.manifest_status(DATE)["acknowledged"], True, "acknowledged")
        again = requests.pull(into, "--json").json()
        equal((again["result"], again["bytes_transferred"]), ("whole", 0), "a second run")


@test
def the_manifest_can_be_checked_with_what_everybody_has():
    with served() as (world, requests):
        into = folder_of(world)
        equal(requests.pull(into).status, FINE, "pull")
        name = os.path.basename(glob.glob(into + "/*.manifest.json")[0])
        environment = {**os.environ, "GNUPGHOME": world.gnupg, "LC_ALL": "C"}
        for words in (["sha256sum", "-c", name + ".sha256"], ["md5sum", "-c", name + ".md5"],
                      ["gpg", "--batch", "--verify", name + ".asc", name]):
            done = subprocess.run(words, cwd=into, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            equal(done.returncode, 0, done.stdout.decode(errors="replace"))


@test
def verify_works_offline_and_tells_missing_from_corrupt():
    with served() as (world, requests):
        into = folder_of(world)
        equal(requests.pull(into).status, FINE, "pull")
        keys = ["--signed-by", world.keys.gateway, "--gnupg-home", world.gnupg]
        equal(requests.run("recon", "verify", into, *keys).status, FINE, "verify")
        shards = sorted(requests.manifest()["shards"], key=lambda s: s["number"])
        path = os.path.join(into, shards[1]["name"])
        with open(path, "r+b") as file:  # a flipped bit
            byte = file.read(20)[-1:]
            file.seek(19)
            file.write(bytes([byte[0] ^ 1]))
        result = requests.run("recon", "verify", into, "--json", *keys)
        equal((result.status, result.json()["corrupt"]), (CORRUPT, 1), result.err)
        has(result.err, shards[1]["name"], "which")
        os.unlink(path)
        result = requests.run("recon", "verify", into, "--json", *keys)
        equal((result.status, result.json()["missing"]), (INCOMPLETE, 1), result.err)
        equal(requests.run("recon", "verify", into, "--signed-by", world.keys.acme, "--gnupg-home", world.gnupg).status,
              CORRUPT, "another signer")
        manifest = glob.glob(into + "/*.manifest.json")[0]
        text = open(manifest).read()
        with open(manifest, "w") as file:
            file.write(text.replace('"version":1', '"version":2').replace('"version": 1', '"version": 2'))
        equal(requests.run("recon", "verify", into, *keys).status, CORRUPT, "a changed manifest")
        equal(requests.pull(into).status, FINE, "pull mends all of it")


@test
def not_ready_not_ours_and_wrong_keys_have_their_own_ends():
    with served() as (world, requests):
        into = folder_of(world)
        result = requests.pull(into, "--json", date="2099-01-01")
        equal(result.status, NOT_READY, result.out + result.err)
        assert result.json()["retry_after"] > 0, result.out
        equal(requests.pull(into, date="1999-01-01").status, NOT_FOUND, "a day that is none")
        wrong = os.path.join(world.folder, "wrong")
        with open(wrong, "w") as file:
            file.write("not the token")
        equal(requests.pull(into, token_file=wrong).status, 1, "a wrong token")
        equal(requests.run("recon", "pull", requests.url, "--type", "points", "--date", DATE, "--into", into).status, 2,
              "no --signed-by")
        result = requests.pull(into, "--signed-by", world.keys.acme)
        equal(result.status, CORRUPT, "another's signature is wanted: " + result.err)
        equal([n for n in os.listdir(into) if n.endswith(".csv")], [],
              "nothing is fetched on an untrusted manifest's word")


@test
def a_flipped_and_a_short_shard_are_fetched_again_and_a_bad_one_given_up():
    with served() as (world, requests):
        into = folder_of(world)
        shards = requests.manifest()["shards"]
        os.mkdir(into)
        for shard, change in ((shards[0], b"X" * shards[0]["size"]), (shards[1], b"Y" * 7)):
            with open(os.path.join(into, shard["name"] + ".part"),
                      "wb") as file:  # what an earlier run, of other bytes, left
                file.write(change)
        result = requests.pull(into, "--json")
        equal((result.status, result.json()["refetched"]), (FINE, 2), result.out + result.err)
        found = [os.path.join(path, shards[2]["name"]) for path, _,
                 names in os.walk(world.state) if shards[2]["name"] in names]
        with open(found[0], "r+b") as file:
            file.write(b"?")
        shutil.rmtree(into)
        result = requests.pull(into, "--json")
        equal((result.status, result.json()["whole"], result.json()["refetched"]), (CORRUPT, 2, 3),
              result.out + result.err)
        has(result.err, shards[2]["name"], "which")
        equal(requests.manifest_status(DATE).get("acknowledged"), True, "only the first pull acknowledged")


@test
def a_line_that_is_cut_costs_the_rest_of_a_shard_only():
    with World(local=True) as world:
        requests = Requests(world, threshold=20000).apply()
        world.start()
        requests.wait_up()
        post(world, "POINTS_1.dat.pgp", records(60000), seconds=120)
        requests.generate()
        size = sum(s["size"] for s in requests.manifest()["shards"])
        with contextlib.closing(Proxy(requests.port)) as proxy:
            proxy.cut_down, proxy.times = size // 8, 6
            result = requests.pull(folder_of(world), "--json", "--parallel", "2", url=f"https://127.0.0.1:{proxy.port}")
        equal(result.status, FINE, result.out + result.err)
        report = result.json()
        assert report["breaks"] >= 3, report
        equal(report["bytes_transferred"], size, "bytes that came")


@test
def a_killed_pull_goes_on_where_it_was():
    with World(local=True) as world:
        requests = Requests(world, threshold=50000).apply()
        world.start()
        requests.wait_up()
        post(world, "POINTS_1.dat.pgp", records(100000), seconds=120)
        requests.generate()
        size = sum(s["size"] for s in requests.manifest()["shards"])
        into = folder_of(world)
        with contextlib.closing(Proxy(requests.port)) as proxy:
            proxy.cut_down, proxy.times = size // 2, 1
            first = requests.pull(into, "--json", "--parallel", "1", url=f"https://127.0.0.1:{proxy.port}")
        equal(first.status, FINE, first.out + first.err)
        shards = requests.manifest()["shards"]
        path = os.path.join(into, shards[0]["name"])
        os.rename(path, path + ".part")
        os.truncate(path + ".part", shards[0]["size"] // 2)
        result = requests.pull(into, "--json").json()
        equal((result["result"], result["bytes_transferred"]), ("whole", shards[0]["size"] - shards[0]["size"] // 2),
              "the second run")


@test
def a_shard_that_the_server_has_no_more_ends_it_soon_and_the_next_run_goes_on():
    with served() as (world, requests):
        into = folder_of(world)
        name = requests.manifest()["shards"][1]["name"]
        found = [os.path.join(path, name) for path, _, names in os.walk(world.state) if name in names][0]
        os.rename(found, found + ".away")
        result = requests.pull(into, "--json", "--parallel", "1")
        equal((result.status, result.json()["whole"], result.json()["acknowledged"]), (INCOMPLETE, 1, False),
              result.out + result.err)
        has(result.err, name, "which")
        has(result.err, "410", "why")
        os.rename(found + ".away", found)
        equal(requests.pull(into, "--json").json()["result"], "whole", "the next run")


@test
def a_manifest_that_was_replaced_on_the_way_is_not_believed():
    with served() as (world, requests):
        path = [os.path.join(path, n) for path, _,
                names in os.walk(world.state) for n in names if n.endswith(".manifest.json")][0]
        with open(path) as file:
            text = file.read()
        for change in (("25", "26"), (DATE, "2026-11-21"), ("acme-bank", "acme-bonk")):
            with open(path, "w") as file:
                file.write(text.replace(*change))
            result = requests.pull(folder_of(world), "--json")
            equal((result.status, result.json()["shards"]), (CORRUPT, 0), f"{change}: {result.out}{result.err}")
        with open(path, "w") as file:
            file.write(text)
        # What was signed for one day is not taken for another.
        equal(requests.pull(folder_of(world), "--json").status, FINE, "the right one")
        os.makedirs(os.path.join(world.folder, "remote"))
        for suffix in ("", ".asc"):
            shutil.copy(os.path.join(folder_of(world), f"points_{DATE}.manifest.json" + suffix),
                        os.path.join(world.folder, "remote", "points_2026-11-19.manifest.json" + suffix))
        result = requests.run("recon", "pull", f"file://{world.folder}/remote", "--type", "points", "--date",
                              "2026-11-19", "--into", folder_of(world, "other"),
                              "--signed-by", world.keys.gateway, "--gnupg-home", world.gnupg)
        equal(result.status, CORRUPT, result.out + result.err)
        has(result.err, "not what was asked for", "why")
