"""Mailboxes: an item's way from the source to the consumer by curl, and every answer that is promised."""
import json
import os
import re
import socket
import threading

from answers import description, jsonschema
from harness import TOP, equal, has, test, wait_until
from mailboxes import MAILBOX, Exchange, digest, repr_digest

BIG = 300 * 1024


@test(quick=True)
def an_item_is_put_listed_obtained_and_acknowledged_in_both_directions():
    with Exchange() as exchange:
        for puts, gets in ((exchange.source, exchange.consumer), (exchange.consumer, exchange.source)):
            for name, body in (("small.1", b"one claim\n"), ("large.1", os.urandom(BIG)), ("empty", b"")):
                answer = puts.put(name, body, headers=["Item-Name: claims é.dat", "Item-Records: 12"])
                equal((answer.status, answer.json()["state"]), (201, "stored"), name)
            listed = gets.list().json()
            equal([item["id"] for item in listed["items"]], ["small.1", "large.1", "empty"], "the list")
            equal((listed["items"][0]["name"], listed["items"][0]["records"]), ("claims é.dat", "12"), "declared")
            equal(gets.list(listed["cursor"]).status, 204, "after the cursor")
            for item in listed["items"]:
                got = gets.get(item["id"])
                equal((got.status, digest(got.body), len(got.body)), (200, item["sha256"], item["size"]), item["id"])
                equal(got.headers["etag"], f'"{item["sha256"]}"', "ETag")
                for _ in range(2):
                    equal(gets.acknowledge(item["id"], got.body).status, 200, "acknowledged")
                equal(puts.head(item["id"]).headers["item-state"], "acknowledged", "the state, for who put it")
            equal(gets.list(unacknowledged="yes").status, 204, "what is unacknowledged")
            equal(gets.ids(), ["small.1", "large.1", "empty"], "the list from its beginning")


@test
def a_put_says_what_it_is_and_an_honest_retry_is_the_old_result():
    with Exchange(items='size-limit = "1M" quota = "1500K"') as exchange:
        source, item = exchange.source, exchange.source.item("a")
        small, large = b"x" * 100, os.urandom(BIG)
        equal(source.curl(item, "-H", "Transfer-Encoding: chunked", method="PUT", body=small).status, 411, "no length")
        equal(source.curl(item, method="PUT", body=small).status, 400, "no digest")
        for body in (small, large):
            equal(source.curl(item, method="PUT", body=body,
                              headers=["Repr-Digest: sha-256=:" + "A" * 43 + "=:"]).status, 400, "another digest")
            equal(source.head("a").status, 404, "nothing is kept")
        equal(source.put("a", small).status, 201, "put")
        equal(source.put("a", small).status, 200, "put again")
        equal(source.put("a", b"y" * 100).status, 422, "other bytes")
        equal(source.put("b", large).status, 201, "a large one")
        equal(source.put("b", large).status, 200, "a large one again")
        equal(source.put("b", os.urandom(BIG)).status, 422, "a large one with other bytes")
        equal(source.put("c", os.urandom((1 << 20) + 1)).status, 413, "over the limit")
        equal(exchange.consumer.ids(), ["a", "b"], "what is there")
        equal(source.put("d", os.urandom(1 << 20)).status, 201, "up to the quota")
        refused = source.put("e", os.urandom(BIG), headers=["Expect: 100-continue"])
        equal((refused.status, refused.json()["error"]), (507, "full"), "over the quota")
        equal([member for member in ("id", "state") if member in refused.json()], [], "told of what is not kept")
        equal(source.put("small", os.urandom(60000)).status, 201, "what fits")
        equal(len(exchange.files()), 2, "files")


@test
def an_id_is_taken_as_it_is_or_refused_and_a_repetition_tells_what_is_kept():
    with Exchange() as exchange:
        source, body = exchange.source, b"claims"
        headers = [f"Repr-Digest: {repr_digest(body)}"]
        for escaped in ("a%00b", "%2e", "%2E%2e", "a%2Fb", "..%2f..%2fb", "a%20b", "a%0d%0ab", "%C3%A4", "a;b",
                        "x" * 65):
            answer = source.curl(source.item(escaped), "--path-as-is", method="PUT", body=body, headers=headers,
                                 checked=False)
            equal((answer.status, answer.json()["error"]), (404, "there is nothing of this name for you"), escaped)
        equal(exchange.consumer.list().status, 204, "what is there")
        first = source.put("a", body, headers=["Item-Name: first"]).json()
        for other, name in ((body, "second"), (b"other claims", "third")):
            again = source.put("a", other, headers=[f"Item-Name: {name}"]).json()
            equal({member: again[member] for member in first}, first, "what is told of the item that is kept")


@test
def no_more_is_written_than_was_announced():
    with Exchange() as exchange:
        source, body = exchange.source, os.urandom(BIG)
        for method in ("PUT", "PATCH"):
            lies = ["Transfer-Encoding: chunked", f"Content-Length: {BIG}", f"Repr-Digest: {repr_digest(body)}",
                    "Upload-Offset: 0"]
            status = source.curl(source.item("a"), method=method, body=body * 2, headers=lies, checked=False).status
            assert status in (400, 411), f"{method}: {status}"  # 400: libmicrohttpd 1.0's own
            equal(exchange.files(), [], "files")


@test
def a_broken_upload_goes_on_where_it_ended_and_only_one_writes():
    with Exchange() as exchange:
        source, body = exchange.source, os.urandom(BIG)
        item = source.item("a")
        equal(source.patch("a", 0, body).status, 404, "one that nobody announced")
        with socket.create_connection(("127.0.0.1", exchange.port)) as broken:
            broken.sendall((f"PUT {item} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {source.token}\r\n"
                            f"Content-Length: {BIG}\r\nRepr-Digest: {repr_digest(body)}\r\n\r\n").encode())
            broken.sendall(body[:200000])
            wait_until("the bytes to be written",
                       lambda: source.head("a").headers.get("upload-offset") == "200000")
            equal(source.head("a").headers["item-state"], "receiving", "the state")
            equal(source.patch("a", 199999, body[199999:]).headers["upload-offset"], "200000", "a wrong offset")
            half = source.patch("a", 200000, body[200000:250000])
            equal((half.status, half.headers["upload-offset"]), (204, "250000"), "a part")
            broken.sendall(b"z" * 1000)  # its descriptor is gone: the connection is ended
            broken.settimeout(20)
            try:
                equal(broken.recv(100), b"", "what the old connection gets")
            except ConnectionResetError:
                pass
        equal(exchange.consumer.list().status, 204, "the list meanwhile")
        equal(exchange.consumer.get("a").status, 404, "to obtain it meanwhile")
        equal(source.patch("a", 250000, body[250000:]).status, 201, "the rest")
        equal(source.patch("a", BIG, b"").status, 200, "once more, at its end")
        equal(digest(exchange.consumer.get("a").body), digest(body), "what came")


@test
def an_item_is_put_in_parts_from_an_empty_first_one_on():
    with Exchange() as exchange:
        source = exchange.source
        for name, body, part in (("large", os.urandom(BIG), 100000), ("small", b"claims", 1), ("empty", b"", 1)):
            said = [f"Repr-Digest: {repr_digest(body)}", f"Upload-Length: {len(body)}"]
            short = source.curl(source.item(name), method="PUT", body=body + b"x", headers=said)
            equal((short.status, short.json()["error"]), (400, "invalid"), "a body that is longer than the whole")
            first = source.curl(source.item(name), method="PUT", body=b"", headers=said)
            equal(first.status, 204 if body else 201, f"{name}: the first part")
            equal(exchange.consumer.get(name).status, 404 if body else 200, "to obtain it meanwhile")
            for at in range(0, len(body), part):
                is_last = at + part >= len(body)
                answer = source.patch(name, at, body[at:at + part])
                equal(answer.status, 201 if is_last else 204, f"{name}: the part at {at}")
                assert is_last or answer.headers["upload-offset"] == str(at + part), answer.headers
            equal(digest(exchange.consumer.get(name).body), digest(body), "what came")
            again = source.curl(source.item(name), method="PUT", body=b"", headers=said)
            equal(again.status, 200, "the first part again")
            other = [f"Repr-Digest: {repr_digest(body + b'x')}", f"Upload-Length: {len(body) + 1}"]
            equal(source.curl(source.item(name), method="PUT", body=b"", headers=other).status, 422, "of other bytes")


@test
def a_list_goes_on_after_its_cursor_and_skips_nothing_while_many_put():
    with Exchange() as exchange:
        consumer, seen, names = exchange.consumer, [], [f"i{n}" for n in range(60)]

        def put(part):
            for name in part:
                equal(exchange.source.put(name, name.encode()).status, 201, name)
        threads = [threading.Thread(target=put, args=(names[n::6],)) for n in range(6)]
        for thread in threads:
            thread.start()
        cursor = None
        while len(seen) < len(names):
            page = consumer.list(cursor, limit=7, wait="20s")
            equal(page.status, 200, f"the page after {cursor}")
            seen += [item["id"] for item in page.json()["items"]]
            cursor = page.json()["cursor"]
        for thread in threads:
            thread.join()
        equal(sorted(seen), sorted(names), "what was listed, each once")
        epoch = cursor.split(".")[0]
        equal(cursor, f"{epoch}.60", "the last cursor: no number is left out")
        empty = consumer.list(cursor, wait="1s")
        equal((empty.status, empty.headers["exchange-cursor"]), (204, cursor), "nothing more")
        for unknown in ("nonsense", f"{epoch}.x", "0123456789abcdef.3", f"{epoch}.61"):
            answer = consumer.list(unknown)
            equal((answer.status, answer.json()["error"]), (410, "cursor-unknown"), unknown)
        restart = answer.json()["restart"]
        assert restart != f"{epoch}.0", "a cursor ahead of the book begins a new epoch"
        equal(consumer.list(cursor).status, 410, "the old epoch's cursor")
        equal(len(consumer.ids(restart)), 60, "from the new beginning")


@test
def a_wrong_acknowledgement_changes_nothing_and_strangers_see_nothing():
    with Exchange() as exchange:
        body = b"secret claims"
        exchange.source.put("a", body)
        equal(exchange.consumer.acknowledge("a", b"other").status, 409, "another digest")
        equal(exchange.consumer.acknowledge("a", body, size=1).status, 409, "another size")
        equal(exchange.consumer.curl(exchange.consumer.item("a") + "/acknowledgement", method="POST",
                                     body=b"no JSON").status, 400, "no JSON")
        equal(exchange.consumer.acknowledge("missing", body).status, 404, "none of this id")
        exchange.source.put("b", body)
        capitals = json.dumps({"sha256": digest(body).upper()}).encode()
        equal(exchange.consumer.curl(exchange.consumer.item("b") + "/acknowledgement", method="POST",
                                     body=capitals).status, 200, "a digest in capitals")
        equal(exchange.source.head("a").headers["item-state"], "stored", "its state")
        equal(exchange.source.get("a").status, 404, "who put it obtains nothing of its own")
        equal(exchange.source.curl(exchange.source.item("a"), method="DELETE").status, 405, "DELETE")


@test
def no_route_answers_without_a_token_and_a_mailbox_of_others_is_none():
    with Exchange() as exchange:
        exchange.source.put("a", b"secret claims")
        for template, item in description()["paths"].items():
            path = re.sub("{\\w+}", "a", template.replace("{mailbox}", MAILBOX))
            is_open, is_mailbox = path in ("/healthz", "/readyz"), template.startswith("/v1/mailboxes/")
            for method in (word.upper() for word in item if word != "parameters"):
                def status(path=path, token=exchange.stranger.token, method=method):
                    sent = b"{}" if method in ("POST", "PUT", "PATCH") else None
                    return exchange.stranger.curl(path, method=method, body=sent, token=token).status
                equal([status(token="") == 401, status(token="wrong") == 401], [not is_open] * 2, f"{method} {path}")
                if is_mailbox:
                    missing = path.replace(MAILBOX, "no-such-box")
                    equal((status(), status(missing), status(missing, exchange.source.token)), (404, 404, 404),
                          f"{method} {path} of others, and of nobody")
        equal(exchange.source.head("a").headers["item-state"], "stored", "what became of the item")


@test
def both_ends_counts_are_compared_and_a_difference_is_told():
    with Exchange() as exchange:
        source, consumer = exchange.source, exchange.consumer
        told = {"same": ("7", "12.50"), "other": ("7", "12.51"), "untold": (None, None)}
        for name, (records, totals) in told.items():
            equal(source.put(name, b"x", headers=["Item-Records: 7", "Item-Totals: 12.50"]).status, 201, name)
            said = {"records": records, "totals": totals, "verdict": "rejected", "code": "E012"} if records else {}
            if name == "same":
                equal(consumer.acknowledge(name, b"x", verdict="maybe").status, 400, "a verdict that is none")
                equal(consumer.acknowledge(name, b"x", code="a\r\nX: y").status, 400, "a code of two lines")
            equal(consumer.acknowledge(name, b"x", **said).status, 200, name)
        equal(source.head("same").headers["item-verdict"], "rejected E012", "what the source learns")
        source.put("waits", b"y")
        done = exchange.gateway.run("exchange", "compare", MAILBOX, "--json")
        equal(done.status, 11, "the exit status")
        flow = json.loads(done.out)["compared"][0]
        equal([flow[word] for word in ("put", "acknowledged", "waiting", "expired", "uncounted", "differing")],
              [4, 3, 1, 0, 1, 1], "what is counted")
        equal([item["id"] for item in flow["items"]], ["other"], "what differs")
        equal(exchange.gateway.run("exchange", "compare", "--date", "2020-01-01").status, 0, "a day without any")
        shown = exchange.gateway.json("exchange", "show", MAILBOX, "same")["items"][0]
        equal((shown["verdict"], shown["verdict_code"], shown["ack_totals"]), ("rejected", "E012", "12.50"), "shown")
        equal(exchange.gateway.run("exchange", "show", MAILBOX, "none").status, 4, "one that is not there")
        source.ask("q", b"which?")
        equal([(request["id"], request["state"]) for request in
               exchange.gateway.json("exchange", "requests", MAILBOX)["requests"]], [("q", "new")], "requests")


@test
def what_is_kept_long_enough_goes_and_what_nobody_acknowledged_goes_with_an_alarm():
    with Exchange(items='keep-acknowledged = "1s" keep-unacknowledged = "6s" incomplete-keep = "1s"',
                  alarm='alarm { unacknowledged-after = "1s" }') as exchange:
        body = os.urandom(BIG)
        for name in ("known", "forgotten"):
            equal(exchange.source.put(name, body).status, 201, name)
        equal(exchange.consumer.acknowledge("known", body).status, 200, "acknowledged, and never obtained")

        def state(name, wanted):
            wait_until(f"{name} to be {wanted}",
                       lambda: exchange.source.head(name).headers["item-state"] == wanted,
                       log=exchange.gateway.log_tail)
        state("known", "removed")
        wait_until("the alarm", lambda: [alarm["kind"] for alarm in exchange.gateway.json("alarms")["alarms"]] ==
                   ["item-unacknowledged"], log=exchange.gateway.log_tail)
        state("forgotten", "expired")
        wait_until("its file to go", lambda: exchange.files() == [])
        has(str(exchange.gateway.json("alarms")), "item-expired", "alarms")
        for name in ("known", "forgotten"):
            equal(exchange.consumer.get(name).status, 410, f"to obtain {name}")
        equal(exchange.consumer.acknowledge("forgotten", body).status, 410, "to acknowledge it")
        equal(exchange.source.put("known", body).status, 200, "to put it again")
        equal(exchange.source.put("forgotten", body).status, 410, "to put again what expired")
        equal(exchange.consumer.list().status, 204, "the list")


@test
def the_description_of_the_interface_is_sound_whole_and_served():
    with Exchange() as exchange:
        served = exchange.consumer.curl("/v1/openapi.json").json()
        equal(served, description(), "what is served")
        for schema in served["components"]["schemas"].values():
            jsonschema.Draft202012Validator.check_schema(schema)
        references = set(re.findall(r'"\$ref": "#/components/(\w+)/(\w+)"', json.dumps(served)))
        lost = [r for r in references if r[1] not in served["components"][r[0]]]
        unused = [(kind, name) for kind in ("schemas", "parameters", "responses")
                  for name in served["components"][kind] if (kind, name) not in references]
        equal((lost, unused), ([], []), "references that lead nowhere, and what nobody refers to")
        described = {(method.upper(), re.sub(r"{\w+}", "{}", path)) for path, item in served["paths"].items()
                     for method in item if method != "parameters"}
        routes = set()
        for path, _, names in os.walk(os.path.join(TOP, "gateway/front")):
            for text in (open(os.path.join(path, name)).read() for name in names if name.endswith(".c")):
                words = dict(re.findall(r'#define (\w+) "(/v1/[^"]*)"', text))
                for method, pattern in re.findall(r'{"([A-Z]+)", (\w*\s*"?[^,"]*"?), ', text):
                    for word, meaning in words.items():
                        pattern = re.sub(rf"\b{word}\b", f'"{meaning}"', pattern)
                    routes.add((method, re.sub(r'["\s]', "", pattern)))
        equal(routes, described, "the routes of the program, and those that are described")
