"""A day of a reference table: a full load, a delta, and one that does not fit; each file makes one version. Then an
operator loads a file, again until there is a version of it: that is there as a whole, and once."""
import os

import rates
from harness import equal, wait_until


class Tables:
    name = "tables"
    again = ("reference-before-commit", "reference-after-commit")
    first = {"POINTS_full.dat.pgp": "FB"}
    later = {"POINTS_delta.dat.pgp": "FB", "POINTS_overlap.dat.pgp": "EX"}

    @staticmethod
    def configure(feed):
        for setting in ("key", "business-date"):
            feed.settings.pop(setting)
        feed.settings.update({"layout": "rates", "on-reject": "file"})
        feed.rules = {}
        feed.process = ("reference", rates.SETTINGS)
        feed.batch = {"size-min": 25, "size-max": 25, "allow-any-size": True}

    @staticmethod
    def prepare(world):
        world.configuration.layouts["rates"] = rates.layout()

    @staticmethod
    def drop(world, name, text):
        world.partner.put(name, world.partner.seal(text))
        world.partner.put(name + ".ok", b"")

    @classmethod
    def drop_first(cls, world):
        cls.drop(world, "POINTS_full.dat.pgp", rates.text("full", 1, [rates.rate(f"P{i}", "0.25") for i in range(60)]))

    @classmethod
    def drop_later(cls, world):
        cls.drop(world, "POINTS_delta.dat.pgp", rates.text("delta", 2, [
            rates.rate("P1", "0.25", until="2026-11-30"), rates.rate("P1", "0.3", "2026-12-01"),
            rates.rate("P2", "0.25", operation="remove")]))
        cls.drop(world, "POINTS_overlap.dat.pgp", rates.text("full", 3, [rates.rate("P1", "1"), rates.rate("P1", "2")]))

    @staticmethod
    def versions(world):
        return world.gateway.json("refdata", "list")["tables"][0]["versions"]

    @classmethod
    def load_by_hand(cls, world):
        path = os.path.join(world.folder, "by-hand.dat")
        with open(path, "w", encoding="utf-8") as file:
            file.write(rates.text("delta", 3, [rates.rate("P4", "9")]))
        world.gateway.run("refdata", "load", path, "--plain", "--reason", "price of P4")
        return len(cls.versions(world)) == 3

    @classmethod
    def finish(cls, world, is_done):
        world.gateway.wait_quiet()
        wait_until("a version by hand", lambda: cls.load_by_hand(world), log=world.gateway.log_tail)
        versions = cls.versions(world)
        equal([(v["version"], v["kind"], v["rows"], v["added"], v["changed"], v["removed"]) for v in versions],
              [(3, "delta", 60, 0, 1, 0), (2, "delta", 60, 1, 1, 1), (1, "full", 60, 60, 0, 0)], "versions")
        assert "price of P4" in world.gateway.ok("audit", "list").out, "the audit does not have the load by hand"
        for product, prices in (("P1", ["0.2500", "0.3000"]), ("P3", ["0.2500"])):
            rows = world.gateway.json("refdata", "show", product, "home")["rows"]
            equal([row["content"]["rate"] for row in rows], prices, product)
