"""What the tests of the exchange share: a gateway with a mailbox and nothing else, and its two ends, which are curl."""
import base64
import contextlib
import hashlib
import json
import os
import secrets
import shutil
import socket
import subprocess

from certificates import Authority
from gateway import Gateway
from harness import wait_until
from reconciliation import free_port
from scene import run_folder
from answers import check_answer

MAILBOX = "medical-claims"


def digest(body):
    return hashlib.sha256(body).hexdigest()


def repr_digest(body):
    return "sha-256=:" + base64.b64encode(hashlib.sha256(body).digest()).decode() + ":"


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


class End:
    """An end of the mailbox: what it asks, each time by a curl of its own."""

    def __init__(self, exchange, name):
        self.exchange, self.name, self.token = exchange, name, secrets.token_hex(32)
        self.certificate = None  # SHA-256 of one by which it shows who it is, too

    def curl(self, path, *words, method="GET", body=None, token=None, headers=(), checked=True):
        """`body` is bytes or the path of a file. Every answer is held against the description of the interface."""
        token = self.token if token is None else token
        head = os.path.join(self.exchange.folder, "head-" + secrets.token_hex(4))
        given = ["curl", "-sS", "--max-time", "120", "-D", head, *words]
        given += ["-I"] if method == "HEAD" else ["-X", method]
        for line in [*headers, *([f"Authorization: Bearer {token}"] if token else [])]:
            given += ["-H", line]
        if isinstance(body, str):
            given += ["-T", body]
        elif body is not None:
            given += ["-H", "Expect:"] if not any(line.startswith("Expect") for line in headers) else []
            given += ["-H", "Content-Type: application/octet-stream", "--data-binary", "@-"]
        done = subprocess.run([*given, self.exchange.url + path], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              input=body if isinstance(body, bytes) else None,
                              env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"})
        text = open(head, errors="replace").read() if os.path.exists(head) else ""
        blocks = [block for block in text.replace("\r", "").split("\n\n") if block.startswith("HTTP/")]
        assert blocks, f"curl {method} {path}: {done.stderr.decode(errors='replace')}"
        lines = blocks[-1].split("\n")
        answer = Answer(int(lines[0].split()[1]),
                        {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:] if ": " in line)},
                        b"" if method == "HEAD" else done.stdout)
        if checked:
            check_answer(method, path, answer)
        return answer

    def item(self, name):
        return f"/v1/mailboxes/{MAILBOX}/items/{name}"

    def put(self, name, body, *words, headers=(), **options):
        whole = open(body, "rb").read() if isinstance(body, str) else body
        return self.curl(self.item(name), *words, method="PUT", body=body,
                         headers=[f"Repr-Digest: {repr_digest(whole)}", *headers], **options)

    def patch(self, name, offset, part):
        return self.curl(self.item(name), method="PATCH", body=part, headers=[f"Upload-Offset: {offset}"])

    def head(self, name):
        return self.curl(self.item(name), method="HEAD")

    def list(self, after=None, **arguments):
        arguments = {**({"after": after} if after else {}), **arguments}
        query = "&".join(f"{key}={value}" for key, value in arguments.items())
        return self.curl(f"/v1/mailboxes/{MAILBOX}/items" + ("?" + query if query else ""))

    def ids(self, after=None, **arguments):
        return [item["id"] for item in self.list(after, **arguments).json()["items"]]

    def get(self, name, *words):
        return self.curl(self.item(name), *words)

    def acknowledge(self, name, body, **changes):
        said = {"sha256": digest(body), "size": len(body), **changes}
        return self.curl(self.item(name) + "/acknowledgement", method="POST", body=json.dumps(said).encode())


    # --- requests
    def post(self, path, **said):
        return self.curl(f"/v1/mailboxes/{MAILBOX}/requests{path}", method="POST", body=json.dumps(said).encode())

    def ask(self, name, body):
        """A request with these bytes; the status."""
        assert self.put("request-" + name, body).status in (200, 201), name
        return self.post("", id=name).status

    def take(self, wait="0s"):
        return self.post(f"/take?wait={wait}")

    def answer(self, name, token, body):
        item = f"answer-{name}.{token}.{digest(body)[:16]}"
        put = self.put(item, body)
        assert put.status in (200, 201), f"{item}: {put.status} {put.body}"
        return self.post(f"/{name}/answer", token=token, item=item)

    def request(self, name):
        return self.curl(f"/v1/mailboxes/{MAILBOX}/requests/{name}").json()


class Exchange:
    """with Exchange() as exchange: … — it runs."""

    def __init__(self, *, items="", alarm="", requests="", folders=None, endpoint="main", front=None,
                 tls=False, start=True, state=None, mailboxes=(MAILBOX,)):
        """`folders`: of an end's name, the text of an endpoint "main" (or `endpoint`) and that of its drop folder."""
        self.mailboxes = mailboxes
        self.folder = os.path.join(run_folder(), "x" + secrets.token_hex(3))
        os.mkdir(self.folder)
        self.state = state or os.path.join(self.folder, "state")
        self.port = free_port()
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        self.items, self.alarm, self.requests, self.folders = items, alarm, requests, folders or {}
        self.endpoint = endpoint
        self.watcher = End(self, "watcher")
        self.front = {"listen": f"127.0.0.1:{self.port}", "url": self.url, "clear-text": "yes",
                      "connections-per-address": 64, "metrics-token-sha256": digest(self.watcher.token.encode()),
                      **(front or {})}
        self.source, self.consumer, self.stranger = End(self, "ssc-city"), End(self, "acme-life"), End(self, "other")
        self.path = os.path.join(self.folder, "sallyport.conf")
        self.gateway = Gateway(self.folder, self.path)
        self.write()
        if start:
            self.start()

    def write(self):
        def lines(settings):
            return "".join(f'  {name} = "{value}"\n' if value != "yes" else f"  {name} = yes\n"
                           for name, value in settings.items())
        def access(end):
            shown = f'certificate-sha256 = "{end.certificate}"' if end.certificate else ""
            return f'token-sha256 = "{digest(end.token.encode())}"  {shown}'
        ends = "".join(f'partner "{end.name}" {{ access {{ {access(end)} }}\n'
                       f'{self.folders.get(end.name, [""])[0]} }}\n'
                       for end in (self.source, self.consumer, self.stranger))
        drops = "".join(f'drop-folder "{name}" {{ endpoint = "{self.endpoint}"  {texts[1]} }}\n'
                        for name, texts in self.folders.items())
        boxes = "".join(f"""  exchange "{mailbox}" {{ source = "ssc-city"  consumer = "acme-life"
    items {{ {"" if "reserve" in self.items else "reserve = 0"}  {self.items} }}
    {self.alarm} requests {{ {self.requests} }}
    {drops} }}
""" for mailbox in self.mailboxes)
        with open(self.path, "w") as file:
            file.write(f"""node {{ name = "gw-01"  state = "{self.state}"  runtime = "{self.folder}/run"
  time-zone = "UTC" }}
front {{\n{lines(self.front)}}}
{ends}lane "ssc" {{
{boxes}}}
""")

    def start(self):
        self.gateway.start()

        def is_up():
            with socket.create_connection(("127.0.0.1", self.port), timeout=5):
                return True
        wait_until("the front to listen", is_up, log=self.gateway.log_tail)
        return self

    def restart(self):
        self.gateway.kill()
        return self.start()

    def files(self):
        """Names of the items' files."""
        return os.listdir(os.path.join(self.state, "lanes/ssc/items"))

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        try:
            if self.gateway.process is not None and kind is None:
                assert self.gateway.stop() == 0, "exit status after SIGTERM"
            reports = self.gateway.sanitizer_reports()
            assert not reports, "the sanitizers report:\n" + reports
        finally:
            self.gateway.close()
            if kind is None or not os.environ.get("SALLYPORT_TEST_KEEP"):
                with contextlib.suppress(OSError):
                    shutil.rmtree(self.folder)


def endpoint(world, port, end):
    """A gateway's endpoint: this end of the exchange that is reached by that port."""
    token = os.path.join(world.folder, "token-" + end.name)
    with open(os.open(token, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write(end.token + "\n")
    return {"url": f"mailbox://127.0.0.1:{port}", "clear-text": True, "token-file": token, "io-timeout": "20s"}


def state(exchange, name):
    """Of an item of the source; None: it is not known."""
    return exchange.source.head(name).headers.get("item-state")
