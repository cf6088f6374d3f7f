"""A partner who sends again at once, under the same name: no file of his is ever taken away that was not fetched."""
import os
import threading
import time

import accruals
from ftp_servers import Vsftpd
from harness import SCALE, equal, test, wait_until
from world import World

NAME = "POINTS_again.dat.pgp"


class Sender:
    """Puts the next file under the name as soon as the marker of the one before is gone, in a thread of its own."""

    def __init__(self, world, count):
        self.world, self.count = world, count
        self.path = os.path.join(world.partner.outgoing, NAME)
        self.marker = self.path + ".ok"
        self.sealed = [world.partner.seal(accruals.text(accruals.records(2, prefix=f"V{i}"))) for i in range(count)]
        self.sent = 0
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        for content in self.sealed:
            end = time.monotonic() + 120 * SCALE
            while os.path.exists(self.marker):
                if time.monotonic() > end:
                    return
            temporary = self.path + ".being-written"
            with open(temporary, "wb") as file:
                file.write(content)
            os.rename(temporary, self.path)
            with open(self.marker, "wb"):
                pass
            self.sent += 1

    def finish(self):
        self.thread.join(timeout=300 * SCALE)
        equal(self.sent, self.count, "files sent")


def send_again(world, after, count):
    world.feed.source.update(after=after, every="1s")
    world.feed.settings["repeats"] = {"same-name": "accept"}
    world.start()
    sender = Sender(world, count)
    sender.thread.start()
    while sender.thread.is_alive():
        world.gateway.run("poll", "acme-points")
        time.sleep(0.1)
    sender.finish()

    def all_closed():
        rows = world.gateway.files("--limit", "0")
        return len([r for r in rows if r["state"] == "closed" and r["outcome"] == "accepted"]) == count
    wait_until(f"{count} files, each accepted", all_closed, seconds=60, log=world.gateway.log_tail)
    equal(len(world.gateway.entries()), 2 * count, "credits: two of each file")
    left = [n for n in os.listdir(world.partner.outgoing) if n != "archive"]
    equal(left, [], "the partner's folder")
    if after == "archive":
        kept = [n for n in os.listdir(os.path.join(world.partner.outgoing, "archive")) if ".ok" not in n]
        equal(len(kept), count, "files in the archive")


@test
def a_file_that_is_sent_again_at_once_is_never_lost_over_sftp():
    for after in ("delete", "archive"):
        with World() as world:
            send_again(world, after, 25)


@test
def a_file_that_is_sent_again_at_once_is_never_lost_in_a_local_folder():
    for after in ("delete", "archive"):
        with World(local=True) as world:
            send_again(world, after, 40)


@test
def a_file_that_is_sent_again_at_once_is_never_lost_over_ftp():
    for after in ("delete", "archive"):
        with World(local=True) as world, Vsftpd(world.folder, world.partner.root) as server:
            world.configuration.endpoints["main"] = server.endpoint()
            send_again(world, after, 15)


@test
def a_file_that_was_replaced_before_it_was_closed_is_left_where_it_is():
    with World(local=True) as world:
        world.feed.source.update(after="delete", every="1h", ready="rename", marker=None)
        os.rmdir(world.partner.incoming)
        world.start()
        world.drop(NAME, accruals.records(2), marker=False)
        world.gateway.run("poll", "acme-points")
        world.gateway.wait_state(NAME, "seen", "admitted", "fetched", "opened", "staged", "validated", "posting",
                                 "posted", "sealed")
        wait_until("its answer to fail", lambda: (world.gateway.file(NAME) or {}).get("problem"),
                   log=world.gateway.log_tail)
        newer = world.partner.seal(accruals.text(accruals.records(3, prefix="N")))
        world.partner.put(NAME, newer)
        os.mkdir(world.partner.incoming)
        world.gateway.ok("retry", NAME)
        wait_until("it to be closed", lambda: any(f["state"] == "closed" for f in world.gateway.files()),
                   log=world.gateway.log_tail)
        equal(sorted(n for n in os.listdir(world.partner.outgoing) if n != "archive")[:1]
              or len(world.gateway.files()) - 1, [NAME]
              if os.path.exists(os.path.join(world.partner.outgoing, NAME)) else 1,
              "the newer file is there, or was taken as a file of its own")
