"""What an operator does and sees: commands, exit statuses, reload, stop, keys, logs; and logins that must not be tried
twice."""
import os
import re
import signal
import subprocess
import time

import accruals
from harness import equal, has, lacks, test, wait_until
from partner import Keys
from world import World


def told_in_log(world, text, seconds=30):
    return wait_until(f"{text!r} in the log", lambda: text in world.gateway.log(), seconds=seconds,
                      log=world.gateway.log_tail)


def logins(world):
    """What sshd saw: (failed passwords, accepted logins, connections)."""
    log = world.sshd.log()
    return (len(re.findall(r"Failed (?:password|keyboard-interactive\S*) for", log)), log.count("Accepted "),
            log.count("Connection from 127.0.0.1"))


@test
def a_changed_configuration_is_reloaded_by_sighup_and_a_bad_one_refused():
    with World() as world:
        world.start()
        world.drop("POINTS_1.dat.pgp", accruals.records(10, broken={5}))
        equal(world.feedback("POINTS_1.dat.pgp").rejected, 1, "rejected before")
        world.feed.rules["points-range"]["code"] = "E777"
        world.write_configuration()
        supervisor, lane = world.gateway.process.pid, world.gateway.named("lane")
        world.gateway.process.send_signal(signal.SIGHUP)
        wait_until("systemd to be told",
                   lambda: world.gateway.told("RELOADING=1") and world.gateway.notes.count("READY=1") > 1,
                   log=world.gateway.log_tail)
        wait_until("a new lane", lambda: world.gateway.named("lane") not in ([], lane), log=world.gateway.log_tail)
        world.drop("POINTS_2.dat.pgp", accruals.records(10, prefix="S", broken={5}))
        has(world.feedback("POINTS_2.dat.pgp").of("S-00000005")[0][1], "E777", "the new rule's code")
        good = world.configuration.text()
        with open(world.path, "w") as file:
            file.write(good.replace("ready = 'marker'", "ready = 'perhaps'"))
        lane = world.gateway.named("lane")
        world.gateway.process.send_signal(signal.SIGHUP)
        told_in_log(world, "reload-refused")
        world.drop("POINTS_3.dat.pgp", accruals.records(10, prefix="T"))
        equal(world.feedback("POINTS_3.dat.pgp").accepted, 10, "accepted under the old configuration")
        equal((world.gateway.process.pid, world.gateway.named("lane")), (supervisor, lane), "processes")
        world.write_configuration()
        world.settle()


@test
def reload_checks_asks_the_service_and_tells_what_came_of_it():
    with World(local=True) as world:
        world.start()
        gateway, good = world.gateway, world.configuration.text()

        def reload(*words, text=None):
            with open(world.path, "w") as file:
                file.write(text or good)
            return gateway.run("reload", *words)
        has(gateway.ok("reload").out, f"{world.path} is in force: nothing has changed", "without a change")
        changed = good.replace("after = 'archive'", "after = 'delete'")
        assert changed != good, good
        taken = reload(text=changed)
        equal(taken.status, 0, f"taken: {taken.out}{taken.err}")
        has(taken.out, "points: replaced", "what became of the lane")
        told = reload("--json").json()
        equal((told["taken"], told["lanes"], told["problems"]), (True, [{"lane": "points", "change": "replaced"}], []),
              "as JSON")
        reloads = gateway.log().count(" reload")
        wrong = reload(text=good.replace("ready = 'marker'", "ready = 'perhaps'"))
        equal((wrong.status, gateway.log().count(" reload")), (3, reloads), f"a wrong one: {wrong.out}{wrong.err}")
        has(wrong.out, "'ready' must be one of", "what is wrong")
        has(wrong.err, "was not asked", "and that the service goes on")
        # what only the service knows to be impossible
        os.mkdir(os.path.join(world.folder, "elsewhere"), 0o700)
        state = re.search(r"state = '([^']+)", good)[1]
        refused = reload(text=good.replace(state, os.path.join(world.folder, "elsewhere"), 1))
        equal(refused.status, 7, f"refused: {refused.out}{refused.err}")
        has(refused.err, "cannot change while it runs", "the reason")
        other = os.path.join(world.folder, "other.conf")
        with open(other, "w") as file:
            file.write(changed)
        equal(reload().status, 0, "the good one put back")
        elsewhere = gateway.run("--config", other, "reload")
        equal(elsewhere.status, 1, f"another file than the service's: {elsewhere.out}{elsewhere.err}")
        has(elsewhere.err, "not what was checked here", "another file")
        gateway.stop()
        equal(reload().status, 5, "no service")
        gateway.start()


@test
def sigterm_ends_in_bounded_time_also_under_load_and_loses_nothing():
    with World() as world:
        world.start()
        for i in range(10):
            world.drop(f"POINTS_{i}.dat.pgp", accruals.records(2000, prefix=f"T{i}"))
        world.gateway.wait_state("POINTS_3.dat.pgp", "admitted", "fetched", "opened", "staged", "validated", "posting",
                                 "posted",
                                 "sealed", "answered", "closed")
        begun = time.monotonic()
        equal(world.gateway.stop(seconds=25), 0, "exit status")
        assert time.monotonic() - begun < 25
        world.restart()
        for i in range(10):
            equal(world.feedback(f"POINTS_{i}.dat.pgp", seconds=60).accepted, 2000, "accepted")
        world.settle()


@test
def a_server_with_another_host_key_is_sent_no_credential():
    with World() as world:
        world.configuration.endpoints["main"]["host-key"] = [Keys.fingerprint(world.keys.other_host)]
        world.drop("POINTS_h.dat.pgp", accruals.records(5))
        world.start()
        told_in_log(world, "host key")
        wait_until("the connection to end", lambda: "Connection from" in world.sshd.log())
        log = world.sshd.log()
        lacks(log, "Accepted", "sshd's log")
        lacks(log, "publickey", "sshd's log")
        lacks(log, "userauth", "sshd's log")
        equal(world.gateway.file("POINTS_h.dat.pgp"), None, "the file in the book")
        world.configuration.endpoints["main"]["host-key"].append(Keys.fingerprint(world.keys.host))
        world.write_configuration()
        world.gateway.process.send_signal(signal.SIGHUP)
        equal(world.feedback("POINTS_h.dat.pgp").accepted, 5, "accepted once the second slot is filled")
        world.settle()


@test
def a_wrong_password_is_tried_three_times_at_most_and_then_a_breaker_opens():
    with World(sshd_options="PasswordAuthentication yes\nAuthenticationMethods password\n") as world:
        secret = os.path.join(world.folder, "password")
        with open(secret, "w") as file:
            file.write("CANARY-wrong-password\n")
        os.chmod(secret, 0o600)
        endpoint = world.configuration.endpoints["main"]
        del endpoint["identity-file"]
        endpoint["password-file"] = secret
        world.start()
        wait_until("a failed login", lambda: logins(world)[0] >= 1, log=world.gateway.log_tail)
        told_in_log(world, "breaker")
        time.sleep(4)  # four more periods of the schedule: the one thing here that only time can show
        failed, accepted, _ = logins(world)
        assert 1 <= failed <= 3 and accepted == 0, \
            f"{failed} failed logins, {accepted} accepted:\n{world.sshd.log()}\n{world.gateway.log_tail()}"
        lacks(world.gateway.log(), "CANARY-wrong", "the log")
        for pid in world.gateway.pids():
            with open(f"/proc/{pid}/cmdline", "rb") as line, open(f"/proc/{pid}/environ", "rb") as environment:
                assert b"CANARY-wrong" not in line.read() + environment.read(), "the password is visible in /proc"


@test(needs_root=True, alone=True)
def a_right_password_logs_in():
    with World(sshd_options="PasswordAuthentication yes\nAuthenticationMethods password\n") as world:
        user = "sallyport-test"
        for name in ("passwd", "shadow", "group", "gshadow", "subuid",
                     "subgid"):  # throwaway copies over the machine's own
            path, copy = f"/etc/{name}", os.path.join(world.folder, name)
            if os.path.exists(path):
                subprocess.run(["cp", "-p", path, copy], check=True)
                subprocess.run(["mount", "--bind", copy, path], check=True)
        try:
            hashed = subprocess.run(["openssl", "passwd", "-6", "CANARY-right"], stdout=subprocess.PIPE,
                                    check=True).stdout.decode().strip()
            for name, line in (("passwd", f"{user}:x:0:0::{world.partner.root}:/bin/sh"),
                               ("shadow", f"{user}:{hashed}:19000:0:99999:7:::")):
                with open(f"/etc/{name}", "a") as file:
                    file.write(line + "\n")
            secret = os.path.join(world.folder, "password")
            with open(secret, "w") as file:
                file.write("CANARY-right\n")
            os.chmod(secret, 0o600)
            endpoint = world.sftp(user=user)
            del endpoint["identity-file"]
            world.configuration.endpoints["main"] = {**endpoint, "password-file": secret}
            world.start()
            world.drop("POINTS_p.dat.pgp", accruals.records(5))
            equal(world.feedback("POINTS_p.dat.pgp").accepted, 5, "accepted")
            lacks(world.gateway.log(), "CANARY-right", "the log")
            world.settle()
        finally:
            for name in ("passwd", "shadow", "group", "gshadow", "subuid", "subgid"):
                subprocess.run(["umount", f"/etc/{name}"], stderr=subprocess.DEVNULL, check=False)


@test
def check_reports_every_error_with_file_and_line():
    with World() as world:
        world.write_configuration()
        equal(world.gateway.ok("check").status, 0, "a good configuration")
        world.feed.source["ready"] = "perhaps"
        world.feed.rules["points-range"]["check"] = "points BETWEEN 1 AND"
        world.feed.feedback["endpoint"] = "nowhere"
        world.write_configuration()
        result = world.gateway.run("check")
        equal(result.status, 3, "exit status")
        said = result.out + result.err
        for word in ("'ready' must be one of", "nowhere"):
            has(said, word, "what check says")
        assert len(re.findall(re.escape(os.path.basename(world.path)) + r":\d+", said)) >= 2, said
        equal(world.gateway.run("run", seconds=30).status, 3, "exit status of run with a bad configuration")


@test
def commands_print_json_tables_and_documented_exit_statuses():
    with World() as world:
        world.start()
        world.drop("POINTS_c.dat.pgp", accruals.records(30, broken={4}))
        world.feedback("POINTS_c.dat.pgp")
        world.settle()
        gateway = world.gateway
        row = gateway.file("POINTS_c.dat.pgp")
        entries = gateway.entries("--file", row["id"])
        equal(len(entries), 29, "entries of the file")
        for words in (("status",), ("files",), ("show", row["id"]), ("trace", f"{row['id']}:2"),
                      ("trace", entries[0]["key"]),
                      ("balance", entries[0]["account"]), ("entries",), ("keys",), ("check",), ("audit", "verify"),
                      ("verify",)):
            table = gateway.ok(*words).out
            assert table.strip(), f"{words} prints nothing"
            assert "\x1b" not in table, f"{words} prints colours to a pipe"
            gateway.json(*words)
        equal([f["id"] for f in gateway.files("--state", "closed", "--feed", "acme-points", "--name", "POINTS_*")],
              [row["id"]], "filtered files")
        equal(gateway.files("--state", "held"), [], "held files")
        for words, status in ((("show", "nothing-like-it"), 4), (("balance", "M999999999"), 4), (("nonsense",), 2),
                              (("show",), 2),
                              (("hold", row["id"], "--reason", "x"), 7), (("retry", "nothing-like-it"), 4)):
            equal(gateway.run(*words).status, status, f"exit status of {' '.join(words)}")
        gateway.stop()
        equal(gateway.run("poll", "acme-points").status, 5, "exit status without a lane")
        equal(gateway.file("POINTS_c.dat.pgp")["state"], "closed", "read without a lane")
        for word in ("", "files", "run", "try"):
            has(gateway.ok(*([word] if word else []), "--help").out.lower(), "usage", f"help of {word!r}")


@test
def try_says_what_would_happen_and_does_nothing():
    with World() as world:
        world.start()
        local = os.path.join(world.folder, "POINTS_try.dat.pgp")
        with open(local, "wb") as file:
            file.write(world.partner.seal(accruals.text(accruals.records(50, broken={7, 8}))))
        said = world.gateway.ok("try", "acme-points", local)
        has(said.out, "48", "what try says")
        has(said.out, "E012", "what try says")
        with open(local, "wb") as file:
            file.write(world.partner.seal("x", signer=None))
        told = world.gateway.run("try", "acme-points", local)
        has(told.out + told.err, "not-signed", "what try says of an unsigned file")
        equal(world.gateway.files(), [], "files in the book")
        world.assert_nothing_credited()
        equal(world.partner.received(), [], "at the partner's")
        world.assert_no_plaintext()


@test(quick=True)
def try_of_a_plain_sample_asks_layout_and_rules_and_says_what_it_did_not_look_at():
    with World() as world:
        world.write_configuration()
        local = os.path.join(world.folder, "sample.dat")
        with open(local, "w", encoding="utf-8") as file:
            file.write(accruals.text(accruals.records(50, broken={7, 8})))
        told = world.gateway.run("try", "acme-points", local)
        equal((told.status != 0, "were not looked at" in told.out), (True, False), "without --plain")
        said = world.gateway.ok("try", "acme-points", local, "--plain")
        has(said.out, "signature, encryption and packing were not looked at", "what try says")
        has(said.out, "48 accepted, 2 rejected", "what try says")
        has(said.out, "E012", "what try says")
        equal(world.gateway.json("try", "acme-points", local, "--plain")["trust"], "not-looked-at", "as JSON")
        with open(local, "wb") as file:
            file.write(world.partner.seal(accruals.text(accruals.records(1))))
        told = world.gateway.run("try", "acme-points", local, "--plain")
        equal((told.status, "T016" in told.out), (1, True), "a file that is sealed all the same")


@test
def a_held_file_waits_for_a_person_and_goes_on_when_released():
    with World() as world:
        world.start()
        world.drop("POINTS_hold.dat.pgp", accruals.records(10), marker=False)
        row = world.gateway.wait_state("POINTS_hold.dat.pgp", "seen")
        world.gateway.ok("hold", row["id"], "--reason", "asked the partner")
        world.partner.put(world.partner.marker("POINTS_hold.dat.pgp"), b"")
        world.drop("POINTS_other.dat.pgp", accruals.records(3, prefix="OTHER"))
        world.feedback("POINTS_other.dat.pgp")
        held = world.gateway.file("POINTS_hold.dat.pgp")
        equal(held["state"], "held", "state")
        has(held["reason"], "asked the partner", "reason")
        world.gateway.ok("release", row["id"])
        equal(world.feedback("POINTS_hold.dat.pgp").accepted, 10, "accepted")
        world.settle()


@test
def a_file_rejected_by_hand_gets_an_exception_file_with_the_persons_reason():
    with World() as world:
        world.start()
        world.drop("POINTS_no.dat.pgp", accruals.records(10), marker=False)
        row = world.gateway.wait_state("POINTS_no.dat.pgp", "seen")
        world.gateway.ok("hold", row["id"], "--reason", "wait")
        world.gateway.ok("reject", row["id"], "--reason", "the month is closed")
        answer = world.exception("POINTS_no.dat.pgp")
        equal(answer.verdict, "REJECTED", "verdict")
        has(answer.message, "the month is closed", "message")
        world.gateway.wait_quiet()
        world.assert_nothing_credited()
        has(world.gateway.ok("show", row["id"]).out, "the month is closed", "show")


@test
def an_edited_audit_row_is_named_by_the_verifier():
    import sqlite3
    with World() as world:
        world.start()
        world.drop("POINTS_au.dat.pgp", accruals.records(10))
        world.feedback("POINTS_au.dat.pgp")
        world.settle()
        world.gateway.stop()
        path = os.path.join(world.state, "lanes", "points", "book.db")
        with sqlite3.connect(path) as book:
            sequence, = book.execute("SELECT max(sequence) - 3 FROM audit").fetchone()
            book.execute("UPDATE audit SET detail = 'nothing happened' WHERE sequence = ?", (sequence,))
        book.close()
        result = world.gateway.run("audit", "verify")
        equal(result.status, 6, "exit status")
        has(result.out + result.err, str(sequence), "what audit verify says")


@test
def a_second_gateway_on_the_same_state_does_not_start():
    with World() as world:
        world.start()
        second = world.gateway.run("run", seconds=30)
        assert second.status != 0, "a second supervisor runs"
        world.drop("POINTS_two.dat.pgp", accruals.records(5))
        equal(world.feedback("POINTS_two.dat.pgp").accepted, 5, "accepted by the first")
        world.settle()


@test
def the_log_is_one_line_an_event_and_never_has_a_masked_value():
    import json
    with World() as world:
        world.configuration.node["log"] = {"level": "debug", "format": "json"}
        world.start()
        made = accruals.records(20, broken={3})
        made.append(accruals.Record("CANARY-member-too-long", "LONG-1", "5"))
        world.drop("POINTS_log.dat.pgp", made)
        world.gateway.wait_state("POINTS_log.dat.pgp", "closed")
        for line in world.gateway.log().splitlines():
            event = json.loads(line)
            assert event["event"] and event["level"], line
        lacks(world.gateway.log(), "CANARY-member", "the log")
        lacks(world.gateway.ok("show", "POINTS_log.dat.pgp").out, "CANARY-member", "show")
        lacks(world.gateway.log(), made[0].member, "the log")


@test
def keys_are_shown_with_their_end_and_one_that_ends_soon_is_told():
    with World() as world:
        from partner import Gpg
        gateway = Gpg(world.gnupg)
        soon = gateway.make_key("soon", expires="7d")
        gateway.stop()
        world.configuration.openpgp["sign-with"] = soon
        world.write_configuration()
        shown = world.gateway.ok("keys").out
        for fingerprint in (world.keys.gateway, world.keys.acme, soon):
            has(shown.replace(" ", ""), fingerprint[-16:], "keys")
        checked = world.gateway.run("check")
        equal(checked.status, 0, "exit status of check")
        has(checked.out + checked.err, soon[-16:], "what check says")


@test
def several_lanes_and_feeds_run_beside_each_other_and_a_killed_one_harms_no_other():
    from configuration import Feed
    with World() as world:
        for folder in ("out2", "in2"):
            os.mkdir(os.path.join(world.partner.root, folder))
        other = Feed("acme-other", outgoing="out2", incoming="in2")
        other.ledger["name"] = "other"
        world.configuration.lanes["other"] = [other]
        world.start()
        victims = world.gateway.named("lane")
        equal(len(victims), 2, "lanes")
        world.drop("POINTS_p.dat.pgp", accruals.records(10))
        world.feedback("POINTS_p.dat.pgp")
        for victim in victims:
            os.kill(victim, signal.SIGKILL)
        wait_until("two new lanes", lambda: len(set(world.gateway.named("lane")) - set(victims)) == 2,
                   log=world.gateway.log_tail)
        world.drop("POINTS_q.dat.pgp", accruals.records(10, prefix="Q"))
        equal(world.feedback("POINTS_q.dat.pgp").accepted, 10, "accepted")
        world.settle()


