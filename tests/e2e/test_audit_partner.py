"""What was promised about processes, endpoints, admission and OpenPGP, and is not shown by the tests of the daily work: what a
supervisor, systemd and a reload see, every way to log in, schedules, huge folders, silent servers, keys that ended, caps, and
what is left on the disk."""
import datetime
import glob
import os
import signal
import socket
import stat
import subprocess
import time
import zoneinfo

import accruals
import invariants
from configuration import Feed
from gateway import name_of
from harness import Skip, equal, has, lacks, test, wait_until
from partner import Gpg, Keys, descendants
from world import World


def feed_status(world, name="acme-points"):
    return next(f for lane in world.gateway.json("status")["lanes"] for f in lane["feeds"] if f["feed"] == name)


# --- Processes

@test
def systemd_is_fed_while_it_runs_and_told_when_it_stops():
    with World() as world:
        world.gateway.environment["WATCHDOG_USEC"] = "400000"
        world.start()
        wait_until("three beats of the watchdog", lambda: world.gateway.told("WATCHDOG=1") and world.gateway.notes.count("WATCHDOG=1") >= 3)
        has("\n".join(world.gateway.notes), "STATUS=1 of 1 lanes running", "what systemd was told")
        world.gateway.process.send_signal(signal.SIGTERM)
        wait_until("STOPPING=1", lambda: world.gateway.told("STOPPING=1"))
        equal(world.gateway.stop(), 0, "exit status")


@test
def a_lane_that_keeps_dying_is_started_after_growing_pauses():
    with World() as world:
        world.start()
        pauses = []
        for _ in range(4):
            lane = world.gateway.named("lane")[0]
            os.kill(lane, signal.SIGKILL)
            begun = time.monotonic()
            wait_until("the next lane", lambda: world.gateway.named("lane") not in ([], [lane]), pause=0.01, log=world.gateway.log_tail)
            pauses.append(time.monotonic() - begun)
        assert pauses[0] < 1.2 < pauses[3], f"pauses of {pauses}"
        world.drop("POINTS_k.dat.pgp", accruals.records(10))
        equal(world.feedback("POINTS_k.dat.pgp").accepted, 10, "accepted")
        world.settle()


@test
def a_reload_while_a_file_is_posted_loses_and_doubles_nothing():
    with World() as world:
        world.feed.batch = {"size-min": 50, "size-max": 50, "allow-any-size": True}
        world.start()
        world.drop("POINTS_reload.dat.pgp", accruals.records(20000))
        world.gateway.wait_state("POINTS_reload.dat.pgp", "validated", "posting", seconds=60)
        lane = world.gateway.named("lane")
        world.feed.rules["points-range"]["code"] = "E777"
        world.write_configuration()
        world.gateway.process.send_signal(signal.SIGHUP)
        wait_until("a new lane", lambda: world.gateway.named("lane") not in ([], lane), seconds=40, log=world.gateway.log_tail)
        equal(world.feedback("POINTS_reload.dat.pgp", seconds=60).accepted, 20000, "accepted")
        lacks(world.gateway.log(), "lane-killed", "the log")
        world.settle(seconds=90)


@test
def a_gpg_agent_that_hangs_ends_a_reload_in_time_and_the_old_configuration_stays():
    with World() as world:
        world.start()
        world.drop("POINTS_1.dat.pgp", accruals.records(10))
        world.feedback("POINTS_1.dat.pgp")
        agent, = [pid for pid in all_processes() if name_of(pid) == "gpg-agent" and world.gnupg in command_line(pid)]
        os.kill(agent, signal.SIGSTOP)
        try:
            world.feed.rules["points-range"]["code"] = "E777"
            world.write_configuration()
            world.gateway.process.send_signal(signal.SIGHUP)
            wait_until("the reload to end", lambda: world.gateway.told("READY=1") and world.gateway.notes.count("READY=1") == 2, seconds=25,
                       log=world.gateway.log_tail)
            has(world.gateway.log(), "reload-refused", "the log")
        finally:
            os.kill(agent, signal.SIGCONT)
        world.drop("POINTS_2.dat.pgp", accruals.records(10, prefix="S"))
        equal(world.feedback("POINTS_2.dat.pgp").accepted, 10, "accepted")
        world.settle()


def all_processes():
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline") as file:
            return file.read()
    except OSError:
        return ""


def consumption(world):
    """What the lane holds: descriptors, children, resident memory in KiB."""
    lane, = world.gateway.named("lane")
    with open(f"/proc/{lane}/status") as status:
        resident = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    return len(os.listdir(f"/proc/{lane}/fd")), len(descendants(lane)), resident


def targets(world):
    lane, = world.gateway.named("lane")
    return sorted(os.readlink(f"/proc/{lane}/fd/{n}") for n in os.listdir(f"/proc/{lane}/fd"))


@test
def after_a_hundred_files_descriptors_children_and_memory_are_back_at_their_base_line():
    with World() as world:
        world.start()
        for i in range(8):
            world.drop(f"POINTS_w{i}.dat.pgp", accruals.records(20, prefix=f"W{i}"))
        for i in range(8):
            world.feedback(f"POINTS_w{i}.dat.pgp")
        world.settle()
        before = consumption(world)
        for i in range(100):
            world.drop(f"POINTS_{i}.dat.pgp", accruals.records(20, prefix=f"B{i}"), signer=None if i % 10 == 0 else world.keys.acme)
        wait_until("100 answers", lambda: len(world.partner.markers()) == 108, seconds=90, log=world.gateway.log_tail)
        world.gateway.wait_quiet(seconds=60)

        def at_rest():  # the ledger keeps a reader for each of those that read at once: a few descriptors more
            after = consumption(world)
            assert after[0] <= before[0] + 8 and after[1] <= before[1] and after[2] < before[2] + 12000, \
                f"descriptors, children, KiB: {before} before, {after} after\n" + chr(10).join(targets(world))
            return True
        wait_until("the lane to be at its base line", at_rest, seconds=15)
        for pid in world.gateway.pids():
            for child in children_of(pid):
                assert not is_zombie(child), f"a zombie below {pid}"
        world.settle()


def children_of(pid):
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as file:
                    if int(file.read().rpartition(")")[2].split()[1]) == pid:
                        found.append(int(entry))
            except OSError:
                pass
    return found


def is_zombie(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False


# --- Endpoints

def ssh_key(world, kind, *, bits, passphrase=""):
    path = os.path.join(world.folder, f"key-{kind}-{bits}")
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-b", bits, "-N", passphrase, "-f", path], check=True)
    return path


@test
def an_ecdsa_key_with_a_passphrase_logs_in_where_another_type_of_host_key_is_pinned():
    with World() as world:
        identity, host = ssh_key(world, "ecdsa", passphrase="CANARY-of-the-key", bits="521"), ssh_key(world, "ecdsa", bits="256")
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
        world.configuration.endpoints["hole"] = {**world.sftp(), "url": f"sftp://gw@127.0.0.1:{hole.getsockname()[1]}", "connect-timeout": "30s"}
        for folder in ("out2", "out3", "in3"):
            os.mkdir(os.path.join(world.partner.root, folder))
        polls, answers = Feed("polls-it", endpoint="hole"), Feed("answers-there", outgoing="out3")
        answers.feedback["endpoint"] = "hole"
        world.configuration.lanes["points"] += [polls, answers]
        world.start()
        for i in range(40):  # more than a feed has under way at a time
            for name, content in ((f"POINTS_s{i}.dat.pgp", world.partner.seal(accruals.text(accruals.records(2, prefix=f"S{i}")))),
                                  (f"POINTS_s{i}.dat.pgp.ok", b"")):
                with open(os.path.join(world.partner.root, "out3", name), "wb") as file:
                    file.write(content)
        wait_until("posted files whose answers cannot go out", lambda: len(world.gateway.files("--state", "posted")) >= 20, log=world.gateway.log_tail)
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
        wait_until("all to be seen", lambda: len(world.gateway.files("--state", "seen", "--limit", "0")) == 10500, log=world.gateway.log_tail)
        resident = consumption(world)[2]
        assert resident < 64 * 1024, f"the lane has {resident} KiB"
        for i in range(10500):
            os.unlink(os.path.join(world.partner.outgoing, f"POINTS_{i:05d}.dat.pgp"))
        wait_until("all to be gone", lambda: not world.gateway.files("--state", "seen"), log=world.gateway.log_tail)
        world.gateway.ok("audit", "verify")


# --- Poll and admit

@test
def a_cron_schedule_is_reckoned_in_its_time_zone_or_the_nodes():
    for zone in ("America/New_York", None):
        with World() as world:
            source = world.feed.source
            del source["every"]
            source["cron"] = "15 3 * * *"
            if zone:
                source["time-zone"] = zone
            world.start()
            # The first poll after a start is at once: what came meanwhile is not left for a day.
            world.drop("POINTS_c.dat.pgp", accruals.records(5))
            status = wait_until("a poll", lambda: feed_status(world).get("last_poll") and feed_status(world), log=world.gateway.log_tail)
            next_poll = datetime.datetime.fromisoformat(status["next_poll"].replace("Z", "+00:00"))
            there = next_poll.astimezone(zoneinfo.ZoneInfo(zone or "Asia/Shanghai"))
            equal((there.hour, there.minute, there.second), (3, 15, 0), f"next poll, {zone}: {status}")
            assert datetime.timedelta(0) < next_poll - datetime.datetime.now(datetime.timezone.utc) <= datetime.timedelta(hours=25), status
            world.gateway.poll()
            equal(world.feedback("POINTS_c.dat.pgp").accepted, 5, "accepted when asked for")


@test
def a_file_in_a_local_folder_is_taken_long_before_the_next_poll():
    with World(local=True) as world:
        world.feed.source["every"] = "1h"
        world.start()
        wait_until("the first poll", lambda: feed_status(world).get("last_poll"), log=world.gateway.log_tail)
        begun = time.monotonic()
        for i in range(3):
            world.drop(f"POINTS_i{i}.dat.pgp", accruals.records(5, prefix=f"I{i}"))
        for i in range(3):
            equal(world.feedback(f"POINTS_i{i}.dat.pgp").accepted, 5, "accepted")
        assert time.monotonic() - begun < 10
        world.settle()


@test
def each_kind_of_evidence_is_recorded_and_a_changed_file_is_looked_at_anew():
    for ready, changes in (("rename", {}), ("stable", {"looks": 2}), ("age", {"least-age": "2s"}), ("marker", {"least-age": "2s", "marker": "{stem}.ready"})):
        with World() as world:
            world.feed.source.update({"ready": ready, "marker": None, **changes})
            world.start()
            begun = time.monotonic()
            if ready == "marker":
                world.partner.put("POINTS_v.ready", b"")
            world.drop("POINTS_v.dat.pgp", accruals.records(5), marker=False)
            equal(world.feedback("POINTS_v.dat.pgp").accepted, 5, "accepted")
            evidence = world.gateway.json("show", "POINTS_v.dat.pgp")["file"]["evidence"]
            equal(evidence["kind"], ready, "kind of evidence")
            equal(evidence.get("marker"), "POINTS_v.ready" if ready == "marker" else None, "its marker")
            if "least-age" in changes:
                assert evidence["unchanged_seconds"] >= 2 and time.monotonic() - begun >= 2, f"taken too early: {evidence}"
            world.settle()


# --- OpenPGP

def long_ago(ring, name):
    """A key that ended long ago; its fingerprint."""
    user = f"{name} <{name}@test.example>"
    ring.run("--faked-system-time", "20240101T000000!", "--passphrase", "", "--quick-generate-key", user, "ed25519", "sign", "1y")
    key = ring.fingerprint(name)
    ring.run("--faked-system-time", "20240101T000000!", "--passphrase", "", "--quick-add-key", key, "cv25519", "encr", "1y")
    return key


def revocation(ring, key):
    with open(os.path.join(ring.home, "openpgp-revocs.d", key + ".rev")) as file:
        return file.read().replace(":-----BEGIN", "-----BEGIN").encode()


@test
def a_key_that_expired_or_was_revoked_opens_nothing_and_is_told_by_check_keys_and_log():
    with World() as world:
        partner, gateway = world.partner.keys.partner, Gpg(world.gnupg)
        number = os.path.basename(world.folder)
        ended, withdrawn = long_ago(partner, "ended-" + number), partner.make_key("withdrawn-" + number)
        gateway.run("--import", data=partner.run("--export", ended, withdrawn))
        plain = accruals.text(accruals.records(5))
        sealed = {"expired": world.partner.seal(plain, signer=ended, options=("--faked-system-time", "20240601T000000!", "--ignore-time-conflict", "--ignore-valid-from")),
                  "revoked": world.partner.seal(plain, signer=withdrawn)}
        gateway.run("--import", data=revocation(partner, withdrawn))
        gateway.stop()
        world.configuration.openpgp["signed-by"] = [ended, withdrawn]
        world.write_configuration()
        checked, shown = world.gateway.run("check"), world.gateway.run("keys")
        equal(checked.status, 0, "exit status of check: the other partners' work goes on")
        for fingerprint, word in ((ended, "expired"), (withdrawn, "revoked")):
            for what, text in (("check", checked.out + checked.err), ("keys", shown.out + shown.err)):
                assert any(fingerprint in line and word in line for line in text.splitlines()), f"{what} does not say that {fingerprint} is {word}:\n{text}"
        world.start()
        for fingerprint in (ended, withdrawn):
            wait_until("the log to tell of the key", lambda: any(fingerprint in line and "ended" in line for line in world.gateway.log().splitlines()))
        for word, content in sealed.items():
            name = f"POINTS_{word}.dat.pgp"
            world.partner.originals[name] = ""
            world.partner.put(name, content)
            world.partner.put(world.partner.marker(name), b"")
            equal(world.exception(name).verdict, "REJECTED", word)
            equal(world.gateway.file(name)["trust"], "signer-" + word, "the verdict")
        world.settle()
        world.assert_nothing_credited()


@test
def a_gateway_key_with_a_passphrase_opens_and_seals():
    with World() as world:
        ring = Gpg(world.gnupg)
        own = ring.make_key("guarded-" + os.path.basename(world.folder), passphrase="CANARY-of-the-ring")
        world.keys.partner.run("--import", data=ring.run("--export", own))
        ring.stop()
        secret = os.path.join(world.folder, "passphrase")
        with open(secret, "w") as file:
            file.write("CANARY-of-the-ring\n")
        os.chmod(secret, 0o600)
        world.configuration.openpgp.update({"decrypt-with": own, "passphrase-file": secret})
        world.start()
        world.drop("POINTS_g.dat.pgp", accruals.records(5), to=own)
        name = "POINTS_g_FB.dat.pgp"
        wait_until("the feedback", lambda: name + ".ok" in world.partner.markers(), log=world.gateway.log_tail)
        with open(os.path.join(world.partner.incoming, name), "rb") as file:
            answer = accruals.parse_feedback(world.keys.partner.open(file.read(), signer=own).decode())
        equal(answer.accepted, 5, "accepted")
        lacks(world.gateway.log(), "CANARY-of", "the log")
        for path in invariants.files_below(world.state):
            with open(path, "rb") as file:
                assert b"CANARY-of-the-ring" not in file.read(), f"the passphrase is in {path}"


@test
def what_is_too_large_encrypted_decrypted_or_in_proportion_is_told_the_partner():
    with World() as world:
        world.feed.settings.update({"plain-limit": "20M", "ratio-limit": 50})
        world.feed.source["size-limit"] = "1M"
        world.start()
        plain = accruals.text(accruals.records(10))
        filler = "".join(f"{i:x}" for i in range(2500000))  # about 14 MB that do not shrink to a fiftieth
        dropped = {"dense": (plain + " " * (8 << 20), ("--compress-algo", "zlib"), "ratio-too-high"),
                   "long": (plain + "\n" * (30 << 20), ("--compress-algo", "zlib"), "too-large ratio-too-high"),
                   "heavy": (filler[:2 << 20], (), None)}
        for kind, (text, options, _) in dropped.items():
            world.drop(f"POINTS_{kind}.dat.pgp", text, options=options)
        for kind, (_, _, words) in dropped.items():
            name = f"POINTS_{kind}.dat.pgp"
            answer = world.exception(name)
            equal((answer.verdict, answer.accepted), ("REJECTED", 0), kind)
            assert answer.code and answer.message, f"{kind}: {answer.raw}"
            if words:
                assert world.gateway.file(name)["trust"] in words.split(), world.gateway.file(name)
            else:
                has(answer.message, "size-limit", "the reason")
        world.settle()
        world.assert_nothing_credited()


# --- What lies on the disk

def private(path):
    return stat.S_IMODE(os.lstat(path).st_mode) & 0o077 == 0


@test
def nothing_in_the_state_is_readable_by_others_and_no_plaintext_has_a_name_but_in_staging():
    with World() as world:
        previous = os.umask(0o022)
        try:
            world.start()
        finally:
            os.umask(previous)
        world.drop("POINTS_seen.dat.pgp", accruals.records(5, prefix="SEEN"), marker=False)
        world.drop("POINTS_done.dat.pgp", accruals.records(300, broken={7}))
        world.drop("POINTS_untrusted.dat.pgp", accruals.records(5), signer=world.keys.stranger)
        world.exception("POINTS_untrusted.dat.pgp")
        world.feedback("POINTS_done.dat.pgp")
        world.drop("POINTS_done.dat.pgp", accruals.records(30, prefix="OTHER"))
        held = world.gateway.wait_state("POINTS_done.dat.pgp", "held")
        world.assert_no_plaintext(but={"stage"})
        for path, folders, names in os.walk(world.state):
            for name in ["", *folders, *names]:
                found = os.path.join(path, name)
                assert private(found) or not os.path.exists(found), f"{found} has mode {stat.S_IMODE(os.lstat(found).st_mode):o}"
        equal(private(world.runtime), True, "the control sockets' folder is private")
        world.gateway.ok("reject", held["id"], "--reason", "not this one")
        wait_until("it to be closed", lambda: world.gateway.file("POINTS_done.dat.pgp")["state"] == "closed", log=world.gateway.log_tail)
        world.assert_no_plaintext()


@test
def what_a_crash_left_in_the_spool_is_swept_at_the_next_start():
    with World() as world:
        world.start()
        world.drop("POINTS_held.dat.pgp", accruals.records(5), marker=False)
        held = world.gateway.wait_state("POINTS_held.dat.pgp", "seen")
        world.gateway.kill()
        spool = os.path.join(world.state, "lanes", "points", "spool")
        orphans = [os.path.join(spool, name) for name in (
            "in/0123456789abcdef.part", "in/0123456789abcdef.pgp", "stage/0123456789abcdef.db", "stage/0123456789abcdef.db-journal",
            "out/0123456789abcdef-feedback.pgp", "stage/short", f"out/.{held['id']}.tmp")]
        for path in orphans:
            with open(path, "w") as file:
                file.write(accruals.CANARY)
        own = os.path.join(spool, "in", held["id"] + ".part")
        with open(own, "wb"):
            pass
        world.restart()
        equal([p for p in orphans if os.path.exists(p)], [], "left after the start")
        equal(os.path.exists(own), True, "a part of a file that goes on")
        world.partner.put(world.partner.marker("POINTS_held.dat.pgp"), b"")
        equal(world.feedback("POINTS_held.dat.pgp").accepted, 5, "accepted")
        world.settle()


@test
def each_file_that_was_taken_lies_in_our_archive_as_it_was_sent():
    """The partner's copy may be gone only if its content is durable here."""
    with World() as world:
        world.feed.source["after"] = "delete"
        world.start()
        sent = {}
        for i, signer in enumerate((world.keys.acme, world.keys.acme, world.keys.stranger)):
            name = f"POINTS_{i}.dat.pgp"
            world.drop(name, accruals.records(5, prefix=f"A{i}"), signer=signer, marker=False)
            with open(os.path.join(world.partner.outgoing, name), "rb") as file:
                sent[name] = file.read()
            world.partner.put(world.partner.marker(name), b"")
        for name in sent:
            world.gateway.wait_state(name, "closed")
        equal(os.listdir(world.partner.outgoing), [], "the partner's folder")
        for name, content in sent.items():
            row = world.gateway.file(name)
            found = [p for p in invariants.files_below(os.path.join(world.state, "lanes", "points", "archive")) if row["id"] in p]
            equal(len(found), 1, f"copies of {name} in the archive")
            with open(found[0], "rb") as file:
                assert file.read() == content, f"the archived {name} differs"
        world.gateway.ok("verify")


@test
def an_answer_never_overwrites_what_it_did_not_write_unless_it_may():
    with World() as world:
        world.start()
        taken = os.path.join(world.partner.incoming, "POINTS_x_FB.dat.pgp")
        with open(taken, "w") as file:
            file.write("the partner's own")
        world.drop("POINTS_x.dat.pgp", accruals.records(5))
        told = wait_until("the problem", lambda: (world.gateway.file("POINTS_x.dat.pgp") or {}).get("problem"), log=world.gateway.log_tail)
        has(told, "exists", "the problem")
        with open(taken) as file:
            equal(file.read(), "the partner's own", "what was there")
        os.unlink(taken)
        world.gateway.ok("retry", world.gateway.file("POINTS_x.dat.pgp")["id"])
        equal(world.feedback("POINTS_x.dat.pgp").accepted, 5, "accepted")
        world.settle()
        world.feed.feedback["if-exists"] = "replace"
        world.write_configuration()
        world.gateway.process.send_signal(signal.SIGHUP)
        taken = os.path.join(world.partner.incoming, "POINTS_y_FB.dat.pgp")
        with open(taken, "w") as file:
            file.write("an older answer")
        wait_until("the reload", lambda: "lane-ended" in world.gateway.log())
        world.drop("POINTS_y.dat.pgp", accruals.records(5, prefix="Y"))
        equal(world.feedback("POINTS_y.dat.pgp").accepted, 5, "accepted")
        world.settle()


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


@test
def a_clock_that_is_a_day_off_takes_no_file_twice():
    """The partner's copies stay where they are; the gateway wakes up with a clock of tomorrow, then with the right one again."""
    libraries = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not libraries:
        raise Skip("no libfaketime here")
    with World() as world:
        world.feed.source["after"] = "keep"
        world.start()
        world.drop("POINTS_today.dat.pgp", accruals.records(5))
        world.feedback("POINTS_today.dat.pgp")
        world.settle()
        for when, shift in (("tomorrow", "+1d"), ("again", "+0d")):
            equal(world.gateway.stop(), 0, "exit status")
            world.gateway.environment.update(LD_PRELOAD=libraries[0], FAKETIME=shift, FAKETIME_DONT_FAKE_MONOTONIC="1")
            world.restart()
            world.drop(f"POINTS_{when}.dat.pgp", accruals.records(5, prefix=when))
            equal(world.feedback(f"POINTS_{when}.dat.pgp").accepted, 5, f"accepted with a clock of {when}")
            equal(len([f for f in world.gateway.files() if f["name"] == "POINTS_today.dat.pgp"]), 1, "files of the old name")
        world.settle()
