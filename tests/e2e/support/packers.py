"""What partners wrap their files in, made and opened by the real tools, and a feed for each way."""
import os
import shutil
import subprocess
import tempfile

import accruals
from configuration import Feed
from harness import Missing, equal, wait_until
from partner import command

TOOLS = {"gzip": "gzip", "zstd": "zstd", "zip": "zip"}
SUFFIX = {"gzip": ".gz", "zstd": ".zst", "zip": ".zip"}


def need(*tools):
    for tool in tools:
        if shutil.which(tool) is None:
            raise Missing(f"no {tool} here")


def in_folder(work):
    """Runs work(folder) in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="spt-pack-") as folder:
        return work(folder)


def zipped(members, *options):
    """A zip of these (name, bytes), as Info-ZIP makes it."""
    need("zip")

    def work(folder):
        for name, content in members:
            with open(os.path.join(folder, name), "wb") as file:
                file.write(content)
        subprocess.run(["zip", "-q", "-X", *options, "out.zip", *[name for name, _ in members]], cwd=folder, check=True)
        with open(os.path.join(folder, "out.zip"), "rb") as file:
            return file.read()
    return in_folder(work)


def pack(kind, content):
    need(TOOLS[kind])
    if kind == "zip":
        return zipped([("data.txt", content)])
    return command(TOOLS[kind], "-q", "-c", data=content)


def unpack(kind, content):
    if kind != "zip":
        return command(TOOLS[kind], "-q", "-d", "-c", data=content)
    need("unzip")

    def work(folder):
        path = os.path.join(folder, "in.zip")
        with open(path, "wb") as file:
            file.write(content)
        names = command("unzip", "-Z1", path).decode().splitlines()
        equal(len(names), 1, "members of the zip")
        return command("unzip", "-p", path)
    return in_folder(work)


class OtherFeed(Feed):
    """A feed with folders of its own and, if asked for, another process than the ledger."""

    def __init__(self, world, name, *, match="POINTS_*", process=None, **source):
        super().__init__(name, outgoing=f"{name}/out", incoming=f"{name}/in")
        self.world = world
        self.out, self.back = (os.path.join(world.partner.root, name, part) for part in ("out", "in"))
        for path in (self.out, self.back):
            os.makedirs(path)
        self.source.update(match=match, **source)
        self.ledger["name"] = name
        self.process = process  # (kind, settings)
        self.repeats = None

    def block(self):
        settings = super().block()
        if self.repeats:
            settings["repeats"] = self.repeats
        return settings

    def put(self, name, content):
        temporary = os.path.join(self.out, ".being-written")
        with open(temporary, "wb") as file:
            file.write(content)
        os.rename(temporary, os.path.join(self.out, name))

    def drop(self, name, content):
        """With its marker."""
        self.put(name, content)
        self.put(name + ".ok", b"")

    def answer(self, name):
        """The bytes of an answer whose marker is there."""
        if not os.path.exists(os.path.join(self.back, name + ".ok")):
            return None
        with open(os.path.join(self.back, name), "rb") as file:
            return file.read()


def answered(feed, name):
    return wait_until(f"answer {name} of {feed.name}", lambda: feed.answer(name), log=feed.world.gateway.log_tail)


def opened(world, feed, name):
    return accruals.parse_feedback(world.keys.partner.open(answered(feed, name), signer=world.keys.gateway).decode())


def problem_of(world, name):
    row = world.gateway.file(name)
    return (row and (row["problem"] or (row["waits"] or {}).get("words"))) or ""


def finish(world):
    """What can be asked of any world once it is quiet: the books add up."""
    world.gateway.wait_quiet()
    world.gateway.ok("verify")
    world.gateway.ok("audit", "verify")
