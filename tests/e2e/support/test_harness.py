"""The tests' own tools, tested: a harness that cannot fail shows nothing."""
import os
import subprocess

import accruals
from harness import equal, test, wait_until
from partner import Keys
from proxy import Proxy
from world import World


def sftp(world, port, *lines):
    hosts = os.path.join(world.folder, "known")
    with open(hosts, "w") as file, open(world.keys.host + ".pub") as key:
        file.write(f"[127.0.0.1]:{port} {key.read()}")
    return subprocess.run(["sftp", "-q", "-b", "-", "-i", world.keys.client, "-o", f"UserKnownHostsFile={hosts}",
                           "-o", "IdentitiesOnly=yes", "-P", str(port), "127.0.0.1"], input="\n".join(lines).encode(),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)


@test
def the_partners_server_serves_its_folder_and_can_be_taken_away():
    with World() as world:
        world.drop("POINTS_1.dat.pgp", accruals.records(3))
        target = os.path.join(world.folder, "got")
        equal(sftp(world, world.sshd.port, f"get outgoing/POINTS_1.dat.pgp {target}").returncode, 0, "sftp")
        assert os.path.getsize(target) > 300
        world.sshd.stop()
        assert sftp(world, world.sshd.port, "ls").returncode != 0
        world.sshd.start()
        equal(sftp(world, world.sshd.port, "ls").returncode, 0, "sftp after the server's restart")
        assert Keys.fingerprint(world.keys.host).startswith("SHA256:")


@test
def the_proxy_cuts_a_connection_at_the_byte_it_was_told():
    with World(proxied=True) as world:
        world.partner.put("big", os.urandom(2_000_000))
        world.proxy.cut_down = 500_000
        target = os.path.join(world.folder, "got")
        assert sftp(world, world.proxy.port, f"get outgoing/big {target}").returncode != 0
        assert world.proxy.down <= 500_000
        equal(sftp(world, world.proxy.port, f"get outgoing/big {target}").returncode, 0, "the second connection")


@test
def a_sealed_file_opens_with_the_gateways_ring_only():
    with World() as world:
        sealed = world.partner.seal("secret\n")
        world.partner.put("x.pgp", sealed)
        opened = subprocess.run(["gpg", "--homedir", world.gnupg, "--batch", "--quiet", "-d"], input=sealed,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        equal(opened.stdout, b"secret\n", "plaintext")


@test
def a_feedback_file_is_read_back_as_it_was_written():
    raw = "H|ACME|2026-11-20|1|1|ACCEPTED||\nD|R-1|OK|\nD|R-2|REJECTED|E012\nT|2|1|1|0|100\n"
    answer = accruals.parse_feedback(raw)
    equal((answer.verdict, answer.accepted, answer.amount, answer.of("R-2")),
          ("ACCEPTED", 1, 100, [("REJECTED", "E012")]), "parsed")


@test
def a_wait_that_is_not_fulfilled_fails_and_says_for_what():
    try:
        wait_until("the moon", lambda: False, seconds=0.1)
    except AssertionError as error:
        assert "the moon" in str(error)
    else:
        raise AssertionError("it did not fail")


@test
def a_proxy_without_orders_changes_nothing():
    with World() as world:
        proxy = Proxy(world.sshd.port)
        equal(sftp(world, proxy.port, "ls").returncode, 0, "sftp through the proxy")
        proxy.close()
