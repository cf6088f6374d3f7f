"""Keys that ended, keys with a passphrase, and what is too large when it is opened."""
import os

import accruals
import invariants
from harness import equal, has, lacks, test, wait_until
from partner import Gpg
from world import World


def long_ago(ring, name):
    """A key that ended long ago; its fingerprint."""
    user = f"{name} <{name}@test.example>"
    ring.run("--faked-system-time", "20240101T000000!", "--passphrase", "", "--quick-generate-key", user, "ed25519",
             "sign", "1y")
    key = ring.fingerprint(name)
    ring.run("--faked-system-time", "20240101T000000!", "--passphrase", "", "--quick-add-key", key, "cv25519", "encr",
             "1y")
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
        sealed = {"expired": world.partner.seal(plain, signer=ended,
                                                options=("--faked-system-time", "20240601T000000!",
                                                         "--ignore-time-conflict", "--ignore-valid-from")),
                  "revoked": world.partner.seal(plain, signer=withdrawn)}
        gateway.run("--import", data=revocation(partner, withdrawn))
        gateway.stop()
        world.configuration.openpgp["signed-by"] = [ended, withdrawn]
        world.write_configuration()
        checked, shown = world.gateway.run("check"), world.gateway.run("keys")
        equal(checked.status, 0, "exit status of check: the other partners' work goes on")
        for fingerprint, word in ((ended, "expired"), (withdrawn, "revoked")):
            for what, text in (("check", checked.out + checked.err), ("keys", shown.out + shown.err)):
                assert any(fingerprint in line and word in line
                           for line in text.splitlines()), f"{what} does not say that {fingerprint} is {word}:\n{text}"
        world.start()
        for fingerprint in (ended, withdrawn):
            wait_until("the log to tell of the key", lambda: any(fingerprint in line and "ended" in line
                                                                 for line in world.gateway.log().splitlines()))
        alarms = world.gateway.json("alarms")["alarms"]
        for fingerprint in (ended, withdrawn):
            assert any(alarm["kind"] == "key-expiring" and fingerprint in alarm["subject"] + alarm["text"]
                       for alarm in alarms), f"no alarm tells of {fingerprint}: {alarms}"
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
    """And one that does not fit is found by check and by a start, before the first file comes."""
    with World() as world:
        ring = Gpg(world.gnupg)
        own = ring.make_key("guarded-" + os.path.basename(world.folder), passphrase="CANARY-of-the-ring")
        world.keys.partner.run("--import", data=ring.run("--export", own))
        secret = os.path.join(world.folder, "passphrase")
        world.configuration.openpgp.update({"decrypt-with": own, "passphrase-file": secret})

        def write(text):
            ring.stop()  # its agent remembers
            with open(secret, "w") as file:
                file.write(text)
            os.chmod(secret, 0o600)
        write("another\n")
        world.write_configuration()
        for command in ("check", "run"):
            refused = world.gateway.run(command)
            equal(refused.status, 3, command)
            has(refused.out + refused.err, f"our key {own} cannot be used with the passphrase in ", command)
            has(refused.out + refused.err, secret, command)
        write("CANARY-of-the-ring\n")
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


def dying(world, program, word, times):
    """Puts a gpg or gpgconf in the way that is killed so many times when it is asked this, and then is the real one."""
    folder = os.path.join(world.folder, "bin")
    os.mkdir(folder)
    for number in range(times):
        os.mkdir(os.path.join(folder, f"life-{number}"))
    dies = f'for life in {folder}/life-*; do [ "$1" = {word} ] && rmdir $life 2>/dev/null && kill -9 $$; done\n'
    scripts = {"gpg": 'exec /usr/bin/gpg "$@"\n',
               "gpgconf": f'/usr/bin/gpgconf "$@" | sed "s|/usr/bin/gpg$|{folder}/gpg|"\n'}
    for name, text in scripts.items():
        with open(os.path.join(folder, name), "w", opener=lambda p, flags: os.open(p, flags, 0o755)) as file:
            file.write("#!/bin/sh\n" + (dies if name == program else "") + text)
    world.gateway.environment["PATH"] = folder + ":" + world.gateway.environment["PATH"]


@test
def a_gpg_that_is_killed_while_it_is_asked_for_its_version_is_not_missing():
    for program, word, times in (("gpg", "--version", 1), ("gpg", "--version", 3), ("gpgconf", "--list-components", 1)):
        with World() as world:
            dying(world, program, word, times)
            world.start()
            world.drop("POINTS_v.dat.pgp", accruals.records(5))
            equal(world.feedback("POINTS_v.dat.pgp").accepted, 5, f"accepted, after {program} died {times} times")
            lacks(world.gateway.log(), "gpg is missing", "the log")


@test
def a_file_over_which_gpg_ends_twice_without_a_word_is_held_and_goes_on_when_it_is_released():
    with World() as world:
        dying(world, "gpg", "--no-such-word", 0)
        sick = os.path.join(world.folder, "sick")
        with open(os.path.join(world.folder, "bin/gpg"), "w") as file:
            file.write(f'#!/bin/sh\n[ -e {sick} ] && case " $* " in *" --decrypt "*)\n'
                       '  log=${*##*--logger-fd }\n  log=${log%% *}\n'
                       '  echo "gpg: Oops" > /proc/self/fd/$log\n  exit 2\nesac\nexec /usr/bin/gpg "$@"\n')
        with open(sick, "w"):
            pass
        world.start()
        world.drop("POINTS_w.dat.pgp", accruals.records(5))
        held = world.gateway.wait_state("POINTS_w.dat.pgp", "held")
        equal(held["reason_code"], "P022", f"the code of {held['reason']!r}")
        equal(world.credits()[0], 0, "credits")
        os.unlink(sick)
        world.gateway.ok("release", "POINTS_w.dat.pgp")
        equal(world.feedback("POINTS_w.dat.pgp").accepted, 5, "accepted")
        world.settle()


@test
def a_signature_over_sha1_passes_to_the_end_of_the_day_that_the_partner_was_given_and_no_longer():
    for until, accepted in (("2099-12-31", 3), ("2020-01-01", None), (None, None)):
        with World() as world:
            if until:
                world.configuration.openpgp["sha1-until"] = until
            world.start()
            sealed = world.partner.seal(accruals.text(accruals.records(3)),
                                        options=("--digest-algo", "SHA1", "--allow-weak-digest-algos"))
            world.partner.put("POINTS_s.dat.pgp", sealed)
            world.partner.put(world.partner.marker("POINTS_s.dat.pgp"), b"")
            answer = world.feedback("POINTS_s.dat.pgp") if accepted else world.exception("POINTS_s.dat.pgp")
            if accepted:
                equal(answer.accepted, accepted, f"accepted until {until}")
            else:
                equal(world.gateway.file("POINTS_s.dat.pgp")["trust"], "weak-digest", f"trust, until {until}")
                equal(world.credits()[0], 0, "credits")
