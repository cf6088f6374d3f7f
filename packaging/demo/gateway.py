"""The gateway under test: its processes, its commands, and what they print."""
import contextlib
import json
import os
import signal
import socket
import subprocess
import time

from waiting import SCALE, tail, wait_until
from partner import descendants

HERE = os.path.dirname(os.path.abspath(__file__))
BINARY = os.path.abspath(os.environ.get("SALLYPORT", os.path.join(HERE, "../../build/sallyport")))


class Result:
    def __init__(self, done, words):
        self.status = done.returncode
        self.out, self.err = (s.decode(errors="backslashreplace") for s in (done.stdout, done.stderr))
        self.words = words

    def json(self):
        try:
            return json.loads(self.out)
        except ValueError as error:
            raise AssertionError(f"{self.words} does not print JSON ({error}):\n{self.out}{self.err}") from None


class Gateway:
    def __init__(self, folder, configuration_path):
        self.folder, self.configuration = folder, configuration_path
        self.log_path = os.path.join(folder, "gateway.log")
        self.process = None
        self.known = set()
        self.notes = []  # what systemd would have been told
        self.environment = {
            "PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), "HOME": folder, "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "TMPDIR": folder, "ASAN_OPTIONS": f"log_path={folder}/asan",
            "UBSAN_OPTIONS": f"log_path={folder}/ubsan:print_stacktrace=1", "TSAN_OPTIONS": f"log_path={folder}/tsan",
            **{name: os.environ[name] for name in ("G_SLICE",) if name in os.environ},
        }

    # --- processes
    def start(self, *, wait=True, wrapper=()):
        """`sallyport run`, up when it tells systemd READY=1."""
        assert self.process is None
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        path = os.path.join(self.folder, "notify")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        self.notify.bind(path)
        self.notify.setblocking(False)
        self.notes = []
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([*wrapper, BINARY, "--config", self.configuration, "run"],
                                            stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, env={**self.environment, "NOTIFY_SOCKET": path})
        if wait:
            wait_until("READY=1 from the gateway", lambda: self.told("READY=1") or self._ended(), log=self.log_tail)
            assert self.process.poll() is None, f"the gateway ended with {self.process.returncode}\n{self.log_tail()}"
        return self

    def _ended(self):
        return self.process.poll() is not None

    def told(self, text):
        """Has systemd been told this line?"""
        with contextlib.suppress(BlockingIOError):
            while True:
                self.notes += self.notify.recv(4096).decode().splitlines()
        return text in self.notes

    def pids(self):
        """supervisor, and everything below it."""
        if self.process is None:
            return []
        below = descendants(self.process.pid)
        self.known.update(below)
        return [self.process.pid, *below]

    def named(self, word):
        """The processes below the supervisor that run as `word`: "lane" or "courier". A process that is just being
        started has its parent's arguments for a moment, so where it stands counts too."""
        found = []
        for pid in self.pids()[1:]:
            parent, words = parent_of(pid), arguments_of(pid)
            if words[1:2] == [word] and (word != "lane" or parent == self.process.pid):
                found.append(pid)
        return found

    def stop(self, *, seconds=30):
        """SIGTERM; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(seconds * SCALE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the gateway did not end {seconds} s after SIGTERM\n{self.log_tail()}") from None
        self._gone()
        return status

    def kill(self):
        """SIGKILL to everything at once, as when the power goes, apart from gpg-agent. All of it is gone on return: a
        lane that is still dying has its book."""
        killed = self.pids()
        for pid in killed:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        wait_until("what was killed to end", lambda: not any(map(alive, killed)), log=self.log_tail)
        self._gone()

    def kill_supervisor(self):
        """SIGKILL to the supervisor alone: lanes have to notice and end by themselves."""
        left = self.pids()[1:]
        self.process.kill()
        self.process.wait()
        wait_until("the lanes to end after their supervisor",
                   lambda: not [p for p in left if alive(p) and not is_agent(p)],
                   log=self.log_tail)
        self._gone()

    def _gone(self):
        self.process = None
        self.notify.close()

    def close(self):
        if self.process is not None:
            self.kill()
        for pid in self.known:
            if alive(pid) and not is_agent(pid):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    if belongs(pid, self.folder):
                        os.kill(pid, signal.SIGKILL)

    def log(self):
        try:
            with open(self.log_path, errors="backslashreplace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def log_tail(self):
        return tail(self.log_path)

    def sanitizer_reports(self):
        reports = [n for n in os.listdir(self.folder) if n.startswith(("asan.", "ubsan.", "tsan."))]
        return "\n".join(tail(os.path.join(self.folder, n), 80) for n in reports)

    # --- commands
    def run(self, *words, seconds=60):
        """A command, whatever it ends with."""
        words = [os.fsdecode(w) if isinstance(w, bytes) else str(w) for w in words]
        done = subprocess.run([BINARY, "--config", self.configuration, *words], stdin=subprocess.DEVNULL,
                              env=self.environment,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=seconds * SCALE)
        return Result(done, words)

    def ok(self, *words, **options):
        """A command that has to succeed."""
        result = self.run(*words, **options)
        assert result.status == 0, \
            f"sallyport {' '.join(result.words)} ended with {result.status}:\n{result.out}{result.err}"
        return result

    def json(self, *words):
        return self.ok(*words, "--json").json()

    def files(self, *words):
        return self.json("files", *words)["files"]

    def file(self, name):
        """The newest file of this name, or None."""
        rows = [f for f in self.files() if f["name"] == name]
        return max(rows, key=lambda f: f["id"]) if rows else None

    def entries(self, *words):
        return self.json("entries", "--unmask", "--limit", "0", *words)["entries"]

    def poll(self, feed="acme-points"):
        return self.run("poll", feed)

    def wait_state(self, name, *states, seconds=30):
        """Waits until the newest file of this name is in one of the states; its row."""
        def reached():
            row = self.file(name)
            assert row is not None, f"{name} is not in the book"
            assert row["state"] in states, f"{name} is {row['state']}: {row.get('problem') or row.get('reason') or ''}"
            return row
        return wait_until(f"{name} to be {' or '.join(states)}", reached, seconds=seconds, log=self.log_tail)

    def wait_quiet(self, *, seconds=60):
        """Waits until nothing is under way: every file closed, gone or held, and no effect outside pending."""
        def quiet():
            busy = [f for f in self.files() if f["state"] not in ("closed", "gone", "held")]
            assert not busy, "under way: " + ", ".join(f"{f['name']} {f['state']}" for f in busy[:5])
            pending = self.pending()
            assert not pending, f"{pending} effects are pending"
            return True
        wait_until("the gateway to be quiet", quiet, seconds=seconds, pause=0.05, log=self.log_tail)

    def pending(self):
        """Effects outside the book that are still to be done."""
        return sum(lane.get("pending", 0) for lane in self.json("status")["lanes"])


def alive(pid):
    """A process whose first thread has ended has its locks until the last one has."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            ended = file.read().rpartition(")")[2].split()[0] == "Z"
        return not ended or len(os.listdir(f"/proc/{pid}/task")) > 1
    except OSError:
        return False


def parent_of(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return int(file.read().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0


def arguments_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().decode(errors="replace").split("\0")
    except OSError:
        return []


def is_agent(pid):
    return name_of(pid) in ("gpg-agent", "scdaemon", "keyboxd")


def name_of(pid):
    try:
        with open(f"/proc/{pid}/comm") as file:
            return file.read().strip()
    except OSError:
        return ""


def belongs(pid, folder):
    """Was it started by this test's gateway? Pids are used again, so the environment or arguments have to say so."""
    for part in ("cmdline", "environ"):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/{part}", "rb") as file:
                if os.fsencode(folder) in file.read():
                    return True
    return False


def now():
    return time.monotonic()
