"""The world breaks in the middle: connections cut at many bytes, a server that falls silent or is gone, a disk that
fills."""
import os

import accruals
from harness import equal, test, wait_until
from small_disk import SmallDisk
from world import World


def traffic(world):
    """One undisturbed file, to know how many bytes a whole exchange moves each way."""
    world.drop("POINTS_measure.dat.pgp", accruals.records(300, prefix="MEASURE"))
    world.feedback("POINTS_measure.dat.pgp")
    world.gateway.wait_quiet()
    return world.proxy.down, world.proxy.up


def cut_and_survive(world, number, **cut):
    """Breaks the next connection at this byte; the file goes through all the same."""
    world.proxy.cut_down, world.proxy.cut_up, world.proxy.times = cut.get("down"), cut.get("up"), 1
    world.sshd.drop_sessions()  # so that a new connection is made, which is the one that breaks
    name = f"POINTS_{number}.dat.pgp"
    world.drop(name, accruals.records(300, prefix=f"C{number}"))
    equal(world.feedback(name, seconds=90).accepted, 300, f"accepted with a cut at {cut}")


@test
def a_connection_cut_at_any_byte_from_the_server_loses_and_doubles_nothing():
    with World(proxied=True) as world:
        world.start()
        down, _ = traffic(world)
        for number, at in enumerate(range(10, down, max(1, down // 14))):
            cut_and_survive(world, number, down=at)
        world.proxy.times = 0
        world.settle(seconds=120)


@test
def a_connection_cut_at_any_byte_to_the_server_loses_and_doubles_nothing():
    with World(proxied=True) as world:
        world.start()
        _, up = traffic(world)
        for number, at in enumerate(range(10, up, max(1, up // 14))):
            cut_and_survive(world, number, up=at)
        world.proxy.times = 0
        world.settle(seconds=120)


@test
def a_large_download_that_breaks_goes_on_where_it_broke():
    with World(proxied=True) as world:
        world.start()
        made = accruals.records(60000, prefix="BIG")
        world.drop("POINTS_big.dat.pgp", made, marker=False)
        world.gateway.wait_state("POINTS_big.dat.pgp", "seen")
        size = os.path.getsize(os.path.join(world.partner.outgoing, "POINTS_big.dat.pgp"))
        world.proxy.cut_down, world.proxy.times = size * 2 // 3, 1
        world.sshd.drop_sessions()
        before = world.proxy.down
        world.partner.put(world.partner.marker("POINTS_big.dat.pgp"), b"")
        equal(world.feedback("POINTS_big.dat.pgp", seconds=90).accepted, 60000, "accepted")
        moved = world.proxy.down - before
        assert moved < size * 1.4, f"{moved} bytes were moved for a file of {size}: it was fetched anew"
        world.settle()


@test
def a_server_that_falls_silent_is_given_up_and_another_partner_is_not_delayed():
    with World(proxied=True) as world:
        world.configuration.endpoints["main"]["io-timeout"] = "3s"
        world.start()
        traffic(world)
        world.proxy.stall_down, world.proxy.times = 3000, 1
        world.sshd.drop_sessions()
        world.drop("POINTS_silent.dat.pgp", accruals.records(300, prefix="SILENT"))
        equal(world.feedback("POINTS_silent.dat.pgp", seconds=90).accepted, 300, "accepted")
        world.settle()


@test
def a_partners_server_that_goes_away_and_comes_back_again_and_again_delays_only():
    with World() as world:
        world.start()
        for i in range(5):
            name = f"POINTS_{i}.dat.pgp"
            world.drop(name, accruals.records(1500, prefix=f"S{i}"))
            world.gateway.wait_state(name, "seen", "admitted", "fetched", "opened", "staged", "validated", "posting",
                                     "posted",
                                     "sealed", "answered", "closed", seconds=60)
            world.sshd.stop()
            world.sshd.start()
        for i in range(5):
            equal(world.feedback(f"POINTS_{i}.dat.pgp", seconds=90).accepted, 1500, "accepted")
        world.settle(seconds=90)


@test
def a_folder_that_is_not_there_is_told_and_taken_up_when_it_appears():
    with World() as world:
        os.rmdir(world.partner.outgoing)
        world.start()

        def told():
            feeds = [f for lane in world.gateway.json("status")["lanes"] for f in lane["feeds"]]
            return feeds[0].get("problem")
        wait_until("the problem in status", told, log=world.gateway.log_tail)
        os.mkdir(world.partner.outgoing)
        world.drop("POINTS_d.dat.pgp", accruals.records(5))
        equal(world.feedback("POINTS_d.dat.pgp", seconds=90).accepted, 5, "accepted")
        world.settle()


@test
def answers_go_through_when_the_partners_incoming_folder_comes_back():
    with World() as world:
        os.rmdir(world.partner.incoming)
        world.start()
        world.drop("POINTS_i.dat.pgp", accruals.records(5))
        world.gateway.wait_state("POINTS_i.dat.pgp", "sealed")
        wait_until("a failed push", lambda: world.gateway.file("POINTS_i.dat.pgp")["problem"],
                   log=world.gateway.log_tail)
        os.mkdir(world.partner.incoming)
        row = world.gateway.file("POINTS_i.dat.pgp")
        world.gateway.ok("retry" if row["state"] != "held" else "release", row["id"])
        equal(world.feedback("POINTS_i.dat.pgp", seconds=90).accepted, 5, "accepted")
        world.settle()


def full_disk(room):
    """Fills the disk down to `room` while a file is on its way, sees it stop, makes room, and sees it finish."""
    with World() as world:
        disk = SmallDisk(world.state, 64)
        try:
            world.start()
            world.drop("POINTS_warm.dat.pgp", accruals.records(5, prefix="WARM"))
            world.feedback("POINTS_warm.dat.pgp")
            world.gateway.wait_quiet()
            disk.leave(room)
            world.drop("POINTS_full.dat.pgp", accruals.records(20000, prefix="FULL"))

            def stopped_or_done():
                log = world.gateway.log()
                return "No space" in log or "disk is full" in log or "full" in log or world.partner.received()[1:]
            wait_until("the full disk to be told", stopped_or_done, seconds=40, log=world.gateway.log_tail)
            disk.free()
            row = world.gateway.file("POINTS_full.dat.pgp")
            if row and row["state"] == "held":
                world.gateway.ok("release", row["id"])
            equal(world.feedback("POINTS_full.dat.pgp", seconds=120).accepted, 20000,
                  f"accepted after {room} bytes were left")
            world.settle(seconds=90)
            world.gateway.stop()
        finally:
            world.gateway.close()
            disk.close()


# What is left when the file arrives: nothing for the book's own log; not the ciphertext; not the plaintext beside it;
# not staging; not the ledger; not the answer. The sizes are those of 20,000 records (2.2 MB), in steps.
@test(needs_root=True)
def a_disk_without_any_room_delays_and_nothing_else():
    full_disk(0)


@test(needs_root=True)
def a_disk_that_fills_while_the_file_is_fetched_delays_and_nothing_else():
    full_disk(1 << 20)


@test(needs_root=True)
def a_disk_that_fills_while_it_is_decrypted_delays_and_nothing_else():
    full_disk(3 << 20)


@test(needs_root=True)
def a_disk_that_fills_while_it_is_staged_delays_and_nothing_else():
    full_disk(5 << 20)


@test(needs_root=True)
def a_disk_that_fills_while_it_is_posted_delays_and_nothing_else():
    full_disk(7 << 20)


@test(needs_root=True)
def a_disk_that_fills_while_it_is_answered_delays_and_nothing_else():
    full_disk(9 << 20)
