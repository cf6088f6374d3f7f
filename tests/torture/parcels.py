"""Days of what is around the records: signatures, packing and declarations beside files, and files that are handed on
as a whole."""
import hashlib
import os
import sqlite3

import accruals
import packers
from harness import equal, wait_until


class Parcel:
    """Zipped files in the clear with a detached signature, declared by an index, which goes with the last of its
    files."""
    name = "parcel"
    again = ("close-after-claim",)  # of signatures, too, and last of the index
    first = {"POINTS_a.dat.pgp": "FB", "POINTS_b.dat.pgp": "FB", "POINTS_bad.dat.pgp": "EX"}
    later = {}

    @staticmethod
    def configure(feed):
        feed.source.update({"envelope": "detached-signature", "outer-packing": "zip", "ready": "declared",
                            "marker": None,
                            "declared": {"file": "INDEX_*.txt", "format": "columns",
                                         "columns": ["name", "size", "sha256"]}})

    @classmethod
    def drop_first(cls, world):
        index = ""
        for name in cls.first:
            plain = accruals.text(accruals.records(6, prefix=name[7:9]))
            world.partner.originals[name] = plain
            signature = world.keys.partner.run("-u", world.keys.acme, "-b", "-o", "-",
                                               data=plain.encode() + b"x" * ("bad" in name))
            content = packers.pack("zip", plain.encode())
            world.partner.put(name, content)
            world.partner.put(name + ".sig", signature)
            index += f"{name},{len(content)},{hashlib.sha256(content).hexdigest()}\n"
        world.partner.put("INDEX_1.txt", index.encode())

    @staticmethod
    def drop_later(world):
        """Nothing."""

    @staticmethod
    def finish(world, is_done):
        world.gateway.wait_quiet()
        equal([n for n in os.listdir(world.partner.outgoing) if n != "archive"], [], "left in the partner's folder")


class Rows:
    """A query whose rows become two files in a folder, each row in one of them."""
    COUNT = 9

    @classmethod
    def prepare(cls, world):
        database, folder = os.path.join(world.folder, "core.db"), os.path.join(world.folder, "rows")
        os.makedirs(folder)
        connection = sqlite3.connect(database)
        connection.execute("CREATE TABLE item (id INTEGER PRIMARY KEY)")
        connection.executemany("INSERT INTO item VALUES (?)", [(n,) for n in range(cls.COUNT)])
        connection.commit()
        connection.close()
        world.configuration.layouts["rows"] = {
            "type": "delimited", "delimiter": "|", 'record "D"': {'field "id"': {"type": "integer"}},
            'trailer "T"': {'field "count"': {"type": "integer", "control": "count"}}}
        world.configuration.lane_settings['query "rows"'] = {
            "from": "sqlite", "path": database, "query": "SELECT id FROM item", "cursor": ["id"], "rows": 5,
            "every": "1s", "layout": "rows", "folder": folder, "name": "ROWS_{sequence}.txt"}

    @classmethod
    def finish(cls, world):
        folder = os.path.join(world.folder, "rows")
        names = ["ROWS_1.txt", "ROWS_2.txt"]
        wait_until("the rows", lambda: sorted(os.listdir(folder)) == names, log=world.gateway.log_tail)
        text = "".join(open(os.path.join(folder, name)).read() for name in names)
        lines = [f"D|{n}\n" for n in range(cls.COUNT)]
        equal(text, "".join(lines[:5]) + "T|5\n" + "".join(lines[5:]) + "T|4\n", "the rows")


class HandedOn:
    """Files that are encrypted anew and handed on to an inner system: each once, with its marker; and rows of a
    database."""
    name = "handing_on"
    first = {"POINTS_a.dat.pgp": "FB", "POINTS_b.dat.pgp": "FB", "POINTS_rules.dat.pgp": "EX"}
    later = {"POINTS_copy.dat.pgp": "EX"}

    @staticmethod
    def configure(feed):
        feed.settings.pop("key")
        feed.settings["on-reject"] = "file"
        feed.feedback["columns"] = ["reference"]

    @staticmethod
    def prepare(world):
        Rows.prepare(world)
        inner = os.path.join(world.folder, "inner")
        os.makedirs(inner)
        world.configuration.systems["core"] = {"drop": {"url": "file://" + inner}}
        world.feed.process = ("deliver", {"system": "core", "endpoint": "drop", "path": ".", "name": "{stem}.gpg",
                                          "marker": "{name}.ok",
                                          "envelope": "openpgp", "encrypt-to": [world.keys.acme_next],
                                          "packing": "gzip"})

    @classmethod
    def drop_first(cls, world):
        for name in cls.first:
            world.drop(name, accruals.records(9, prefix=name[7:9], broken={4} if "rules" in name else ()))

    @staticmethod
    def drop_later(world):
        world.drop("POINTS_copy.dat.pgp", accruals.records(9, prefix="a."))

    @staticmethod
    def finish(world, is_done):
        world.gateway.wait_quiet()
        Rows.finish(world)
        inner = os.path.join(world.folder, "inner")
        equal(sorted(os.listdir(inner)), ["POINTS_a.gpg", "POINTS_a.gpg.ok", "POINTS_b.gpg", "POINTS_b.gpg.ok"],
              "the inner folder")
        for stem in ("POINTS_a", "POINTS_b"):
            with open(os.path.join(inner, stem + ".gpg"), "rb") as file:
                content = packers.unpack("gzip", world.keys.partner.open(file.read(), signer=world.keys.gateway))
            equal(content.decode(), world.partner.originals[stem + ".dat.pgp"], "what was handed on")
