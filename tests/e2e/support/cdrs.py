"""Full files of what was rated, as they lie in the lane's folder."""
import hashlib
import os

from harness import equal


def folder(world):
    return os.path.join(world.state, "lanes", "points", "cdr", "music")


def lines(path):
    with open(path, "rb") as file:
        return file.read().decode().splitlines()


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def chain(world):
    """All full files: numbers without a gap, each with the digest of the one before. Their records' first fields."""
    before, seen = "", []
    for file in world.gateway.json("cdr", "list", "--limit", "0")["files"]:
        path = os.path.join(folder(world), file["name"])
        text = lines(path)
        header, trailer = text[0].split("|"), text[-1].split("|")
        equal((header[1], int(header[3]), header[16]), ("sallyport-cdr-2", file["sequence"], before), file["name"])
        equal((int(header[8]), header[9], trailer[1:3]), (len(text) - 3, file["sum"], [header[8], header[9]]), "counts")
        equal(trailer[3], hashlib.sha256(("\n".join(text[:-1]) + "\n").encode()).hexdigest(), "its own digest")
        before = sha256(path)
        equal(file["sha256"], before, "the digest of " + file["name"])
        seen += [line.split("|")[1] for line in text[2:-1]]
    return seen
