"""A mailbox whose lane dies at each of its points: two ends that repeat what they asked, as honest clients do, find
each item once, with its bytes, acknowledged once, each request with one answer, and no file that no item has."""
import os

from folders import by_folders
from harness import Test, equal, wait_until
from mailboxes import Exchange, digest

POINTS = ["put-before", "put-after", "open-before", "open-after", "sync-before", "store-before", "store-after",
          "acknowledge-before", "acknowledge-after", "end-before", "end-after"]
REQUEST_POINTS = ["request-before", "request-after", "take-before", "take-after", "answer-before", "answer-after"]
FOLDER_POINTS = ["drop-fetched", "store-before", "store-after", "drop-delivered", "drop-remove-before",
                 "drop-remove-after", "drop-rename-before", "drop-rename-after", "acknowledge-after",
                 "drop-withdraw-before", "drop-withdraw-after", "answer-before", "answer-after"]
LARGE = 200 * 1024


def asked(exchange, what, *statuses):
    """What an honest client does: asks again until it has an answer that is one of these."""
    def answered():
        answer = what()
        assert answer.status in statuses, f"{answer.status} {answer.body[:200]}"
        return answer
    return wait_until("an answer that is one of " + str(statuses), answered, seconds=60, log=exchange.gateway.log_tail)


def day(exchange):
    bodies = {"small": b"one claim", "large": os.urandom(LARGE), "last": b"the last one"}
    for name, body in bodies.items():
        asked(exchange, lambda n=name, b=body: exchange.source.put(n, b), 201, 200)
    consumer, seen, cursor = exchange.consumer, [], None
    while len(seen) < len(bodies):
        page = asked(exchange, lambda: consumer.list(cursor, limit=2), 200).json()
        cursor, seen = page["cursor"], seen + [item["id"] for item in page["items"]]
    equal(seen, list(bodies), "what is listed, each once, in its order")
    equal(cursor.split(".")[1], "3", "the last number")
    for name, body in bodies.items():
        if name != "last":
            equal(digest(asked(exchange, lambda n=name: consumer.get(n), 200).body), digest(body), name)
            asked(exchange, lambda n=name, b=body: consumer.acknowledge(n, b), 200)

    def ended():
        items = exchange.gateway.json("exchange", "items", "medical-claims")["items"]
        states = {item["id"]: item["state"] for item in items}
        assert states == {"small": "removed", "large": "removed", "last": "listed"}, str(states)
        assert exchange.files() == [], str(exchange.files())
        return True
    wait_until("what is acknowledged to go", ended, seconds=60, log=exchange.gateway.log_tail)
    exchange.gateway.ok("verify")


def request_day(exchange):
    """A take whose answer was lost is taken again, when its lease is over."""
    source, consumer, answer = exchange.source, exchange.consumer, os.urandom(LARGE)
    asked(exchange, lambda: source.put("request-q", b"which?"), 201, 200)
    asked(exchange, lambda: source.post("", id="q"), 201, 200)
    token = asked(exchange, lambda: consumer.take(wait="20s"), 200).json()["token"]
    item = f"answer-q.{token}.{digest(answer)[:16]}"
    asked(exchange, lambda: consumer.put(item, answer), 201, 200)
    asked(exchange, lambda: consumer.post("/q/answer", token=token, item=item), 201, 200)
    equal(source.ids(), [item], "what has come: one answer")
    equal(digest(source.get(item).body), digest(answer), "its bytes")
    equal((len(exchange.files()), source.request("q")["state"]), (1, "answered"), "files, and the request")
    asked(exchange, lambda: source.acknowledge(item, answer), 200)
    equal(source.request("q")["state"], "delivered", "the request")
    exchange.gateway.ok("verify")


def folder_day(exchange, server, local):
    """Each thing once, whichever folder it goes through: an item both ways, and a request with its answer."""
    body, back, answer = os.urandom(LARGE), os.urandom(LARGE), os.urandom(LARGE)

    def there(folders, wanted, where="in"):
        wait_until(f"{where}: {wanted}", lambda: folders.names(where) == wanted, seconds=60,
                   log=exchange.gateway.log_tail)
    server.put("claims.dat", body)
    there(local, ["claims.dat"])
    equal(digest(local.read("claims.dat")), digest(body), "what came")
    local.done("claims.dat")
    there(local, [])
    there(server, [], "out")
    local.put("back.dat", back)
    there(server, ["back.dat"])
    equal(digest(server.read("back.dat")), digest(back), "what came back")
    server.done("back.dat")
    there(server, [])
    server.put("who.req", b"who?")
    name = wait_until("the request", local.names, seconds=60, log=exchange.gateway.log_tail)[0]
    local.put(name, answer)
    there(server, [name])
    equal(digest(server.read(name)), digest(answer), "the answer")
    there(local, [])
    server.done(name)
    there(server, [])
    there(local, [], "out")

    def settled():
        items = exchange.gateway.json("exchange", "items", "medical-claims")["items"]
        states = sorted(item["state"] for item in items)
        assert states == ["acknowledged"] * 4, str(items)
        return True
    wait_until("four items, all acknowledged", settled, seconds=60, log=exchange.gateway.log_tail)
    exchange.gateway.ok("verify")


def folders_killed_at(point):
    def run():
        with by_folders(source='requests = "*.req"', consumer="", start=False,
                        requests='lease = "2s"') as (exchange, server, local):
            once = os.path.join(exchange.folder, "killed")
            exchange.gateway.environment.update({"SALLYPORT_FAULT": point, "SALLYPORT_FAULT_ONCE": once})
            exchange.start()
            folder_day(exchange, server, local)
            assert os.path.exists(once), f"nobody died at {point}"
    return run


def killed_at(point, day, **settings):
    def run():
        with Exchange(start=False, **settings) as exchange:
            once = os.path.join(exchange.folder, "killed")
            exchange.gateway.environment.update({"SALLYPORT_FAULT": point, "SALLYPORT_FAULT_ONCE": once})
            exchange.start()
            day(exchange)
            assert os.path.exists(once), f"nobody died at {point}"
    return run


def tests():
    for point in POINTS:
        yield Test(killed_at("exchange-" + point, day, items='keep-acknowledged = "1s"'),
                   name=f"a_lane_killed_at_exchange_{point.replace('-', '_')}_keeps_each_item_once")
    for point in REQUEST_POINTS:
        yield Test(killed_at("exchange-" + point, request_day, requests='lease = "1s"'),
                   name=f"a_lane_killed_at_exchange_{point.replace('-', '_')}_keeps_one_answer")
    for point in FOLDER_POINTS:
        yield Test(folders_killed_at("exchange-" + point),
                   name=f"a_lane_killed_at_exchange_{point.replace('-', '_')}_moves_each_file_of_a_folder_once")
