"""The billing samples: a music service, a mobile operator and an insurer. What their generator's decimals come to is
what is answered, priced, filed and given to the platforms. SALLYPORT_BILLING_RECORDS: of each."""
import json
import os
import re
import subprocess
import sys
from collections import Counter
from types import SimpleNamespace

from harness import TOP, equal, test
from packers import OtherFeed, finish, opened
from world import World

SAMPLES = os.path.join(TOP, "conf/samples/billing")
RECORDS = os.environ.get("SALLYPORT_BILLING_RECORDS", "300")
BUSINESSES = ("music", "mobile", "insurer")
CODES = {"B005", "B006", "B007", "B008", "B009", "B010", "K001", "K002", "K003", "K004"}


def generated(world, business):
    folder = os.path.join(world.folder, "generated", business)
    subprocess.run([sys.executable, os.path.join(SAMPLES, "generate"), business, RECORDS, folder], check=True)
    with open(os.path.join(folder, "totals.json"), encoding="utf-8") as file:
        return folder, json.load(file)


def sample(world, business):
    """The sample's text for this world, and where its feeds look: by the beginning of a file's name."""
    with open(os.path.join(SAMPLES, business + ".conf"), encoding="utf-8") as file:
        text = file.read().replace('every = "60s"', 'every = "1s"')
    for path in re.findall(r'path = "/([^"]*)"', text):
        os.makedirs(os.path.join(world.partner.root, path), exist_ok=True)
    folders = re.findall(r"path = \"/([^\"]*)\"  match = '([A-Z]*)_", text)
    return text, {word: os.path.join(world.partner.root, path) for path, word in folders}


def take(world, business, folder, to, name):
    """Drops one file; its answer."""
    with open(os.path.join(folder, name + ".dat"), encoding="utf-8") as file:
        sealed = world.partner.seal(file.read())
    target = os.path.join(to[name.split("_")[0]], name + ".pgp")
    for path, content in ((target, sealed), (target + ".ok", b"")):
        with open(path, "wb") as file:
            file.write(content)
    back = os.path.join(world.partner.root, business + "-answers")
    feed = SimpleNamespace(name=business, world=world, back=back,
                           answer=lambda file: OtherFeed.answer(SimpleNamespace(back=back), file))
    return opened(world, feed, name + "_FB.dat.pgp")


def rate_all(world, business, to):
    folder, totals = generated(world, business)
    for name in sorted(os.listdir(folder)):
        if name.endswith("_1.dat") and not name.startswith("USAGE"):
            equal(take(world, business, folder, to, name[:-4]).verdict, "ACCEPTED", name)
    for name in ("USAGE_1", "USAGE_2"):
        answers = Counter(code for _, _, code in take(world, business, folder, to, name).results)
        equal({c: n for c, n in answers.items() if c}, {c: n for c, n in totals["files"][name].items() if c},
              f"{business}, {name}: the answers")
    return totals


@test
def what_the_samples_come_to_is_what_decimals_say():
    with World(local=True) as world:
        to = {}
        world.configuration.lanes = {}
        for business in BUSINESSES:
            text, to[business] = sample(world, business)
            world.configuration.extra += text
        world.start()
        for business in BUSINESSES:
            totals = rate_all(world, business, to[business])
            told = {code for answers in totals["files"].values() for code in answers if code}
            equal((told, set(totals["suspended"])), (CODES, {"B001", "B002", "B004"}), business + ": every code")
            lane = ("--lane", "billing-" + business)
            world.gateway.ok("cdr", "close", *lane)
            files = world.gateway.json("cdr", "list", *lane)["files"]
            equal((sum(f["records"] for f in files), files[-1]["sum"]), (totals["rated"], totals["sum"]), business)
            shown = world.gateway.json("cdr", "show", str(len(files)), *lane)
            equal({p["platform"]: [p["records"], p["sum"]] for p in shown["platforms"]}, totals["platforms"],
                  business + ": the matrix")
            equal((shown["unrouted"], shown["several"], shown["state"]),
                  (totals["unrouted"], totals["several"], "split"), business + ": beside it")
        finish(world)
