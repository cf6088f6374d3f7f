"""The billing samples: a music service, a mobile operator and an insurer. What their generator's decimals come to is
what is answered, priced, filed and given to the platforms. SALLYPORT_BILLING_RECORDS: of each."""
import os

from billing import Business
from harness import equal, test
from packers import finish
from world import World

RECORDS = os.environ.get("SALLYPORT_BILLING_RECORDS", "300")
BUSINESSES = ("music", "mobile", "insurer")
CODES = {"B005", "B006", "B007", "B008", "B009", "B010", "K001", "K002", "K003", "K004"}


def rate_all(business):
    for name in business.tables:
        equal(business.take(name).verdict, "ACCEPTED", name)
    for name in ("USAGE_1", "USAGE_2"):
        equal(*business.codes(name), f"{business.name}, {name}: the answers")
    told = {code for answers in business.totals["files"].values() for code in answers if code}
    equal((told, set(business.totals["suspended"])), (CODES, {"B001", "B002", "B004"}), business.name + ": every code")


def file_all(world, business):
    name, totals = business.name, business.totals
    world.gateway.ok("cdr", "close", *business.lane)
    files = world.gateway.json("cdr", "list", *business.lane)["files"]
    equal((sum(f["records"] for f in files), files[-1]["sum"]), (totals["rated"], totals["sum"]), name)
    shown = world.gateway.json("cdr", "show", str(len(files)), *business.lane)
    equal({p["platform"]: [p["records"], p["sum"]] for p in shown["platforms"]}, totals["platforms"],
          name + ": the matrix")
    equal((shown["unrouted"], shown["several"], shown["state"]), (totals["unrouted"], totals["several"], "split"),
          name + ": beside it")


@test
def what_the_samples_come_to_is_what_decimals_say():
    with World(local=True) as world:
        world.configuration.lanes = {}
        businesses = [Business(world, name, RECORDS) for name in BUSINESSES]
        world.start()
        for business in businesses:
            rate_all(business)
            file_all(world, business)
        finish(world)
