"""The front: who may have what over HTTPS, and how; with curl as the client."""
import hashlib
import http.client
import json
import os
import signal
import socket
import ssl
import threading
import time

from certificates import fingerprint
from harness import SCALE, equal, has, test, wait_until
from reconciliation import DATE, Requests, authority, post, records, served
from world import World


@test
def every_route_without_a_known_token_is_401_and_says_nothing_else():
    with served() as (world, requests):
        shard = requests.path_of(requests.manifest()["shards"][0])
        for path in ("/", "/v1/manifests", f"/v1/manifests/points/{DATE}", f"/v1/manifests/points/{DATE}/signature",
                     shard, "/nothing", "/health"):
            for token in ("", "wrong", requests.token + "x", requests.token[:-1]):
                answer = requests.get(path, token=token)
                equal(answer.status, 401, f"{path} with {token!r}")
                has(answer.headers["www-authenticate"], "Bearer", path)
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            equal(requests.curl(shard, "-X", method, token="").status, 401, method)
        equal(requests.curl(f"/v1/manifests/points/{DATE}/acknowledgement", "-d", "{}", token="").status, 401,
              "an acknowledgement")
        assert requests.token not in world.gateway.log(), "a token is in the log"


@test
def a_requester_gets_its_manifest_and_its_shards_and_nobody_elses():
    with World(local=True) as world:
        requests = Requests(world, threshold=10).apply()
        other = Requests(world)
        world.configuration.extra += ('partner "other-bank" { access { token-sha256 = { "%s" } } }\n'
                                      % other.access["token-sha256"][0])
        world.start()
        requests.wait_up()
        post(world, "POINTS_1.dat.pgp", records(25))
        requests.generate()
        manifest = requests.manifest()
        equal([s["records"] for s in manifest["shards"]], [10, 10, 5], "records of the shards")
        for shard in manifest["shards"]:
            answer = requests.curl(requests.path_of(shard), binary=True)
            equal((answer.status, len(answer.body), hashlib.sha256(answer.body).hexdigest(),
                   hashlib.md5(answer.body).hexdigest()),
                  (200, shard["size"], shard["sha256"], shard["md5"]), shard["name"])
            equal(requests.curl(requests.path_of(shard), token=other.token).status, 404, "another's shard")
        equal(requests.get(f"/v1/manifests/points/{DATE}", token=other.token).status, 404, "another's manifest")
        equal(requests.get("/v1/manifests", token=other.token).json()["manifests"], [], "another's list")
        for form in ("signature", "sha256", "md5"):
            equal(requests.get(f"/v1/manifests/points/{DATE}/{form}").status, 200, form)
            equal(requests.get(f"/v1/manifests/points/{DATE}/{form}", token=other.token).status, 404, form)


@test
def tricks_with_paths_and_ids_find_nothing():
    with served() as (world, requests):
        shard = requests.path_of(requests.manifest()["shards"][0])
        missing = requests.get("/v1/objects/" + "0" * 32)
        equal(missing.status, 404, "an id that is none")
        tricks = [shard + "/..", shard + "%2f..", "/v1/objects/../../etc/passwd", "/v1/objects/..%2f..%2fetc%2fpasswd",
                  "/v1/objects/%00", shard.upper(),
                  shard[:-1], shard + "0", "/v1/objects/", "//v1/objects/x", "/v1/manifests/points/2026-02-30",
                  "/v1/manifests/points/2026-11-20x",
                  "/v1/manifests/../points/" + DATE, "/v1/manifests/points%27/" + DATE,
                  f"/v1/manifests/points/{DATE}/..", f"/v1/manifests/points/{DATE}/passwd",
                  "/v1/manifests/" + "x" * 3000 + "/" + DATE, "/v1/manifests/nothing/" + DATE]
        for path in tricks:
            answer = requests.curl(path, "--path-as-is")
            equal(answer.status, 404, path[:60])
            equal(answer.body, missing.body, "the answer to " + path[:60])
        equal(requests.get(f"/v1/manifests/points/{DATE}?version=0").status, 400, "version 0")
        equal(requests.get(f"/v1/manifests/points/{DATE}?version=7").status, 404, "a version that is none")


@test
def not_ready_says_so_and_when_to_ask_again():
    with World(local=True) as world:
        requests = Requests(world).apply()
        world.start()
        requests.wait_up()
        today = time.strftime("%Y-%m-%d", time.gmtime())
        answer = requests.get(f"/v1/manifests/points/{today}")
        equal((answer.status, answer.json()["status"]), (202, "not-ready"), "a day that is not over")
        assert 30 <= int(answer.headers["retry-after"]) <= 3600, answer.headers
        equal(requests.get("/v1/manifests/points/1999-01-01").status, 404, "a day long ago")


@test
def ranges_tags_and_heads_are_answered_as_http_says():
    with served() as (world, requests):
        shard = requests.manifest()["shards"][0]
        path, size = requests.path_of(shard), shard["size"]
        whole = requests.curl(path, binary=True)
        equal((whole.headers["etag"], whole.headers["accept-ranges"]), (f'"{shard["sha256"]}"', "bytes"), "headers")
        head = requests.curl(path, "-I", binary=True)
        equal((head.status, int(head.headers["content-length"]), head.headers["etag"]),
              (200, size, whole.headers["etag"]), "HEAD")
        rows = [("0-0", 206, whole.body[:1], f"bytes 0-0/{size}"),
                (f"{size - 3}-", 206, whole.body[-3:], f"bytes {size - 3}-{size - 1}/{size}"),
                ("-5", 206, whole.body[-5:], f"bytes {size - 5}-{size - 1}/{size}"),
                (f"2-{size + 99}", 206, whole.body[2:], f"bytes 2-{size - 1}/{size}"),
                ("0-1,3-4", 200, whole.body, None), (f"{size}-", 416, b"", f"bytes */{size}")]
        for text, status, body, content_range in rows:
            answer = requests.curl(path, "-H", f"Range: bytes={text}", binary=True)
            equal((answer.status, answer.body, answer.headers.get("content-range")), (status, body, content_range),
                  text)
        equal(requests.curl(path, "-H", f"If-None-Match: {whole.headers['etag']}").status, 304, "If-None-Match")
        equal(requests.curl(path, "-H", "Range: bytes=1-", "-H", f"If-Range: {whole.headers['etag']}",
                            binary=True).status, 206, "If-Range, the same")
        equal(requests.curl(path, "-H", "Range: bytes=1-", "-H", 'If-Range: "other"', binary=True).status, 200,
              "If-Range, another")
        equal(requests.curl(path, "-X", "DELETE").status, 405, "DELETE")


@test
def a_client_certificate_is_as_good_as_a_token_and_a_strangers_is_not():
    with World(local=True) as world:
        certificate, key = authority().issue("requester", client=True)
        stranger, stranger_key = authority().issue("stranger", client=True)
        requests = Requests(world, front={"client-ca-file": authority().certificate}).apply()
        requests.access["certificate-sha256"] = [fingerprint(certificate)]
        world.start()
        requests.wait_up()
        equal(requests.curl("/v1/manifests", "--cert", certificate, "--key", key, token="").status, 200, "ours")
        equal(requests.curl("/v1/manifests", "--cert", stranger, "--key", stranger_key, token="").status, 401,
              "another's of the same authority")
        equal(requests.get("/v1/manifests", token="").status, 401, "none")
        equal(requests.get("/v1/manifests").status, 200, "a token still")


@test
def an_acknowledgement_is_noted_once_and_only_for_what_was_published():
    with served() as (world, requests):
        answer = requests.get(f"/v1/manifests/points/{DATE}")
        digest = hashlib.sha256(answer.body.encode()).hexdigest()
        path = f"/v1/manifests/points/{DATE}/acknowledgement"
        for body, status in (("{}", 400), ("no json", 400), ('{"manifest_sha256": "%s"}' % ("0" * 64), 409),
                             ('{"manifest_sha256": "%s", "records": 24}' % digest, 409)):
            equal(requests.curl(path, "-d", body).status, status, body)
        assert not requests.manifest_status(DATE).get("acknowledged"), "acknowledged without reason"
        for _ in range(2):
            equal(requests.curl(path, "-d", '{"manifest_sha256": "%s", "records": 25}' % digest).status, 200,
                  "a right one")
        equal(requests.manifest_status(DATE)["acknowledged"], True, "acknowledged")
        equal(world.gateway.log().count("recon-acknowledged"), 2, "both are in the log")
        equal(requests.curl(path).status, 405, "GET")


def _connections(world):
    """Asked of the front alone: `sallyport status` asks lanes, too, which do not run here."""
    with socket.socket(socket.AF_UNIX) as front:
        front.connect(os.path.join(world.runtime, "@front.sock"))
        front.sendall(b'{"do":"status"}\n')
        return json.loads(front.makefile().readline())["connections"]


def _acknowledge_at_once(world, requests, number):
    """More than the front has threads, while no lane runs: (their threads, what they will find, the lanes)."""
    path = f"/v1/manifests/points/{DATE}"
    body = '{"manifest_sha256": "%s"}' % hashlib.sha256(requests.get(path).body.encode()).hexdigest()
    found, lanes = [], list(world.gateway.named("lane"))
    for pid in lanes:
        os.kill(pid, signal.SIGSTOP)
    threads = [threading.Thread(target=lambda: found.append(requests.curl(path + "/acknowledgement", "-d", body)))
               for _ in range(number)]
    for thread in threads:
        thread.start()
    wait_until("all of them to wait", lambda: _connections(world) >= number, log=world.gateway.log_tail)
    for _ in range(5):
        equal(requests.get(path).status, 200, "a manifest meanwhile")
    equal(found, [], "nobody is sent away")
    return threads, found, lanes


@test
def acknowledgements_that_a_lane_is_slow_to_note_hold_no_thread_and_are_all_answered():
    with served() as (world, requests):
        threads, found, lanes = _acknowledge_at_once(world, requests, 12)
        for pid in lanes:
            os.kill(pid, signal.SIGCONT)
        for thread in threads:
            thread.join()
        equal([answer.status for answer in found], [200] * 12, "those that waited")
        equal(requests.manifest_status(DATE)["acknowledged"], True, "acknowledged")


@test
def acknowledgements_whose_lane_dies_are_told_when_to_come_again():
    with served() as (world, requests):
        threads, found, lanes = _acknowledge_at_once(world, requests, 12)
        for pid in lanes:
            os.kill(pid, signal.SIGKILL)
        for thread in threads:
            thread.join()
        assert 503 in [answer.status for answer in found], "none was lost with the lane"
        for answer in found:
            if answer.status != 200: # it was noted by the next lane
                equal((answer.status, answer.headers["retry-after"]), (503, "5"), "what it is told")
                has(answer.body, "acknowledge it again", "what it is told")


def _handshaken(requests):
    context = ssl.create_default_context(cafile=authority().certificate)
    return context.wrap_socket(socket.create_connection(("127.0.0.1", requests.port), timeout=30 * SCALE),
                               server_hostname="127.0.0.1")


@test
def slow_huge_and_malformed_requests_are_bounded():
    with World(local=True) as world:
        requests = Requests(world, front={"timeout": "1s", "connections-per-address": 8}).apply()
        world.start()
        requests.wait_up()
        slow = _handshaken(requests)
        slow.sendall(b"GET /v1/manifests HTTP/1.1\r\nHost: x\r\n")

        def is_ended():  # a byte now and then is no life
            try:
                slow.sendall(b"X")
                slow.settimeout(0.2)
                assert slow.recv(1) == b"", "it is still open"
            except TimeoutError:
                raise AssertionError("it is still open") from None
            except (OSError, ssl.SSLError):
                pass
            return True
        wait_until("a dripping request to be ended", is_ended, seconds=20)
        equal(requests.curl("/v1/manifests", "-H", "X-Long: " + "x" * 100000).status in (400, 413, 431), True,
              "a huge head")
        equal(requests.curl(f"/v1/manifests/points/{DATE}/acknowledgement", "--data-binary", "x" * 70000, "-H",
                            "Expect:").status, 413, "a huge body")
        equal(requests.curl("/v1/manifests", "-X", "GET", "-d", "body").status, 400, "a body where none belongs")
        for raw in (b"\r\n\r\n\r\n", b"GET\r\n\r\n", b"\x00\xff\xfe garbage\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"):
            with _handshaken(requests) as malformed:
                malformed.sendall(raw)
                malformed.settimeout(10 * SCALE)
                try:
                    malformed.recv(100)
                except OSError:
                    pass
        equal(requests.get("/v1/manifests").status, 200, "all the same")


@test
def the_front_comes_back_after_a_kill_and_serves_what_it_served():
    with served() as (world, requests):
        shard = requests.path_of(requests.manifest()["shards"][0])
        before = requests.curl(shard, binary=True).body
        pids = world.gateway.named("front")
        equal(len(pids), 1, "fronts")
        os.kill(pids[0], 9)
        wait_until("another front", lambda: world.gateway.named("front") not in ([], pids)
                   and world.gateway.named("front"), log=world.gateway.log_tail)
        requests.wait_up()
        equal(requests.curl(shard, binary=True).body, before, "the shard")


@test
def what_was_published_is_served_also_when_its_name_would_be_another_one_now():
    with served() as (world, requests):
        before = requests.get(f"/v1/manifests/points/{DATE}")
        world.gateway.stop()
        requests.reconcile["manifest-name"] = "{type}-{date}.json"
        world.start()
        requests.wait_up()
        after = requests.get(f"/v1/manifests/points/{DATE}")
        equal((after.status, after.body), (200, before.body), "the manifest")
        equal(requests.get(f"/v1/manifests/points/{DATE}/signature").status, 200, "its signature")


@test
def a_damaged_file_is_not_served():
    with served() as (world, requests):
        manifest = requests.manifest()
        name = manifest["shards"][1]["name"]
        found = [os.path.join(path, name) for path, _, names in os.walk(world.state) if name in names]
        equal(len(found), 1, "files of that name")
        os.truncate(found[0], manifest["shards"][1]["size"] - 1)
        equal(requests.curl(requests.path_of(manifest["shards"][1])).status, 500, "a file that is short")
        os.unlink(found[0])
        equal(requests.curl(requests.path_of(manifest["shards"][1])).status, 410, "a file that is gone")


def _status(world):
    return world.gateway.json("status")["front"]


@test
def status_shows_the_front_and_a_reload_replaces_it_alone():
    with served() as (world, requests):
        before, lane = _status(world), world.gateway.named("lane")
        equal((before["running"], before["pid"], before["listen"]),
              (True, world.gateway.named("front")[0], f"127.0.0.1:{requests.port}"), "status")
        has(world.gateway.ok("status").out, "the front runs", "status, for people")
        has(world.gateway.log(), "process=front", "the supervisor's log")
        assert "@front" not in world.gateway.log(), "its inner name is in the log"
        other = Requests(world)
        requests.access["token-sha256"] = other.access["token-sha256"]  # the old token is known no more
        world.write_configuration()
        world.gateway.process.send_signal(signal.SIGHUP)

        def replaced():
            assert _status(world)["pid"] != before["pid"], "the old one"
            return requests.get("/v1/manifests", token=other.token).status == 200
        wait_until("another front", replaced, log=world.gateway.log_tail)
        equal(requests.get("/v1/manifests").status, 401, "the old token")
        equal(world.gateway.named("lane"), lane, "the lane was left alone")


@test
def the_front_ends_soon_also_while_it_serves():
    with World(local=True) as world:
        requests = Requests(world, threshold=60000).apply()
        world.start()
        requests.wait_up()
        post(world, "POINTS_1.dat.pgp", records(60000), seconds=120)
        requests.generate()
        slow = _handshaken(requests)
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        path = requests.path_of(requests.manifest()["shards"][0])
        slow.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {requests.token}\r\n\r\n".encode())
        equal(slow.recv(12)[:12], b"HTTP/1.1 200", "the beginning of the answer")
        begun = time.monotonic()
        os.kill(world.gateway.named("front")[0], signal.SIGTERM)
        wait_until("another front", lambda: "front-stopped" in world.gateway.log(), log=world.gateway.log_tail)
        assert time.monotonic() - begun < 10 * SCALE, "it waits for the client"
        slow.close()
        requests.wait_up()


@test
def a_connection_goes_on_after_refusals_and_is_ended_after_bodies_that_nobody_reads():
    with served() as (world, requests):
        shard = requests.path_of(requests.manifest()["shards"][0])
        connection = http.client.HTTPSConnection("127.0.0.1", requests.port,
                                                 context=ssl.create_default_context(cafile=authority().certificate),
                                                 timeout=20 * SCALE)
        known = {"Authorization": f"Bearer {requests.token}"}

        def ask(method, path, headers=known, body=None):
            connection.request(method, path, headers=headers, body=body)
            answer = connection.getresponse()
            return answer.status, answer.read()
        socket_before = None
        for method, path, headers, status in (("GET", "/v1/manifests", known, 200), ("GET", "/nothing", known, 404),
                                              ("DELETE", shard, known, 405), ("HEAD", shard, known, 200),
                                              ("GET", shard, {**known, "Range": "bytes=99999999-"}, 416),
                                              ("GET", shard, known, 200)):
            equal(ask(method, path, headers)[0], status, f"{method} {path}")
            socket_before = socket_before or connection.sock
            assert connection.sock is socket_before, f"{method} {path}, {status}: the connection was ended"
        equal((ask("GET", shard, {})[0], connection.sock), (401, None), "a stranger's answer, and its connection")
        acknowledgement = f"/v1/manifests/points/{DATE}/acknowledgement"
        for body, status in ((b"no JSON", 400), (b"[]", 400), (b'{"manifest_sha256":1}', 400), (b'{"a":1,"a":2}', 400),
                             (b"", 400), (b"[" * 60000, 400)):
            equal(ask("POST", acknowledgement, known, body)[0], status, body[:20])
        framed = _handshaken(requests)  # two ends of one body
        framed.sendall((f"POST {acknowledgement} HTTP/1.1\r\nHost: x\r\nAuthorization: {known['Authorization']}\r\n"
                        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").encode())
        equal(framed.recv(12), b"HTTP/1.1 400", "Content-Length and Transfer-Encoding")
        pipelined = _handshaken(requests)  # an endless body to whom nobody lets in
        pipelined.sendall(f"POST {acknowledgement} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        sent = 0
        try:
            while sent < 64 << 20:
                pipelined.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
                sent += 65536
        except OSError:
            pass
        assert sent < 64 << 20, "it reads a stranger's body without end"
        equal(requests.get("/v1/manifests").status, 200, "all the same")
