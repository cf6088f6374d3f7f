"""An accrual interface, as packaging/man/sallyport-accrual.7 describes it to the teams that build one: HTTPS, an answer
per record, idempotent by the batch's key and by the records'. It keeps what it credited and tells whoever breaks the
rules. And it can be told to misbehave in every way that a real one does.

    with AccrualInterface(folder) as interface: world.configuration… = interface.endpoint() interface.plan("429",
    "commit-then-cut")      # the next calls; then it is good again"""
import collections
import csv
import hashlib
import http.server
import io
import json
import os
import ssl
import subprocess
import threading
import time


def certificate(folder):
    """A self-made certificate of 127.0.0.1, its own CA; (certificate and key in one file)."""
    path = os.path.join(folder, "interface.pem")
    if not os.path.exists(path):
        key, crt = path + ".key", path + ".crt"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-keyout", key,
                        "-out", crt, "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
                       check=True, capture_output=True)
        with open(path, "w") as file:
            file.write(open(crt).read() + open(key).read())
    return path


class Capacity:
    """So many calls at a time, so many more wait, the rest is refused; each takes overhead + records × per_record
    seconds."""

    def __init__(self, workers=64, queue=64, overhead=0.0, per_record=0.0):
        self.workers, self.queue, self.overhead, self.per_record = workers, queue, overhead, per_record


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """Cut connections are what the tests are about."""


class AccrualInterface:
    def __init__(self, folder, *, port=0, token=None, client_ca=None):
        self.pem, self.token = certificate(folder), token
        self.lock = threading.Condition()
        self.capacity = Capacity()
        self.inside = self.busy = 0
        self.planned = collections.deque()
        self.decide = lambda record: ("accepted", None, None)
        self.batches = {}       # idempotency key -> (digest of the request, answer)
        self.credits = {}       # record key -> (idempotency key, points)
        self.foreign = set()    # record keys credited before by somebody else
        self.requests = []      # (idempotency key, number of records, what was done), in order
        self.broken = []        # rules of the interface that the caller broke
        self.connections = set()
        self.refused = 0
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.pem)
        if client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(client_ca)
        interface = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                interface.serve(self)

            def log_message(self, *_):
                """Nothing."""

        self.server = Server(("127.0.0.1", port), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        with self.lock:
            self.planned.clear()
            self.capacity = Capacity()
            self.lock.notify_all()
        self.server.shutdown()
        self.server.server_close()

    def endpoint(self, **changes):
        return {"url": f"https://127.0.0.1:{self.port}/v1", "ca-file": self.pem + ".crt", "connect-timeout": "5s",
                **changes}

    def plan(self, *what):
        """What the next calls meet, one each."""
        with self.lock:
            self.planned.extend(what)

    # --- one call
    def serve(self, call):
        body = call.rfile.read(int(call.headers.get("Content-Length", 0)))
        self.connections.add(call.client_address)
        key = call.headers.get("Idempotency-Key", "")
        with self.lock:
            what = self.planned.popleft() if self.planned else "good"
        word, _, detail = what.partition(" ")
        try:
            records = self.read(call, key, body)
        except (ValueError, KeyError, IndexError) as error:
            self.broken.append(f"a request that cannot be read: {error}")
            return self.say(call, 400, "cannot be read")
        self.requests.append((key, len(records), what))
        if self.token and call.headers.get("Authorization") != f"Bearer {self.token}":
            return self.say(call, 401, "who are you?")
        if word.isdigit():
            self.refused += word in ("429", "503")
            return self.say(call, int(word), "not now", {"Retry-After": detail} if detail else {})
        if not self.enter():
            return self.say(call, 429, "too many calls")
        try:
            self.work(len(records), float(detail) if word == "slow" else 0)
        finally:
            self.leave()
        if word == "hang":
            time.sleep(float(detail))
            return self.cut(call)
        if word == "cut":
            return self.cut(call)
        answer = self.commit(call, key, body, records)
        return getattr(self, "after_" + word.replace("-", "_"))(call, answer, records)

    def read(self, call, key, body):
        if call.headers["Content-Type"].startswith("text/csv"):
            records = list(csv.DictReader(io.StringIO(body.decode(), newline="")))
        else:
            request = json.loads(body)
            if request["idempotency_key"] != key:
                self.broken.append(f"header {key}, body {request['idempotency_key']}")
            records = request["records"]
        if not key or not records:
            self.broken.append("a request without key or records")
        for record in records:
            if not isinstance(record["points"], str):
                self.broken.append("an amount that is no text")
        return records

    def enter(self):
        with self.lock:
            if self.inside >= self.capacity.workers + self.capacity.queue:
                self.refused += 1
                return False
            self.inside += 1
            return True

    def leave(self):
        with self.lock:
            self.inside -= 1
            self.lock.notify_all()

    def work(self, records, more):
        with self.lock:
            while self.busy >= self.capacity.workers:
                self.lock.wait()
            self.busy += 1
            seconds = self.capacity.overhead + records * self.capacity.per_record + more
        time.sleep(seconds)
        with self.lock:
            self.busy -= 1
            self.lock.notify_all()

    def commit(self, call, key, body, records):
        """Credits what is to be credited, once; asked again under the same key, it answers what it answered."""
        digest = hashlib.sha256(body).hexdigest()
        with self.lock:
            if key in self.batches:
                before, answer = self.batches[key]
                if before != digest:
                    self.broken.append(f"batch {key} was sent twice with different bytes")
                return answer
            results = [self.credit(key, record) for record in records]
            answer = {"idempotency_key": key, "results": results}
            self.batches[key] = (digest, answer)
            return answer

    def credit(self, key, record):
        status, code, message = self.decide(record)
        if record["key"] in self.credits or record["key"] in self.foreign:
            status, code, message = "duplicate", "D1", "credited before"
        elif status == "accepted":
            self.credits[record["key"]] = (key, int(record["points"]))
        return {"key": record["key"], "status": status, "code": code, "message": message}

    # --- what is answered after the credits were made
    def after_good(self, call, answer, _):
        if call.headers["Content-Type"].startswith("text/csv"):
            text = io.StringIO()
            writer = csv.DictWriter(text, ["key", "status", "code", "message"])
            writer.writeheader()
            writer.writerows(answer["results"])
            return self.send(call, 200, text.getvalue().encode(), {"Content-Type": "text/csv"})
        return self.send(call, 200, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    after_slow = after_good

    def after_commit_then_cut(self, call, *_):
        self.cut(call)

    def after_commit_then_500(self, call, *_):
        self.say(call, 500, "it broke after the commit")

    def after_commit_then_hang(self, call, *_):
        time.sleep(3)
        self.cut(call)

    def after_half(self, call, answer, _):
        body = json.dumps(answer).encode()
        call.send_response(200)
        call.send_header("Content-Length", str(len(body)))
        call.end_headers()
        call.wfile.write(body[:len(body) // 2])
        call.wfile.flush()
        self.cut(call)

    def after_partial(self, call, answer, _):
        self.send(call, 200, json.dumps({"results": answer["results"][:-1]}).encode())

    def after_foreign(self, call, answer, _):
        other = answer["results"][:-1] + [{"key": "R-UNKNOWN", "status": "accepted"}]
        self.send(call, 200, json.dumps({"results": other}).encode())

    def after_garbage(self, call, *_):
        self.send(call, 200, b"<html>It works!</html>")

    def after_flood(self, call, *_):
        self.send(call, 200, b"[" + b" " * (64 << 20))

    def say(self, call, status, text, headers=None):
        self.send(call, status, json.dumps({"error": text}).encode(),
                  {"Content-Type": "application/json", **(headers or {})})

    @staticmethod
    def send(call, status, body, headers=None):
        call.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            call.send_header(name, value)
        call.end_headers()
        call.wfile.write(body)

    @staticmethod
    def cut(call):
        call.close_connection = True
        call.connection.close()

    # --- what it has
    def total(self):
        with self.lock:
            return len(self.credits), sum(points for _, points in self.credits.values())

    def sizes(self):
        """Records by batch, in the order of their numbers of the first record."""
        with self.lock:
            return [len(answer["results"]) for _,
                    (_, answer) in sorted(self.batches.items(), key=lambda item: int(item[0].split("-")[-2]))]


def use(configuration, interface, *, endpoint=None, batch=None, **http):
    """The configuration's feed posts to this interface instead of to the ledger alone."""
    feed = configuration.feed
    configuration.systems["core"] = {"main": endpoint or interface.endpoint()}
    feed.process = ("http", {"system": "core", "endpoint": "main", "path": "/accruals", "name": "miles",
                             "account": "member", "amount": "points",
                             "shards": 2, **http})
    feed.batch = batch or {"size-min": 2500, "size-max": 2500}
