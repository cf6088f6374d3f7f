"""Requests in a mailbox: one answer to each, whoever answers when; in both directions."""
import json
import os
import subprocess
import threading
import time

from gateway import BINARY
from harness import equal, has, test, wait_until
from mailboxes import MAILBOX, Exchange, digest


def ends(exchange):
    return ((exchange.source, exchange.consumer), (exchange.consumer, exchange.source))


@test(quick=True)
def a_request_is_taken_answered_and_delivered_in_both_directions():
    with Exchange() as exchange:
        for asker, other in ends(exchange):
            for name, body in (("q1", b"may we pay?"), ("q2", b"and this?")):
                equal(asker.post("", id=name).status, 409, "before its bytes were put")
                equal((asker.ask(name, body), asker.ask(name, body)), (201, 200), "asked, and asked again")
                taken = other.take().json()
                equal((taken["id"], taken["item"], taken["attempts"]), (name, "request-" + name, 1), "taken")
                equal(other.get(taken["item"]).body, body, "what is asked")
                equal((other.take().status, asker.take().status), (204, 204), "nothing more, and none for who asks")
                equal(asker.request(name)["state"], "taken", "the state")
                equal(other.post(f"/{name}/lease", token=taken["token"]).status, 200, "the lease goes on")
                answer = os.urandom(200 * 1024) if name == "q2" else b""
                equal(other.answer(name, taken["token"], answer).status, 201, "answered")
                equal(other.answer(name, taken["token"], answer).status, 200, "the same once more")
                state = asker.request(name)
                equal(state["state"], "answered", "the state")
                equal(asker.get(state["answer"]).body, answer, "the answer")
                listed = [item for item in asker.list().json()["items"] if item["id"] == state["answer"]]
                equal(len(listed), 1, "the answer among what has come")
                equal(asker.acknowledge(state["answer"], answer).status, 200, "acknowledged")
                equal(asker.request(name)["state"], "delivered", "the state")
                equal(asker.head("request-" + name).headers["item-state"], "acknowledged", "the request's own item")
        for end in (exchange.source, exchange.consumer):
            equal([name for name in end.ids() if name.startswith("request-")], [], "requests among what has come")


@test
def of_fifty_different_answers_at_once_one_is_the_answer():
    with Exchange(front={"connections-per-address": 256}) as exchange:
        exchange.source.ask("q", b"which?")
        token = exchange.consumer.take().json()["token"]
        folder, bodies = exchange.folder, [os.urandom(70000 if n % 10 == 0 else 300) for n in range(50)]
        answers = [f"answer-q.{token}.{digest(body)[:16]}" for body in bodies]

        def put(numbers):
            for n in numbers:
                equal(exchange.consumer.put(answers[n], bodies[n]).status, 201, answers[n])
        threads = [threading.Thread(target=put, args=(range(k, 50, 5),)) for k in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        url = f"{exchange.url}/v1/mailboxes/{MAILBOX}/requests/q/answer"
        lines = []
        for n, item in enumerate(answers):
            lines += [f'url = "{url}"', 'output = "/dev/null"', 'write-out = "%{http_code}\\n"',
                      'data = "' + json.dumps({"token": token, "item": item}).replace('"', '\\"') + '"',
                      f'header = "Authorization: Bearer {exchange.consumer.token}"'] + (["next"] if n < 49 else [])
        with open(os.path.join(folder, "all"), "w") as file:
            file.write("\n".join(lines))
        done = subprocess.run(["curl", "-sS", "--parallel", "--parallel-immediate", "--parallel-max",
                               "50", "-K", os.path.join(folder, "all")], stdout=subprocess.PIPE, text=True, timeout=60)
        statuses = done.stdout.split()
        equal((statuses.count("201"), statuses.count("409")), (1, 49), "of fifty answers")
        answer = exchange.source.request("q")["answer"]
        equal(digest(exchange.source.get(answer).body), digest(bodies[answers.index(answer)]), "the answer's bytes")
        equal(exchange.source.ids(), [answer], "what has come")
        kept = 1 if len(bodies[answers.index(answer)]) > 65536 else 0
        equal(len(exchange.files()), kept, "files: nothing is kept of the others")


@test
def a_lease_that_is_over_lets_another_take_it_and_the_last_token_answers():
    with Exchange(requests='lease = "1s" attempts = 2') as exchange:
        source, consumer = exchange.source, exchange.consumer
        source.ask("q", b"which?")
        first = consumer.take().json()
        second = consumer.take(wait="20s").json()  # comes when the first lease is over
        assert second["id"] == "q" and second["token"] > first["token"], str(second)
        late = consumer.answer("q", first["token"], b"too late")
        equal((late.status, late.json()["error"]), (409, "taken-by-another"), "the first token")
        wait_until("the second lease to be over", lambda: time.time() * 1e6 > second["lease_until"])
        equal(consumer.answer("q", second["token"], b"late").status, 201, "late, and nobody took it since")
        equal(consumer.answer("q", second["token"], b"other").json()["error"], "already-answered", "a second answer")
        source.ask("r", b"nobody answers")
        for attempt in (1, 2):
            equal(consumer.take(wait="20s").json()["attempts"], attempt, "taken")
        equal(consumer.take(wait="5s").status, 204, "as often as may be")
        equal(source.request("r")["state"], "failed", "its state")
        source.ask("s", b"cannot be answered")
        token = consumer.take().json()["token"]
        equal(consumer.post("/s/failure", token=token, reason="no such person").status, 200, "given up")
        equal((source.request("s")["state"], source.request("s")["reason"]), ("failed", "no such person"), "its state")
        equal(consumer.answer("s", token, b"after all").status, 410, "an answer after all")


@test
def only_who_may_asks_and_only_what_was_asked_is_answered():
    settings = {"requests": 'from = source answer-limit = "64K"', "alarm": 'alarm { untaken-after = "1s" }'}
    with Exchange(items='size-limit = "1M"', **settings) as exchange:
        source, consumer = exchange.source, exchange.consumer
        equal(consumer.put("request-c", b"me?").status, 201, "the bytes of a request of the other end")
        refused = consumer.post("", id="c")
        equal((refused.status, refused.json()["error"]), (403, "not-allowed"), "the other end asks")
        for name in ("answer-q.1.0123456789abcdef", "answer-q", "answer-", "answer-.1.x"):
            answer = consumer.put(name, b"unasked")
            equal((answer.status, answer.json()["error"]), (404, "not-asked"), name)
        equal(source.ask("q", b"which?"), 201, "asked")

        def alarms():
            return [alarm["kind"] for alarm in exchange.gateway.json("alarms")["alarms"]]
        wait_until("the alarm", lambda: alarms() == ["request-untaken"], log=exchange.gateway.log_tail)
        equal(consumer.put("answer-q.1.0123456789abcdef", b"untaken").status, 404, "before it was taken")
        token = consumer.take().json()["token"]
        wait_until("the alarm to be over", lambda: alarms() == [], log=exchange.gateway.log_tail)
        equal(consumer.put(f"answer-q.{token + 1}.0123456789abcdef", b"x").status, 404, "a token that nobody has")
        equal(consumer.put(f"answer-q.{token}.0123456789abcdef", os.urandom(70000)).status, 413, "a large answer")
        equal(consumer.post("/q/lease", token=token, deferred=60).status, 200, "it waits for idleness")
        since = source.request("q")["deferred_since"]
        assert abs(time.time() - 60 - since / 1e6) < 30, f"deferred since {since}"
        equal(consumer.post("/q/lease", token=token).status, 200, "it does not any more")
        equal("deferred_since" in source.request("q"), False, "deferred")
        equal(consumer.answer("q", token, b"this").status, 201, "answered")


@test
def a_request_that_has_expired_takes_no_answer_and_strangers_see_none():
    with Exchange(requests='expire = "2s"') as exchange:
        source, consumer = exchange.source, exchange.consumer
        source.ask("q", os.urandom(100))
        token = consumer.take().json()["token"]
        for path, method in (("", "POST"), ("/take", "POST"), ("/q", "GET"), ("/q/lease", "POST"),
                             ("/q/answer", "POST"), ("/q/failure", "POST")):
            for given, status in ((exchange.stranger.token, 404), ("", 401)):
                equal(exchange.stranger.curl(f"/v1/mailboxes/{MAILBOX}/requests{path}", method=method, token=given,
                                             body=b"{}" if method == "POST" else None).status, status, path)
        wait_until("it to expire", lambda: source.request("q")["state"] == "expired")
        body = os.urandom(100000)
        answer = consumer.answer("q", token, body)
        equal((answer.status, answer.json()["error"], exchange.files()), (410, "request-over", []), "an answer")
        equal(consumer.take().status, 204, "to take it")
        equal(consumer.post("/q/lease", token="x").status in (400, 409, 410), True, "a token that is none")


class Commands:
    """An end without a gateway that runs: `sallyport request`, by a configuration with nothing but an endpoint."""

    def __init__(self, exchange, end):
        self.folder = os.path.join(exchange.folder, "at-" + end.name)
        os.mkdir(self.folder)
        self.configuration = self.write("sallyport.conf", f"""node {{ name = "end"  state = "{self.folder}/state" }}
partner "exchange" {{ endpoint "gw" {{ url = "mailbox://127.0.0.1:{exchange.port}"  clear-text = yes
  token-file = "{self.write("token", end.token)}" }} }}
""")

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(os.open(self.path(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        return self.path(name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def begin(self, *words):
        return subprocess.Popen([BINARY, "--config", self.configuration, "request", *words], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, *words):
        process = self.begin(*words)
        out, errors = process.communicate(timeout=60)
        return process.returncode, out, errors


@test
def who_waits_for_an_answer_goes_on_when_the_exchange_was_away():
    with Exchange() as exchange:
        source = Commands(exchange, exchange.source)
        asked = source.write("who.req", b"who?")
        waits = source.begin("send", MAILBOX, asked, "--wait", "--id", "q")
        token = exchange.consumer.take(wait="20s").json()["token"]
        exchange.gateway.kill()
        has(waits.stderr.readline(), "the request stands", "what it says of that")
        exchange.start()
        equal(exchange.consumer.answer("q", token, b"they").status, 201, "answered")
        out, errors = waits.communicate(timeout=60)
        equal((waits.returncode, source.read("who.req.answer")), (0, b"they"), out + errors)
        equal(source.run("wait", "none-such", "q", "--into", source.path("x"))[0], 4, "a mailbox that is none")
        status, out, errors = source.run("take", "none-such", "--into", source.path("x"))
        equal((status, "no reason" in errors), (7, False), errors)
        equal(exchange.gateway.run("exchange", "items", "none-such").status, 4, "to the operator, too")


@test
def a_request_is_sent_taken_answered_and_waited_for_by_command():
    with Exchange(requests='from = source answer-limit = "1M"') as exchange:
        source, consumer = Commands(exchange, exchange.source), Commands(exchange, exchange.consumer)
        asked, answer = source.write("who.req", os.urandom(100000)), os.urandom(200000)
        equal(consumer.run("take", MAILBOX, "--into", consumer.path("asked"))[0], 9, "nothing to take")
        waits = source.begin("send", MAILBOX, asked, "--wait")
        taken = consumer.run("take", MAILBOX, "--wait", "--into", consumer.path("asked"), "--json")
        equal(taken[0], 0, taken[2])
        said = json.loads(taken[1])
        equal(consumer.read("asked"), source.read("who.req"), "what is asked")
        status, out, errors = source.run("send", MAILBOX, asked)
        equal((status, said["id"] in out, "taken" in out), (9, True, True), "the same file once more: " + errors)
        token = str(said["token"])
        large = consumer.write("large", os.urandom((1 << 20) + 1))
        equal(consumer.run("answer", MAILBOX, said["id"], large, "--token", token)[0], 7, "an answer that is too large")
        first, second = consumer.write("first", answer), consumer.write("second", b"second")
        for path, status in ((first, 0), (first, 0), (second, 7)):
            done = consumer.run("answer", MAILBOX, said["id"], path, "--token", token)
            equal(done[0], status, f"{path}: {done[1]}{done[2]}")
        out, errors = waits.communicate(timeout=60)
        equal((waits.returncode, source.read("who.req.answer")), (0, answer), errors)
        equal(exchange.source.request(said["id"])["state"], "delivered", "the state")
        equal(source.run("wait", MAILBOX, said["id"], "--into", source.path("again"))[0], 0, "waited for once more")
        equal(source.read("again"), answer, "the answer once more")
        equal(consumer.run("send", MAILBOX, second)[0], 7, "who may not ask")
        equal(source.run("wait", MAILBOX, "none", "--into", source.path("x"))[0], 4, "a request that is none")
        equal(source.run("send", MAILBOX, asked, "--id", "q2")[0], 9, "another request with the same bytes")
        token = exchange.consumer.take().json()["token"]
        exchange.consumer.post("/q2/failure", token=token, reason="no such person")
        status, out, errors = source.run("wait", MAILBOX, "q2", "--into", source.path("x"))
        equal((status, "no such person" in out), (1, True), out + errors)
