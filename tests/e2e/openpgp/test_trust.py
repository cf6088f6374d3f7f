"""What cannot be opened, is not whole, or is not signed by the partner's pinned key goes back with a reason, and
no record of it is ever staged or credited."""
import subprocess

import accruals
from harness import equal, has, lacks, test
from world import World

RECORDS = accruals.records(40)


def flipped(sealed, offset):
    return sealed[:offset] + bytes([sealed[offset] ^ 0x10]) + sealed[offset + 1:]


def refused_kinds(world):
    """name -> (bytes as dropped, the reason's word)"""
    partner, keys, plain = world.partner, world.keys, accruals.text(RECORDS)
    good = partner.seal(plain)
    return {
        "wrongkey": (partner.seal(plain, to=keys.acme), "no-secret-key"),
        "truncated": (good[:len(good) // 2], "truncated damaged"),
        "cutlast": (good[:-1], "truncated damaged"),
        "flipped": (flipped(good, len(good) // 2), "damaged"),
        "unsigned": (partner.seal(plain, signer=None), "not-signed"),
        "stranger": (partner.seal(plain, signer=keys.stranger), "unknown-signer"),
        "unpinned": (partner.seal(plain, signer=keys.acme_next), "signer-not-pinned"),
        # What the partner itself sends in the clear is kept as it came, so these two are without the canary.
        "signedonly": (partner.seal(plain.replace(accruals.CANARY, "S"), to=None), "not-encrypted"),
        "twosigners": (partner.seal(plain, options=("-u", keys.acme_next)), "several-signatures"),
        "garbage": (b"this is not OpenPGP\n" * 50, "not-openpgp"),
        "empty": (b"", "none"),  # nothing came that could be trusted or not
        "plaintext": (plain.replace(accruals.CANARY, "S").encode(), "not-openpgp"),
        "appended": (good + b"and something behind it", "damaged not-openpgp"),
    }


@test(quick=True)
def a_file_that_cannot_be_trusted_becomes_an_exception_file_with_its_reason():
    with World() as world:
        world.start()
        kinds = refused_kinds(world)
        for kind, (content, _) in kinds.items():
            name = f"POINTS_{kind}.dat.pgp"
            world.partner.originals[name] = ""
            world.partner.put(name, content)
            world.partner.put(world.partner.marker(name), b"")
        for kind, (_, words) in kinds.items():
            name = f"POINTS_{kind}.dat.pgp"
            answer = world.exception(name)
            equal((answer.verdict, answer.results, answer.accepted), ("REJECTED", [], 0), f"exception file of {kind}")
            assert answer.code, f"{kind}: no code: {answer.raw}"
            row = world.gateway.file(name)
            assert (row["trust"] or "none") in words.split(), f"{kind}: the verdict is {row['trust']}, expected {words}"
            assert row["records"] == 0, f"{kind}: {row['records']} records were staged"
            states = [h["event"] for h in world.gateway.json("show", name)["history"]]
            assert "staged" not in states and "opened" not in states, f"{kind}: went through {states}"
            lacks(answer.raw, accruals.CANARY, "the exception file")
        world.settle()
        world.assert_nothing_credited()


@test
def no_flipped_bit_anywhere_in_a_message_gets_past_the_verdict():
    with World() as world:
        world.start()
        good = world.partner.seal(accruals.text(RECORDS))
        step = max(1, len(good) // 40)
        offsets = list(range(0, len(good), step))
        for offset in offsets:
            name = f"POINTS_bit{offset}.dat.pgp"
            world.partner.originals[name] = ""
            world.partner.put(name, flipped(good, offset))
            world.partner.put(world.partner.marker(name), b"")
        for offset in offsets:
            equal(world.exception(f"POINTS_bit{offset}.dat.pgp", seconds=90).verdict, "REJECTED", f"bit at {offset}")
        world.settle()
        world.assert_nothing_credited()


@test
def a_message_of_the_partners_next_key_is_taken_when_it_is_in_the_second_slot():
    with World() as world:
        world.configuration.openpgp["signed-by"] = [world.keys.acme, world.keys.acme_next]
        world.start()
        world.drop("POINTS_next.dat.pgp", RECORDS, signer=world.keys.acme_next)
        equal(world.feedback("POINTS_next.dat.pgp").accepted, 40, "accepted")
        equal(world.gateway.file("POINTS_next.dat.pgp")["signer"], world.keys.acme_next, "the signer in the book")
        world.settle()


@test
def feedback_is_sealed_for_the_pinned_key_only():
    with World() as world:
        world.start()
        world.drop("POINTS_seal.dat.pgp", RECORDS)
        world.feedback("POINTS_seal.dat.pgp")
        packets = subprocess.run(["gpg", "--homedir", world.gnupg, "--batch", "--list-packets", "--list-only",
                                  f"{world.partner.incoming}/POINTS_seal_FB.dat.pgp"], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, timeout=60).stdout.decode()
        equal(packets.count(":pubkey enc packet:"), 1, "recipients")
        world.settle()


@test(quick=True)
def a_trailer_off_by_one_credits_nothing_also_where_single_records_may_be_rejected():
    with World() as world:
        world.start()
        total = sum(int(r.points) for r in RECORDS)
        wrong = {"count_over": {"count": 41}, "count_under": {"count": 39}, "total_over": {"total": total + 1},
                 "total_under": {"total": total - 1}, "no_trailer": {"trailer": ""}, "no_header": {"header": ""}}
        for kind, options in wrong.items():
            world.drop(f"POINTS_{kind}.dat.pgp", RECORDS, **options)
        for kind in wrong:
            answer = world.exception(f"POINTS_{kind}.dat.pgp")
            equal((answer.verdict, answer.accepted), ("REJECTED", 0), kind)
            assert answer.code.startswith("T") or answer.code, f"{kind}: no code in {answer.raw.splitlines()[0]}"
        has(world.exception("POINTS_count_over.dat.pgp").code, "T003", "the count's code")
        has(world.exception("POINTS_total_over.dat.pgp").code, "T004", "the sum's code")
        world.settle()
        world.assert_nothing_credited()


@test
def lines_that_cannot_be_read_are_rejected_by_line_and_never_changed():
    with World() as world:
        values = ["9223372036854775808", "-0", "1e3", "0.005", "\uff11\uff12", "", " 5", "+7", "0x10", "1,000"]
        made = accruals.records(20)
        odd = [accruals.Record("M000000001", f"ODD-{i}", value) for i, value in enumerate(values)]
        short = ["D|M000000001|SHORT-1|5", "X|what is this", "D|M000000002|NUL\0BYTE|5|1.00|||CNY|X"]
        # A sum that cannot be confirmed refuses the whole file, so these lines come where the trailer sums nothing.
        world.configuration.layouts["accrual-v1"]['trailer "T"']['field "total"'] = {"type": "integer"}
        world.start()
        world.drop("POINTS_odd.dat.pgp", accruals.text([*made, *odd, *short], total=1))
        answer = accruals.parse_feedback(world.partner.wait_for("POINTS_odd_FB.dat.pgp", log=world.gateway.log_tail))
        equal((answer.lines, answer.accepted), (33, 20), "lines and accepted")
        equal(answer.lines - answer.accepted, answer.rejected, "rejected")
        equal(sorted(code for _, result, code in answer.results if result != "OK")[0][0], "L", "a layout code")
        world.gateway.wait_quiet()
        equal(world.credits()[0], 20, "credits")


@test
def an_old_signed_file_sent_again_under_any_name_is_a_duplicate():
    with World() as world:
        world.start()
        sealed = world.partner.seal(accruals.text(RECORDS))
        for name in ("POINTS_first.dat.pgp", "POINTS_again.dat.pgp"):
            world.partner.originals[name] = accruals.text(RECORDS)
            world.partner.put(name, sealed)
            world.partner.put(world.partner.marker(name), b"")
            world.gateway.wait_state(name, "closed")
        equal(world.credits()[0], 40, "credits")
        assert world.gateway.file("POINTS_again.dat.pgp")["duplicate_of"], "the second is not called a duplicate"
        world.settle()
