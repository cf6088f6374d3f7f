"""Clients of the exchange part, alike for both sides: each a process with one connection, which writes and reads the
bytes itself, so that no library's manners are measured."""
import base64
import hashlib
import json
import multiprocessing
import os
import shutil
import socket
import subprocess
import time

from harness import wait_until
from reconciliation import free_port


class Web:
    """One end of a mailbox over one connection that stays."""

    def __init__(self, exchange, mailbox):
        self.socket = socket.create_connection(("127.0.0.1", exchange.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file, self.path = self.socket.makefile("rb"), f"/v1/mailboxes/{mailbox}/items"

    def ask(self, end, method, what, body=b"", head=""):
        """(status, body)"""
        self.socket.sendall(f"{method} {self.path}{what} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {end.token}\r\n"
                            f"Content-Length: {len(body)}\r\n{head}\r\n".encode() + body)
        status, length = int(self.file.readline().split()[1]), 0
        while (line := self.file.readline()) != b"\r\n":
            if line.lower().startswith(b"content-length:"):
                length = int(line[15:])
        return status, self.file.read(length)

    def put(self, end, name, body):
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        status, said = self.ask(end, "PUT", "/" + name, body, f"Repr-Digest: sha-256=:{digest}:\r\n")
        assert status == 201, (status, said)

    def seen(self, end, cursor, wait=""):
        """(ids, cursor)"""
        status, page = self.ask(end, "GET", f"?after={cursor}{wait}")
        assert status == 200, (status, page)
        page = json.loads(page)
        return [item["id"] for item in page["items"]], page["cursor"]

    def get(self, end, name):
        status, body = self.ask(end, "GET", "/" + name)
        assert status == 200, (status, body)
        return body

    def acknowledge(self, end, name, body):
        said = json.dumps({"sha256": hashlib.sha256(body).hexdigest()}).encode()
        status, said = self.ask(end, "POST", f"/{name}/acknowledgement", said)
        assert status == 200, (status, said)


class Redis:
    """with Redis(folder) as server: redis-server that writes each command through to the disk before it answers."""

    def __init__(self, folder):
        self.folder, self.port = os.path.join(folder, "redis"), free_port()

    def __enter__(self):
        os.mkdir(self.folder)
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.folder, "--save", "",
             "--appendonly", "yes", "--appendfsync", "always"], stdout=subprocess.DEVNULL)
        wait_until("redis-server", lambda: Stream(self, "none").ask("PING"))
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder)


class Stream:
    def __init__(self, server, name):
        self.socket, self.name = socket.create_connection(("127.0.0.1", server.port)), name
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def ask(self, *words):
        words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        self.socket.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
        return self._answer()

    def _answer(self):
        line = self.file.readline()
        kind, rest = line[:1], line[1:-2]
        assert kind != b"-", line
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return None if rest == b"-1" else [self._answer() for _ in range(int(rest))]
        return int(rest) if kind == b":" else rest

    def add(self, body):
        return self.ask("XADD", self.name, "*", "body", body)


def at_once(number, work):
    """Runs work(i) in so many processes, which begin together; seconds until the last has ended."""
    context = multiprocessing.get_context("fork")
    ready, done = context.Barrier(number + 1), context.Queue()

    def run(i):
        work_of, problem = work(i), None  # connects
        ready.wait()
        try:
            work_of()
        except BaseException as error:  # told by who waits
            problem = repr(error)
        done.put(problem)
    children = [context.Process(target=run, args=(i,)) for i in range(number)]
    for child in children:
        child.start()
    ready.wait(60)
    begun = time.monotonic()
    problems = [done.get(timeout=600) for _ in children]
    took = time.monotonic() - begun
    for child in children:
        child.join()
    assert not any(problems), problems
    return took
