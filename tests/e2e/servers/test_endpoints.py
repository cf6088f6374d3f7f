"""Ways to log in, downloads that go on where they were, silent servers, huge folders, couriers that hang."""
import os
import signal
import socket
import subprocess
import time

import accruals
from configuration import Feed
from harness import equal, lacks, test, wait_until
from partner import Keys
from processes import consumption
from world import World


def ssh_key(world, kind, *, bits, passphrase=""):
    path = os.path.join(world.folder, f"key-{kind}-{bits}")
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-b", bits, "-N", passphrase, "-f", path], check=True)
    return path


@test
def an_ecdsa_key_with_a_passphrase_logs_in_where_another_type_of_host_key_is_pinned():
    with World() as world:
        identity, host = ssh_key(world, "ecdsa", passphrase="CANARY-of-the-key", bits="521"), ssh_key(world, "ecdsa",
                                                                                                      bits="256")
        secret = os.path.join(world.folder, "secret")
        with open(secret, "w") as file:
            file.write("CANARY-of-the-key\n")
        os.chmod(secret, 0o600)
        world.sshd.stop()
        # The server shows its ed25519 key first to whoever does not ask for the other.
        world.sshd.options = f"HostKey {world.keys.host}\nHostKey {host}\nAuthorizedKeysFile {identity}.pub"
        world.sshd.start()
        endpoint = world.configuration.endpoints["main"]
        endpoint.update({"identity-file": identity, "passphrase-file": secret,
                         "host-key": [Keys.fingerprint(world.keys.other_host), Keys.fingerprint(host)]})
        world.start()
        world.drop("POINTS_e.dat.pgp", accruals.records(5))
        equal(world.feedback("POINTS_e.dat.pgp").accepted, 5, "accepted")
        for pid in world.gateway.pids():
            with open(f"/proc/{pid}/cmdline", "rb") as line, open(f"/proc/{pid}/environ", "rb") as environment:
                assert b"CANARY-of" not in line.read() + environment.read(), "the passphrase is visible in /proc"
        lacks(world.gateway.log(), "CANARY-of", "the log")
        world.settle()


@test
def a_download_goes_on_where_it_was_when_courier_or_lane_are_killed():
    with World(proxied=True) as world:
        world.start()
        made = accruals.records(60000, prefix="BIG")
        world.drop("POINTS_big.dat.pgp", made, marker=False)
        world.gateway.wait_state("POINTS_big.dat.pgp", "seen")
        size = os.path.getsize(os.path.join(world.partner.outgoing, "POINTS_big.dat.pgp"))
        spool = os.path.join(world.state, "lanes", "points", "spool", "in")
        world.proxy.stall_down, world.proxy.times = size // 3, 2
        world.sshd.drop_sessions()
        before = world.proxy.down
        world.partner.put(world.partner.marker("POINTS_big.dat.pgp"), b"")
        have = 0
        for kind in ("courier", "lane"):
            def stalled():
                parts = [os.path.getsize(os.path.join(spool, n)) for n in os.listdir(spool) if n.endswith(".part")]
                return parts and parts[0] > have + size // 5 and parts[0]
            have = wait_until(f"a stalled download before the {kind} is killed", stalled, log=world.gateway.log_tail)
            for pid in world.gateway.named(kind):
                os.kill(pid, signal.SIGKILL)
        equal(world.feedback("POINTS_big.dat.pgp", seconds=60).accepted, 60000, "accepted")
        moved = world.proxy.down - before
        assert moved < size * 1.3, f"{moved} bytes were moved for a file of {size}: it was fetched anew"
        world.settle(seconds=90)


@test
def a_silent_server_delays_no_other_feed_of_its_lane():
    """One feed polls a black hole, another one's answers go there."""
    with World() as world, socket.create_server(("127.0.0.1", 0), backlog=200) as hole:
        world.configuration.endpoints["hole"] = {**world.sftp(), "url": f"sftp://gw@127.0.0.1:{hole.getsockname()[1]}",
                                                 "connect-timeout": "30s"}
        for folder in ("out2", "out3", "in3"):
            os.mkdir(os.path.join(world.partner.root, folder))
        polls, answers = Feed("polls-it", endpoint="hole"), Feed("answers-there", outgoing="out3")
        answers.feedback["endpoint"] = "hole"
        world.configuration.lanes["points"] += [polls, answers]
        world.start()
        for i in range(40):  # more than a feed has under way at a time
            for name, content in ((f"POINTS_s{i}.dat.pgp",
                                   world.partner.seal(accruals.text(accruals.records(2, prefix=f"S{i}")))),
                                  (f"POINTS_s{i}.dat.pgp.ok", b"")):
                with open(os.path.join(world.partner.root, "out3", name), "wb") as file:
                    file.write(content)
        wait_until("posted files whose answers cannot go out",
                   lambda: len(world.gateway.files("--state", "sealed")) >= 20, log=world.gateway.log_tail)
        slowest = 0
        for i in range(5):
            begun = time.monotonic()
            world.drop(f"POINTS_q{i}.dat.pgp", accruals.records(50, prefix=f"Q{i}"))
            world.feedback(f"POINTS_q{i}.dat.pgp")
            slowest = max(slowest, time.monotonic() - begun)
        assert slowest < 6, f"a file took {slowest:.1f} s beside a silent server"
        begun = time.monotonic()
        equal(world.gateway.stop(), 0, "exit status")
        assert time.monotonic() - begun < 20, "the silent server held up the end"


@test
def a_folder_of_10500_files_holds_up_no_ready_one_and_little_memory():
    with World() as world:
        world.feed.source["every"] = "2s"
        for i in range(10500):
            with open(os.path.join(world.partner.outgoing, f"POINTS_{i:05d}.dat.pgp"), "wb"):
                pass
        world.start()
        world.drop("POINTS_ready.dat.pgp", accruals.records(10))
        equal(world.feedback("POINTS_ready.dat.pgp").accepted, 10, "accepted")
        wait_until("all to be seen", lambda: len(world.gateway.files("--state", "seen", "--limit", "0")) == 10500,
                   log=world.gateway.log_tail)
        resident = consumption(world)[2]
        assert resident < 64 * 1024, f"the lane has {resident} KiB"
        for i in range(10500):
            os.unlink(os.path.join(world.partner.outgoing, f"POINTS_{i:05d}.dat.pgp"))
        wait_until("all to be gone", lambda: not world.gateway.files("--state", "seen"), log=world.gateway.log_tail)
        world.gateway.ok("audit", "verify")


@test
def a_courier_that_hangs_is_replaced():
    with World() as world:
        world.configuration.endpoints["main"].update({"io-timeout": "1s", "connections": 1})
        world.start()
        world.drop("POINTS_h0.dat.pgp", accruals.records(5))
        world.feedback("POINTS_h0.dat.pgp")
        hung = wait_until("a courier", lambda: world.gateway.named("courier"))
        for pid in hung:
            os.kill(pid, signal.SIGSTOP)
        world.drop("POINTS_h1.dat.pgp", accruals.records(5, prefix="H"))
        equal(world.feedback("POINTS_h1.dat.pgp").accepted, 5, "accepted")
        equal([p for p in hung if os.path.exists(f"/proc/{p}")], [], "hung couriers that are left")
        world.settle()
