"""The same mailbox by drop folders: what comes by one face leaves by the other, once."""
import os

from folders import arrived, by_folders
from harness import equal, has, test, wait_until
from mailboxes import MAILBOX, digest

BIG = 300 * 1024


def state_is(end, name, state, exchange):
    wait_until(f"{name} to be {state}", lambda: end.head(name).headers["item-state"] == state,
               log=exchange.gateway.log_tail)


@test(quick=True)
def what_is_put_by_sftp_is_got_by_http_and_the_reverse():
    with by_folders(source='incoming-marker = "{name}.ok"') as (exchange, server, _):
        consumer, source = exchange.consumer, exchange.source
        bodies = {"claims.dat": os.urandom(BIG), "Größe 1.txt": b"small", "empty": b""}
        for name, body in bodies.items():
            server.put(name, body)
        items = {}

        def listed():
            items.update((item["name"], item) for item in consumer.list().json()["items"])
            return set(items) == set(bodies)
        wait_until("three items", listed, log=exchange.gateway.log_tail)
        wait_until("the outgoing folder to be empty", lambda: server.names("out") == [], log=exchange.gateway.log_tail)
        for name, body in bodies.items():
            equal(digest(consumer.get(items[name]["id"]).body), digest(body), name)
        equal(len(consumer.ids()), 3, "each once")
        server.put("claims.dat", bodies["claims.dat"])  # sent again on purpose: it is another item
        wait_until("a fourth item", lambda: len(consumer.ids()) == 4, log=exchange.gateway.log_tail)

        answer = os.urandom(BIG)
        equal(consumer.put("r1", answer, headers=["Item-Name: result.dat"]).status, 201, "by HTTP")
        equal(consumer.put("r2", b"other", headers=["Item-Name: result.dat"]).status, 201, "another of that name")
        equal(consumer.put("r3", b"x", headers=["Item-Name: ../../etc/passwd"]).status, 201, "a name that is none")
        arrived(exchange, server, "r3", "r3.ok", "result.dat", "result.dat.ok")
        equal(digest(server.read("result.dat")), digest(answer), "what came")
        state_is(consumer, "r1", "listed", exchange)
        server.done("result.dat")
        state_is(consumer, "r1", "acknowledged", exchange)
        wait_until("the second one", lambda: "result.dat" in server.names() and server.read("result.dat") == b"other",
                   log=exchange.gateway.log_tail)
        equal(server.names("in/done"), [], "done is emptied")
        with open(server.path("in", "result.dat.ack"), "w") as file:
            file.write(digest(b"wrong"))
        wait_until("the alarm", lambda: "drop-folder" in exchange.gateway.ok("alarms").out,
                   log=exchange.gateway.log_tail)
        equal(source.head("r2").headers["item-state"], "listed", "with a wrong digest")
        with open(server.path("in", "result.dat.ack"), "w") as file:
            file.write(digest(b"other") + "  result.dat\n")
        state_is(consumer, "r2", "acknowledged", exchange)
        equal(source.acknowledge("r3", b"x").status, 200, "by the other face")
        wait_until("the incoming folder to be empty", lambda: server.names() == [], log=exchange.gateway.log_tail)
        wait_until("the alarm to end", lambda: "drop-folder" not in exchange.gateway.ok("alarms").out,
                   log=exchange.gateway.log_tail)
        exchange.gateway.ok("verify")


@test
def requests_and_answers_go_by_folders_too():
    with by_folders(source='requests = "*.req"', consumer="") as (exchange, server, local):
        server.put("person.req", b"insured?")
        wait_until("the request", local.names, log=exchange.gateway.log_tail)
        name = local.names()[0]
        has(name, "person_", "its name")
        equal(local.read(name), b"insured?", "what is asked")
        answer, stem = os.urandom(BIG), name[:-len(".req")]
        local.put(f"re_{stem}.txt", answer)
        arrived(exchange, server, f"re_{stem}.txt")
        equal(digest(server.read(f"re_{stem}.txt")), digest(answer), "the answer")
        wait_until("the request to be taken away", lambda: local.names() == [], log=exchange.gateway.log_tail)
        local.put(f"second_{stem}.txt", b"another answer")  # of a request that is known no more: it is an item
        arrived(exchange, server, f"re_{stem}.txt", f"second_{stem}.txt")
        for each in server.names():
            server.done(each)
        asked = exchange.gateway.json("exchange", "requests", MAILBOX)["requests"]
        wait_until("it to be delivered", lambda: exchange.source.request(asked[0]["id"])["state"] == "delivered",
                   log=exchange.gateway.log_tail)
        # asked by HTTP, answered by the folder
        exchange.source.put("request-q7", b"which?", headers=["Item-Name: which.txt"])
        equal(exchange.source.post("", id="q7").status, 201, "asked")
        wait_until("the request", lambda: local.names() == ["which_q7.txt"], log=exchange.gateway.log_tail)
        local.put("which_q7.txt", b"this one")
        wait_until("the answer", lambda: exchange.source.request("q7")["state"] == "answered",
                   log=exchange.gateway.log_tail)
        exchange.gateway.ok("verify")


@test
def what_a_mailbox_does_not_take_is_told_and_left_where_it_is():
    with by_folders(items='size-limit = "100K" quota = "120K"') as (exchange, server, _):
        def log():
            with open(exchange.gateway.log_path, errors="replace") as file:
                return file.read()
        server.put("large", os.urandom(BIG))
        server.put("first", os.urandom(90 * 1024))
        wait_until("the first", lambda: len(exchange.consumer.ids()) == 1, log=exchange.gateway.log_tail)
        server.put("second", os.urandom(90 * 1024))
        wait_until("what is told", lambda: all(word in log() for word in
                                               ("name=large", "larger than", "name=second", "is full")))
        equal(server.names("out"), ["large", "second"], "what is left there")
        wait_until("the alarm", lambda: "drop-folder" in exchange.gateway.ok("alarms").out)
        os.unlink(server.path("out", "large"))
        os.unlink(server.path("out", "second"))
        wait_until("the alarm to end", lambda: "drop-folder" not in exchange.gateway.ok("alarms").out)
        equal(len(exchange.consumer.ids()), 1, "what has come")
        exchange.gateway.ok("verify")
