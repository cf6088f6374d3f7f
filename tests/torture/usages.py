"""A day of usage: rates, then files with prices, tiers' counters, a key again, and what cannot be rated; killed in
between, each record is rated once all the same, and told the same."""
import json
import os

import rates
import usage
from cdrs import chain, folder, sha256
from configuration import Feed
from harness import equal, wait_until
from intake import Sender, event


def is_rated(world, key):
    told = world.gateway.run("rating", "explain", key, "--json")
    return told.status == 0 and json.loads(told.out)["status"] == "rated"


class Usages:
    name = "usages"
    first = {"POINTS_one.dat.pgp": "FB", "POINTS_two.dat.pgp": "FB"}
    later = {"POINTS_three.dat.pgp": "FB"}

    @staticmethod
    def configure(feed):
        for setting in ("key", "business-date"):
            feed.settings.pop(setting)
        feed.settings.update({"layout": "usage", "on-reject": "record"})
        feed.rules = {}
        feed.process = ("rating", {"name": "music"})
        feed.batch = {"size-min": 25, "size-max": 25, "allow-any-size": True}

    @classmethod
    def prepare(cls, world):
        world.configuration.layouts.update({"rates": rates.layout(), "usage": usage.layout(), "tiers": {
            "type": "delimited", "delimiter": "|",
            'record "D"': {'field "plan"': {}, 'field "up_to"': {"type": "integer"},
                           'field "price"': {"type": "decimal", "scale": 2}},
            'trailer "T"': {'field "count"': {"type": "integer", "control": "count"}}}})
        world.sender = Sender(world)
        there, archive = (os.path.join(world.folder, name) for name in ("billing", "archive"))
        os.makedirs(os.path.join(there, "cdr"), exist_ok=True)
        world.configuration.systems["billing"] = {"in": {"url": f"file://{there}"}}
        world.configuration.lane_settings['rating "music"'] = usage.rating(tiers={
            "kind": "graduated", "table": "tiers", "key": ["product_code"], "up-to": "up_to", "rate": "price"},
            **{'step "minutes"': {"amount": "plus(amount, price(quantity, rate, 60))"},
               "intake": world.sender.intake,
               "full-file": {"name": "MUSIC_{period}_{sequence}.dat", "fields": ["serial", "amount"], "records": 20,
                             "age": "1s", "archive": archive},
               'platform "some"': {"when": "serial GLOB 'S*'", "fields": ["serial"], "file": "SOME_{sequence}.dat",
                                   "push": {"system": "billing", "endpoint": "in", "path": "/cdr"}}})
        for table, key in (("rates", ["product", "zone"]), ("tiers", ["plan", "up_to"])):
            feed = Feed(f"{table}-sync")
            cls.configure(feed)
            feed.source["match"] = f"LOAD-{table}.dat.pgp"
            feed.settings.update({"layout": table, "on-reject": "file"})
            feed.process = ("reference", {"name": table, "key": key})
            world.configuration.lanes["points"].append(feed)

    @staticmethod
    def drop(world, name, text):
        world.partner.put(name, world.partner.seal(text))
        world.partner.put(name + ".ok", b"")

    @classmethod
    def drop_first(cls, world):
        """Usage that comes before its rates is suspended."""
        cls.drop(world, "POINTS_one.dat.pgp", usage.text(
            *[usage.record(f"S{i}", 60 + i, account=f"A{i % 7}") for i in range(60)]))
        cls.drop(world, "POINTS_two.dat.pgp", usage.text(
            *[usage.record(f"T{i}", -1 if i == 3 else 90, account=f"B{i % 7}") for i in range(30)],
            usage.record("T0", 90, account="B0")))

    @classmethod
    def drop_later(cls, world):
        cls.drop(world, "LOAD-rates.dat.pgp", rates.text("full", 1, [rates.rate("P1", "0.25")]))
        cls.drop(world, "LOAD-tiers.dat.pgp", "D|P1|500|1.40\nD|P1|9999999|1.32\nT|2\n")
        for table in ("rates", "tiers"):
            world.feedback(f"LOAD-{table}.dat.pgp")
        wait_until("what was suspended to be priced", lambda: all(is_rated(world, key) for key in ("S59", "T29")),
                   seconds=60, log=world.gateway.log_tail)
        cls.drop(world, "POINTS_three.dat.pgp", usage.text(
            *[usage.record(f"U{i}", 60 + i, account=f"A{i % 7}") for i in range(60)],
            usage.record("S5", 65, account="A5"), usage.record("S5", 66, account="A5")))
        for i in range(3):
            cls.send(world, i)

    @staticmethod
    def send(world, number):
        """Over HTTP, until it is answered: that answer is the same when it is sent again."""
        events = [event(f"H{number}-{i}", 60, account=f"H{i % 2}") for i in range(10)]

        def body():
            answer = world.sender.send(f"b{number}", events)
            return answer.status == 200 and answer.body
        first = wait_until("an answer over HTTP", body, seconds=60, log=world.gateway.log_tail)
        equal(wait_until("it again", body, seconds=60, log=world.gateway.log_tail), first, "the answer")

    @staticmethod
    def results(world, told):
        """Beside the answers: what each record has cost, after which counter."""
        for key in (*(f"{file}{i}" for file in "SU" for i in range(0, 60, 5)), "H2-9"):
            detail = world.gateway.json("rating", "explain", key)
            told[key] = tuple(detail.get(name) for name in ("status", "amount", "counter", "billed"))
        return told

    @staticmethod
    def finish(world, is_done):
        world.gateway.wait_quiet()
        wait_until("the last full file", lambda: world.gateway.run("cdr", "close").status == 0,
                   log=world.gateway.log_tail)  # the lane may die under it
        equal(sorted(chain(world)), sorted([f"{file}{i}" for file in "SU" for i in range(60)] +
                                           [f"T{i}" for i in range(30) if i != 3] +
                                           [f"H{n}-{i}" for n in range(3) for i in range(10)]), "in the full files")
        files = world.gateway.json("cdr", "list", "--limit", "0")["files"]
        parts, there = os.path.join(folder(world), "platforms"), os.path.join(world.folder, "billing", "cdr")
        names = sorted(os.listdir(parts))
        equal(len(names), len(files), "a file for each full file")
        wait_until("all of them to be there", lambda: sorted(os.listdir(there)) == names, seconds=60,
                   log=world.gateway.log_tail)
        for file in files:
            equal(sha256(os.path.join(world.folder, "archive", file["name"])), file["sha256"], "its copy")
        for name in names:
            equal(sha256(os.path.join(there, name)), sha256(os.path.join(parts, name)), name)
