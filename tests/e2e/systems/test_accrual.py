"""The HTTP accrual interface: a real HTTPS server that keeps what it credited, and misbehaves."""
import contextlib
import os
import signal

import accruals
from accrual_interface import AccrualInterface, Capacity, use
from harness import equal, has, test, wait_until
from waits import waits
from world import World

SMALL = {"size-min": 20, "size-max": 20, "allow-any-size": True}
FAST = {"target-latency": "800ms", "threads-min": 4, "threads-max": 4}


class Accruals:
    """A world whose feed posts to an interface; both end together, and then the interface's books are held against
    ours."""

    def __init__(self, *, interface=None, **settings):
        self.interface_options, self.settings = interface or {}, settings

    def __enter__(self):
        self.world = World(local=True)
        self.world.__enter__()
        self.interface = AccrualInterface(self.world.folder, **self.interface_options)
        use(self.world.configuration, self.interface, **self.settings)
        return self.world, self.interface

    def __exit__(self, kind, error, trace):
        try:
            if kind is None:
                self.world.settle(seconds=60)
                equal(self.interface.broken, [], "what the gateway did that the interface forbids")
                equal(self.world.credits(), self.interface.total(), "credits here and there")
        finally:
            self.world.__exit__(kind, error, trace)
            self.interface.close()


def batches_of(world, name):
    return world.gateway.json("show", name)["batches"]


@test(quick=True)
def records_are_credited_by_the_interface_and_answered_one_by_one():
    with Accruals(batch={**SMALL, "pressure": FAST}) as (world, interface):
        interface.decide = lambda record: ("rejected", "M17",
                                           "no such member") if record["key"] == "R-00000005" else ("accepted", None,
                                                                                                    None)
        interface.foreign.add("R-00000030")
        world.start()
        world.drop("POINTS_A.dat.pgp", accruals.records(50, broken={7}))
        answer = world.feedback("POINTS_A.dat.pgp")
        equal((answer.verdict, answer.lines, answer.accepted, answer.rejected, answer.duplicates),
              ("ACCEPTED", 50, 47, 2, 1), "feedback")
        equal(answer.of("R-00000005"), [("REJECTED", "M17")], "what the interface rejected")
        equal(answer.of("R-00000007"), [("REJECTED", "E012")], "what our rules rejected was not asked")
        equal(answer.of("R-00000030"), [("DUPLICATE", "D1")], "what the interface had credited before")
        equal(interface.sizes(), [19, 20, 10], "records asked, batch by batch")
        world.gateway.wait_state("POINTS_A.dat.pgp", "closed")
        shown = batches_of(world, "POINTS_A.dat.pgp")
        equal([(b["state"], b["attempts"]) for b in shown], [("posted", 1)] * 3, "batches")


@test
def a_record_that_the_interface_refused_does_not_occupy_its_key():
    same, other = accruals.Record("M000000001", "R-1", "100"), accruals.Record("M000000002", "R-2", "200")
    right = accruals.Record("M000000003", "R-2", "200")
    with Accruals(batch={**SMALL, "pressure": FAST}) as (world, interface):
        interface.decide = lambda record: ("rejected", "M17", "no such member")
        world.start()
        world.drop("POINTS_A.dat.pgp", [same, other, same, right])
        answer = world.feedback("POINTS_A.dat.pgp")
        equal([code for _, _, code in answer.results], ["M17", "M17", "K001", "K002"], "codes in the first file")
        has(world.gateway.json("trace", "POINTS_A.dat.pgp:4")["reason"], "in line 2: what is said of that one holds",
            "the repeated record")
        interface.decide = lambda record: ("accepted", None, None)
        world.drop("POINTS_B.dat.pgp", [same, right])
        answer = world.feedback("POINTS_B.dat.pgp")
        equal((answer.accepted, answer.rejected, answer.duplicates), (2, 0, 0), "feedback of the second file")


@test
def x_is_the_most_that_a_batch_has():
    """2499 makes one batch, 2500 makes one, 2501 makes two."""
    with Accruals() as (world, interface):
        world.start()
        for count in (2499, 2500, 2501):
            world.drop(f"POINTS_{count}.dat.pgp", accruals.records(count, prefix=f"P{count}"))
        for count, sizes in ((2499, [2499]), (2500, [2500]), (2501, [2500, 1])):
            equal(world.feedback(f"POINTS_{count}.dat.pgp").accepted, count, "accepted")
            equal(sorted((b["accepted"] for b in batches_of(world, f"POINTS_{count}.dat.pgp")), reverse=True), sizes,
                  f"batches of {count} records")


@test
def csv_says_the_same():
    with Accruals(body="csv", columns=["member", "points"], batch={**SMALL, "pressure": FAST}) as (world, interface):
        interface.decide = lambda record: ("rejected", 'M,"17"', "") if record["key"] == "R-00000005" else ("accepted",
                                                                                                            None, None)
        world.start()
        world.drop("POINTS_A.dat.pgp", accruals.records(45))
        answer = world.feedback("POINTS_A.dat.pgp")
        equal((answer.accepted, answer.rejected), (44, 1), "feedback")
        equal(answer.of("R-00000005"), [("REJECTED", 'M,"17"')], "the interface's code")


def survives(*plan, seconds=60, attempts=2):
    with Accruals(batch=SMALL, timeout="1s") as (world, interface):
        interface.plan(*plan)
        world.start()
        world.drop("POINTS_A.dat.pgp", accruals.records(30))
        equal(world.feedback("POINTS_A.dat.pgp", seconds=seconds).accepted, 30, "accepted")
        keys = [key for key, _, _ in interface.requests]
        equal(len(set(keys)), 2, "one key a batch, however often it is asked")
        assert len(keys) >= 2 + len(plan), f"{keys}: asked again"
        equal(max(b["attempts"] for b in batches_of(world, "POINTS_A.dat.pgp")) >= attempts, True, "attempts")


@test
def a_reply_that_is_lost_after_the_commit_is_asked_for_with_the_same_key():
    survives("commit-then-cut")


@test
def a_call_that_is_cut_or_times_out_is_made_again():
    survives("cut", "hang 2")


@test
def an_error_of_the_server_after_its_commit_is_asked_again():
    survives("commit-then-500", "502")


@test
def an_answer_that_is_not_whole_is_asked_for_again():
    survives("half", "partial", "foreign")


@test
def an_answer_of_rubbish_or_without_end_is_not_believed():
    survives("garbage", "flood", attempts=3)


@test
def overload_is_waited_out_as_long_as_the_interface_says():
    with Accruals(batch=SMALL) as (world, interface):
        interface.plan("503 1", "429 1", "503")
        world.start()
        world.drop("POINTS_A.dat.pgp", accruals.records(30))
        equal(world.feedback("POINTS_A.dat.pgp").accepted, 30, "accepted")
        (pressure,) = [feed["pressure"] for feed in world.gateway.json("status")["lanes"][0]["feeds"]]
        equal(pressure["refused"], 3, "refused calls")


@test
def a_file_that_waits_for_the_end_of_a_pause_names_the_interface():
    with Accruals(batch=SMALL) as (world, interface):
        interface.plan("503 4")
        world.start()
        world.drop("POINTS_A.dat.pgp", accruals.records(5))
        wait = waits(world, "POINTS_A.dat.pgp", "interface", "waits for the end of a pause that interface ")
        assert wait["on"] and wait["until"], wait
        equal(world.feedback("POINTS_A.dat.pgp").accepted, 5, "accepted")


@test
def a_request_that_is_not_understood_keeps_the_file_and_is_told_loudly():
    with Accruals(batch=SMALL) as (world, interface):
        interface.plan("400")
        world.start()
        world.drop("POINTS_A.dat.pgp", accruals.records(10))
        wait_until("the refusal to be told", lambda: "HTTP 400" in world.gateway.log()
                   and "code=configuration" in world.gateway.log(), log=world.gateway.log_tail)
        file = wait_until("the problem to be shown",
                          lambda: (f := world.gateway.json("show", "POINTS_A.dat.pgp")["file"])["problem"] and f,
                          log=world.gateway.log_tail)
        equal(file["state"], "posting", "state")
        has(file["problem"], "HTTP 400", "problem")
        wait_until("an alarm", lambda: "posting-failing" in world.gateway.ok("alarms").out, log=world.gateway.log_tail)
        world.gateway.run("retry", "POINTS_A.dat.pgp")
        equal(world.feedback("POINTS_A.dat.pgp").accepted, 10, "accepted after the operator's retry")


def write_secret(path, text):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text + "\n")


@test
def settings_that_would_credit_something_else_wait_until_they_are_put_back():
    """The amount's field, or the layout, is another one while the outcome of a batch is not known."""
    with Accruals(batch=SMALL) as (world, interface):
        def restart_and_see(words):
            world.gateway.stop()
            world.start()
            world.gateway.run("retry", "POINTS_A.dat.pgp")
            wait_until(words, lambda: words in (world.gateway.json("show", "POINTS_A.dat.pgp")["file"]["problem"]
                                                or ""), log=world.gateway.log_tail)
            world.assert_nothing_credited()

        interface.plan("400")
        world.start()
        world.drop("POINTS_A.dat.pgp", accruals.records(30))
        wait_until("a refusal", lambda: "HTTP 400" in (world.gateway.json("show", "POINTS_A.dat.pgp")["file"]["problem"]
                                                       or ""), log=world.gateway.log_tail)
        world.feed.process[1]["amount"] = "amount"
        world.gateway.stop()
        world.start(wait=False)
        wait_until("the start to be refused", lambda: world.gateway.process.poll() == 3, log=world.gateway.log_tail)
        has(world.gateway.log(), "its amount was points, and is amount in the configuration", "the log")
        world.assert_nothing_credited()
        world.feed.process[1]["amount"] = "points"
        layout = world.configuration.layouts["accrual-v1"]
        right, record = layout['record "D"'], dict(layout['record "D"'])
        layout['record "D"'] = {'field "amount"': record.pop('field "amount"'), **record}
        restart_and_see("staged under another layout")
        layout['record "D"'] = right
        world.gateway.stop()
        world.start()
        world.gateway.run("retry", "POINTS_A.dat.pgp")
        equal(world.feedback("POINTS_A.dat.pgp").accepted, 30, "accepted")


@test
def a_wrong_token_locks_nobody_out_and_is_told():
    with Accruals(interface={"token": "right"}, batch=SMALL) as (world, interface):
        path = os.path.join(world.folder, "token")
        write_secret(path, "wrong")
        world.configuration.systems["core"]["main"]["token-file"] = path
        world.start()
        world.drop("POINTS_A.dat.pgp", accruals.records(10))
        wait_until("the refusal to be told", lambda: "code=login" in world.gateway.log(), log=world.gateway.log_tail)
        assert len(interface.requests) < 3, "a wrong token is not tried again and again"
        write_secret(path, "right")
        world.gateway.stop()
        world.restart()
        world.gateway.run("retry", "POINTS_A.dat.pgp")
        equal(world.feedback("POINTS_A.dat.pgp").accepted, 10, "accepted")


@test
def a_new_file_is_taken_in_while_an_older_one_is_still_accruing():
    with Accruals(batch=SMALL) as (world, interface):
        interface.capacity = Capacity(workers=0)  # it takes calls, and never answers
        world.configuration.lane_settings["threads"] = 1
        world.start()
        world.drop("POINTS_A.dat.pgp", accruals.records(30, prefix="A"))
        wait_until("a call", lambda: interface.requests, log=world.gateway.log_tail)
        world.drop("POINTS_B.dat.pgp", accruals.records(30, prefix="B"))
        world.gateway.wait_state("POINTS_B.dat.pgp", "validated", "posting")
        with interface.lock:
            interface.capacity = Capacity()
            interface.lock.notify_all()
        for name in ("POINTS_A.dat.pgp", "POINTS_B.dat.pgp"):
            equal(world.feedback(name).accepted, 30, "accepted")


@test
def nothing_is_lost_or_doubled_when_gateway_lane_or_courier_is_killed_while_it_accrues():
    with Accruals(batch={**SMALL, "pressure": FAST}) as (world, interface):
        interface.capacity = Capacity(overhead=0.05)
        world.start()
        world.drop("POINTS_A.dat.pgp", accruals.records(400, broken={100}))
        for done, word in ((3, "courier"), (6, "lane"), (10, "courier")):
            wait_until(f"{done} batches", lambda: len(interface.batches) >= done, log=world.gateway.log_tail)
            for pid in world.gateway.named(word):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        wait_until("14 batches", lambda: len(interface.batches) >= 14, log=world.gateway.log_tail)
        world.gateway.kill()
        world.restart()
        answer = world.feedback("POINTS_A.dat.pgp", seconds=60)
        equal((answer.accepted, answer.rejected), (399, 1), "feedback")
        equal(sum(interface.sizes()), 399, "records asked, each in one batch")


@test
def calls_in_flight_follow_what_the_interface_bears():
    """With real processes and scaled down in time; the figures are the simulation's
    (tests/unit/gateway/processors/http/test_pressure.c)."""
    batch = {"size-min": 20, "size-max": 40, "allow-any-size": True,
             "pressure": {"target-latency": "2s", "threads-min": 1, "threads-max": 6}}
    with Accruals(batch=batch) as (world, interface):
        interface.capacity = Capacity(workers=6, queue=2, overhead=0.03)
        world.start()
        world.drop("POINTS_A.dat.pgp", accruals.records(8000))
        pressure = lambda: world.gateway.json("status")["lanes"][0]["feeds"][0]["pressure"]
        wait_until("more calls at a time", lambda: pressure()["threads"] >= 3, log=world.gateway.log_tail)
        interface.capacity = Capacity(workers=1, queue=0, overhead=0.03)
        wait_until("one call at a time", lambda: pressure()["threads"] == 1, log=world.gateway.log_tail)
        before = interface.refused
        done = len(interface.batches)
        wait_until("40 batches more", lambda: len(interface.batches) >= done + 40, log=world.gateway.log_tail)
        assert interface.refused - before <= 8, \
            f"{interface.refused - before} of 40 calls were refused once it knew better"
        interface.capacity = Capacity(workers=6, queue=2, overhead=0.03)
        wait_until("more calls at a time again", lambda: pressure()["threads"] >= 2, log=world.gateway.log_tail)
        interface.capacity = Capacity()
        equal(world.feedback("POINTS_A.dat.pgp", seconds=60).accepted, 8000, "accepted")
        sizes = interface.sizes()
        assert all(20 <= size <= 40 for size in sizes[:-1]), f"between x's bounds: {sorted(set(sizes))}"
        has(world.gateway.log(), "why=refused", "decisions in the log")
        shown = world.gateway.ok("status").out
        has(shown, "CALLS-AT-ONCE", "status")


@test
def failures_at_random_hold_up_their_own_batches_only():
    """One call in five is cut or fails; the figures are the simulation's."""
    batch = {"size-min": 20, "size-max": 20, "allow-any-size": True, "pressure": {**FAST, "target-latency": "2s"}}
    with Accruals(batch=batch) as (world, interface):
        interface.capacity = Capacity(overhead=0.02)
        interface.plan(*["good", "cut", "good", "good", "good", "good", "commit-then-500", "good", "good", "good"] * 12)
        world.start()
        world.drop("POINTS_A.dat.pgp", accruals.records(2000))
        equal(world.feedback("POINTS_A.dat.pgp", seconds=60).accepted, 2000, "accepted")
        log = world.gateway.log()
        assert "trouble" not in log, "a failed call is its batch's affair, and not the file's"
        assert "threads=4 threads_before" not in log and "paused" not in log, "nor does it slow others down"
        equal(sum(batch["attempts"] for batch in batches_of(world, "POINTS_A.dat.pgp")), 100 + 24, "calls")


@test
def show_and_trace_tell_what_the_interface_was_asked():
    with Accruals(batch=SMALL) as (world, interface):
        interface.plan("commit-then-500")
        interface.decide = lambda record: ("rejected", "M17",
                                           "no such member") if record["key"] == "R-00000005" else ("accepted", None,
                                                                                                    None)
        world.start()
        world.drop("POINTS_A.dat.pgp", accruals.records(30))
        world.feedback("POINTS_A.dat.pgp")
        file = world.gateway.wait_state("POINTS_A.dat.pgp", "closed")
        text = world.gateway.ok("show", "POINTS_A.dat.pgp").out
        for part in ("Asked of the interface", f"{file['id']}-1-20", "TIMES", "HTTP 200: 19 accepted, 1 rejected"):
            has(text, part, "show")
        traced = world.gateway.json("trace", "POINTS_A.dat.pgp:6")
        equal((traced["outcome"], traced["code"], traced["reason"]), ("rejected", "M17", "no such member"),
              "the rejected line")
        equal(traced["idempotency_key"], f"{file['id']}-1-20", "its key")
        has(world.gateway.ok("trace", "POINTS_A.dat.pgp:7").out, f"{file['id']}-1-20", "trace")


@test
def our_client_certificate_and_token_are_shown_to_the_interface():
    with World(local=True) as world:
        from accrual_interface import certificate
        own = os.path.join(world.folder, "own")
        os.mkdir(own)
        client = certificate(own)
        os.chmod(client + ".key", 0o600)
        token = os.path.join(world.folder, "token")
        write_secret(token, "right")
        with AccrualInterface(world.folder, token="right", client_ca=client + ".crt") as interface:
            use(world.configuration, interface, batch=SMALL,
                endpoint=interface.endpoint(**{"certificate-file": client + ".crt", "private-key-file": client + ".key",
                                                                                            "token-file": token}))
            world.start()
            world.drop("POINTS_A.dat.pgp", accruals.records(25))
            equal(world.feedback("POINTS_A.dat.pgp").accepted, 25, "accepted")
            world.settle()
            equal(world.credits(), interface.total(), "credits here and there")
