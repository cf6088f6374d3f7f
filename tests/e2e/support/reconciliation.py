"""What the tests of reconciliation share: a world with a reconcile block and a front, and an HTTP client that is
curl."""
import contextlib
import hashlib
import json
import os
import re
import secrets
import socket
import subprocess
import threading

import accruals
import world as worlds
from answers import check_answer
from certificates import Authority
from gateway import BINARY, Result
from harness import SCALE, wait_until

DATE = "2026-11-20"  # of the files that accruals makes
_run, _lock = {}, threading.Lock()  # tests run in threads


def authority():
    """One for the run."""
    with _lock:
        if "authority" not in _run:
            _run["authority"] = Authority(os.path.join(worlds.run_folder(), "ca"))
            _run["server"] = _run["authority"].issue("front")
        return _run["authority"]


def server_certificate():
    """(certificate, key) of a server on this machine."""
    authority()
    return _run["server"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def method_of(words):
    """Of a request of curl."""
    if "-I" in words:
        return "HEAD"
    posts = any(word in words for word in ("-d", "--data-binary"))
    return words[words.index("-X") + 1] if "-X" in words else "POST" if posts else "GET"


class Answer:
    def __init__(self, head, body, status):
        self.body, self.status = body, status
        self.headers = {name.lower(): value for name, value in re.findall(r"^([A-Za-z-]+): *(.*?)\r?$", head, re.M)}

    def json(self):
        return json.loads(self.body)


class Requests:
    """A world's front, and who asks it."""

    def __init__(self, world, *, threshold=5000, reconcile=None, front=None):
        self.world, self.port, self.token = world, free_port(), secrets.token_hex(32)
        self.url = f"https://127.0.0.1:{self.port}"
        self.token_file = os.path.join(world.folder, "token")
        with open(self.token_file, "w") as file:
            file.write(self.token + "\n")
        certificate, key = server_certificate()
        self.front = {"listen": f"127.0.0.1:{self.port}", "certificate-file": certificate, "private-key-file": key,
                      "url": self.url, **(front or {})}
        self.reconcile = {"requester": "acme-bank", "type": "points", "threshold": threshold,
                          "read": {"from": "ledger", "ledger": "miles",
                                   "columns": ["key", "account", "amount", "business_date", "line"]},
                          "period": "day", "at": "01:00", "day-offset": 1, **(reconcile or {})}
        self.access = {"token-sha256": [hashlib.sha256(self.token.encode()).hexdigest()]}

    def apply(self):
        configuration = self.world.configuration
        configuration.lane_settings['reconcile "daily"'] = self.reconcile
        configuration.partner_settings["access"] = self.access
        configuration.extra = "front {\n" + "\n".join(f'  {name} = "{value}"' for name,
                                                      value in self.front.items()) + "\n}\n" + configuration.extra
        return self

    def wait_up(self):
        def is_up():
            with socket.create_connection(("127.0.0.1", self.port), timeout=5):
                return True
        wait_until("the front to listen", is_up, log=self.world.gateway.log_tail)
        return self

    def generate(self, *, date=DATE, version=1):
        """recon run, and waits until the version is done; its task."""
        self.world.gateway.ok("recon", "run", "daily", "--date", date, *(["--again"] if version > 1 else []))

        def done():
            task = self.manifest_status(date)
            assert task is not None and task["version"] == version and task["status"] == "ready", str(task)
            return task
        return wait_until(f"{date} version {version}", done, seconds=60, log=self.world.gateway.log_tail)

    def manifest_status(self, date):
        found = [m for m in self.get("/v1/manifests").json()["manifests"] if m["period"] == date]
        return max(found, key=lambda m: m["version"]) if found else None

    # --- HTTP
    def curl(self, path, *words, token=None, binary=False, is_described=True):
        """With this requester's token; "" for none. The answer is held against the description of the interface, where
        the route is one of it."""
        token = self.token if token is None else token
        url = path if path.startswith("http") else self.url + path
        head = os.path.join(self.world.folder, f"head-{secrets.token_hex(4)}")
        words = ["curl", "-sS", "--max-time", str(60 * SCALE), "--cacert", authority().certificate, "-D", head, *words]
        if token:
            words += ["-H", f"Authorization: Bearer {token}"]
        done = subprocess.run([*words, url], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"})
        text = open(head, errors="replace").read() if os.path.exists(head) else ""
        found = re.findall(r"^HTTP/\S+ (\d+)", text, re.M)
        assert found, f"curl {path}: {done.stderr.decode(errors='replace')}"
        answer = Answer(text, done.stdout if binary else done.stdout.decode(errors="replace"), int(found[-1]))
        if is_described:
            check_answer(method_of(words), url[len(self.url):], answer)
        return answer

    def get(self, path, **options):
        return self.curl(path, **options)

    def manifest(self, date=DATE):
        return self.get(f"/v1/manifests/points/{date}").json()

    def path_of(self, shard):
        assert shard["url"].startswith(self.url + "/v1/objects/"), shard["url"]
        return shard["url"][len(self.url):]

    # --- the tool
    def pull(self, into, *words, date=DATE, url=None, token_file=None, seconds=120):
        """sallyport recon pull, without any configuration."""
        words = ["recon", "pull", url or self.url, "--type", "points", "--date", date, "--into", into, "--token-file",
                 token_file or self.token_file,
                 "--ca-file", authority().certificate, "--signed-by", self.world.keys.gateway, "--gnupg-home",
                 self.world.gnupg, *words]
        return self.run(*words, seconds=seconds)

    def run(self, *words, seconds=120):
        environment = {**self.world.gateway.environment}
        done = subprocess.run([BINARY, *words], stdin=subprocess.DEVNULL, env=environment, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=seconds * SCALE)
        return Result(done, words)


def post(world, name, records, *, seconds=30, **options):
    """A file that goes through; its feedback."""
    world.drop(name, records, **options)
    return world.feedback(name, seconds=seconds)


def records(count, prefix="R"):
    return accruals.records(count, prefix=prefix)


@contextlib.contextmanager
def served(count=25, threshold=10, **options):
    """A world whose front has one day of `count` records."""
    with worlds.World(local=True) as world:
        requests = Requests(world, threshold=threshold, **options).apply()
        world.start()
        requests.wait_up()
        post(world, "POINTS_1.dat.pgp", records(count))
        requests.generate()
        yield world, requests
