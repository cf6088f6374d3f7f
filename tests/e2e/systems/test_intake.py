"""Usage over HTTP: the same records, codes and prices as in files, each batch rated once, and answered when it is
durable."""
import concurrent.futures
import os
import signal

import usage
from harness import equal, has, test, wait_until
from intake import Sender, csv, event
from packers import finish, opened
from usage import Music, tiered
from world import World


def music_over_http(world, feeds=1, **intake):
    sender = Sender(world, **intake)
    music = Music(world, feeds=feeds, intake=sender.intake)
    sender.wait_up()
    return music, sender


@test
def a_batch_over_http_is_rated_as_a_file_is_and_once_however_often_it_comes():
    with World(local=True) as world:
        music, sender = music_over_http(world, records=12, **{"size-limit": "64K"})
        told = sender.rate("one", event("S1"), event("S2", 60, tier="gold"), event("S3", -1), event("S4", product="P9"),
                           event("S1"), event("S1", 79), event("S6", "x"), event("S3", 60),
                           event("S7", at="2099-01-01T00:00:00Z"))
        equal(told, [("rated", "0.33"), ("rated", "0.24"), ("rejected", "B005"), ("suspended", "B010"),
                     ("duplicate", "K001"), ("conflict", "K002"), ("rejected", "L012"), ("rated", "0.25"),
                     ("held", "B008")], "the first batch")
        equal(sender.rate("two", event("S1"), event("S1", account="A2"), event("S8"), form="text/csv"),
              [("duplicate", "K003"), ("conflict", "K004"), ("rated", "0.33")], "the second, as CSV")
        equal(music.rate("three", usage.record("S1"), usage.record("S8", 79), usage.record("S9")),
              [("DUPLICATE", "K003"), ("REJECTED", "K004"), ("OK", "")], "a file")
        equal(sender.rate("four", event("S9")), [("duplicate", "K003")], "what came in the file")
        shown = music.explain("S2")
        equal([shown[name] for name in ("file", "line", "amount")], ["http:acme-bank:one", 2, "0.24"], "explain")

        # the same batch again: the same bytes; another body: refused; behind a kill, too
        before = sender.send("one", [event("S1")])
        equal((before.status, before.json()["error"]), (422, "other-body"), "another body")
        for _ in range(2):
            again = sender.send("five", [event("S10"), event("S11", 1)])
            first = again if _ == 0 else first
            equal((again.status, again.body), (200, first.body), "sent again")
        world.gateway.kill()
        world.gateway.start()
        sender.wait_up()
        again = sender.send('"five"', [event("S10"), event("S11", 1)])
        equal((again.status, again.body), (200, first.body), "behind a kill, with a quoted key")
        refusals(sender)
        has(world.gateway.ok("verify").out, "9 rated over 2.60, 1 suspended", "verify")
        for line in ('sallyport_usage_batches_total{lane="points",rating="music",status="413"} 1',
                     'sallyport_usage_records_total{lane="points",rating="music"} 6'):
            has(sender.curl("/metrics").body, line, "the metrics, since the last start")
        finish(world)


def refusals(sender):
    one = event("R1")
    for key, body, options, status, error in (
            (None, [one], {}, 400, "key"), ("a b", [one], {}, 400, "key"), ("k" * 65, [one], {}, 400, "key"),
            ("r1", [one], {"form": "text/plain"}, 415, "type"), ("r2", "", {}, 400, "unreadable"),
            ("r3", [], {}, 400, "unreadable"), ("r4", "{}", {}, 400, "unreadable"),
            ("r5", "[{}", {}, 400, "unreadable"), ("r6", "[{}] x", {}, 400, "unreadable"),
            ("r7", '[{"serial":"R1","serial":"R2"}]', {}, 400, "unreadable"),
            ("r8", [{**one, "seconds": 1.5}], {}, 400, "unreadable"),
            ("r9", [{**one, "price": "1"}], {}, 400, "unreadable"),
            ("r10", [event(f"R{i}") for i in range(13)], {}, 413, "too-large"),
            ("r11", [event("R" * 66000)], {}, 413, "too-large"),
            ("r12", 'serial,serial\nR1,R1\n', {"form": "text/csv"}, 400, "unreadable"),
            ("r13", 'serial,msisdn\nR1\n', {"form": "text/csv"}, 400, "unreadable"),
            ("r14", 'serial\n"R1\n', {"form": "text/csv"}, 400, "unreadable"),
            ("r15", [one], {"path": "/v1/rating/other/batches"}, 404, None)):
        answer = sender.send(key, body, **options)
        equal((answer.status, answer.json()["error"] if error else None), (status, error), f"{key}: {answer.body}")
    for header, status, error in (("Idempotency-Key: other", 400, "key"),
                                  ("Content-Encoding: gzip", 415, "a body with a Content-Encoding is not taken; "
                                                                  "send it as it is")):
        answer = sender.send("twice", [one], "-H", header)
        equal((answer.status, answer.json()["error"]), (status, error), header)
    equal(sender.send("r16", [one], token="wrong").status, 401, "a stranger")
    equal(sender.rate("r17", {}, {**one, "serial": "R\n1"}, {**one, "tier": None, "seconds": 78}),
          [("rejected", "L010"), ("rejected", "L007"), ("rated", "0.33")], "what is wrong with a record alone")
    quoted = csv(one).replace("R1", '"R,""2"""')
    equal(sender.send("r18", quoted, form="text/csv").json()["results"], [{"record": 1, "result": "rated",
                                                                          "amount": "0.33"}], "quoted CSV")


@test
def a_quote_tells_what_usage_would_cost_and_moves_nothing():
    with World(local=True) as world:
        sender = Sender(world)
        music = tiered(world, {"shards": 2, "intake": sender.intake}, bounds=(100, 2000))
        sender.wait_up()
        before = [event(f"S{i}", 30, account=f"A{i % 2}") for i in range(4)]
        many = [event(f"Q{i}", 1, account=f"A{i % 2}") for i in range(1500)] + [
            event("Q0", 1, account="A0"), event("Q1", 2, account="A1"), event("Q9999", -1)]

        def quoted():
            answer = sender.send(None, many, path="/v1/rating/music/quote")
            assert answer.status == 200, answer.body
            return answer.json()
        first = quoted()
        amounts = [one.get("amount") for one in first["results"]]
        equal((amounts[0], amounts[199], amounts[200], first["duplicates"], first["conflicts"], first["rejected"]),
              ("1.40", "1.40", "1.32", 1, 1, 1), "behind nothing")
        equal(quoted(), first, "once more")
        sender.rate("one", *before)
        behind = [one.get("amount") for one in quoted()["results"]]
        equal((behind[79], behind[80]), ("1.40", "1.32"), "behind 60 each")
        equal(sender.rate("two", event("Q0", 50, account="A0")), [("rated", "69.20")], "the counter is 60")
        equal([one["result"] for one in quoted()["results"][:2]], ["conflict", "rated"], "what is there now")
        equal(world.gateway.run("rating", "explain", "Q1").status, 4, "a quoted record")
        has(world.gateway.ok("verify").out, "5 rated over", "verify")
        equal(sender.send(None, [event("Q")], path="/v1/rating/other/quote").status, 404, "another's")
        finish(world)


@test
def what_was_answered_over_http_is_there_behind_a_kill_and_what_was_not_is_rated_once():
    with World(local=True) as world:
        music, sender = music_over_http(world)
        lane, = world.gateway.named("lane")
        body = {f"b{i}": [event(f"S{i}-{n}", account=f"A{n % 7}") for n in range(5)] for i in range(60)}
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            sent = {key: pool.submit(sender.send, key, events) for key, events in body.items()}
            wait_until("some answers", lambda: sum(one.done() for one in sent.values()) >= 20)
            os.kill(lane, signal.SIGKILL)
            first = {key: one.result() for key, one in sent.items()}
        statuses = {answer.status for answer in first.values()}
        assert statuses <= {200, 503}, statuses
        wait_until("the lane", lambda: sender.send("b0", body["b0"]).status == 200, log=world.gateway.log_tail)
        again = {key: sender.send(key, events) for key, events in body.items()}
        equal({key for key, answer in again.items() if answer.status != 200}, set(), "sent again")
        equal([key for key in body if first[key].status == 200 and first[key].body != again[key].body], [],
              "answers that changed")
        equal({one["result"] for answer in again.values() for one in answer.json()["results"]}, {"rated"}, "results")
        has(world.gateway.ok("verify").out, "300 rated over 99.00, 0 suspended", "verify")
        finish(world)


@test
def of_one_key_that_comes_in_files_and_over_http_at_once_one_record_is_rated():
    with World(local=True) as world:
        world.configuration.lane_settings["threads"] = 4
        music, sender = music_over_http(world, waiting=4)
        n, size = 10000, 500
        music.usage[0].drop("USAGE_1.pgp", world.partner.seal(usage.text(
            *[usage.record(f"S{i}", account=f"A{i % 50}") for i in range(n)])))

        def send(first):
            events = [event(f"S{i}", account=f"B{i % 50}") for i in range(first, first + size)]

            def answered():
                answer = sender.send(f"b{first}", events)
                return answer.status == 200 and answer.json()["results"]
            return wait_until("an answer", answered, log=world.gateway.log_tail)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            over_http = [one for part in pool.map(send, range(0, n, size)) for one in part]
        of_file = [told[1:] for told in opened(world, music.usage[0], "USAGE_1_FB.dat.pgp").results]
        equal({(one["result"], *told) for one, told in zip(over_http, of_file)} -
              {("rated", "REJECTED", "K004"), ("conflict", "OK", "")}, set(), "of each key")
        has(world.gateway.ok("verify").out, f"{n} rated over 3300.00, 0 suspended", "verify")
        finish(world)
