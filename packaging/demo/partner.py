"""The partner's side: a real sshd, a real gpg with its own keys, and the drop folder as a partner uses it. Nothing here
is ever asked what the gateway thinks."""
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

from waiting import Missing, tail, wait_until

SSHD = "/usr/sbin/sshd"


def command(*words, data=None, env=None, seconds=120):
    """Runs a tool that has to succeed; its standard output as bytes."""
    done = subprocess.run([str(w) for w in words], input=data, env=env, timeout=seconds,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise RuntimeError(f"{words[0]} ended with {done.returncode}: {done.stderr.decode(errors='replace')}")
    return done.stdout


class Gpg:
    """A key ring. Its path is short, since gpg-agent's sockets lie in it."""

    def __init__(self, home):
        self.home = str(home)
        # gpg replaces the ring's files when a key is added; a reader beside it can miss them
        self.lock = threading.Lock()
        os.makedirs(self.home, mode=0o700, exist_ok=True)
        for name, line in (("gpg.conf", "no-auto-key-locate\ntrust-model always\n"),
                           ("dirmngr.conf", "disable-ipv6\n")):
            with open(os.path.join(self.home, name), "w") as file:
                file.write(line)

    def run(self, *words, data=None):
        with self.lock:
            return command("gpg", "--homedir", self.home, "--batch", "--yes", "--quiet", "--no-tty",
                           "--disable-dirmngr",
                           "--pinentry-mode", "loopback", *words, data=data)

    def make_key(self, name, *, passphrase="", expires="never", sign_only=False):
        user = f"{name} <{name}@test.example>"
        self.run("--passphrase", passphrase, "--quick-generate-key", user, "ed25519", "sign", expires)
        key = self.fingerprint(name)
        if not sign_only:
            self.run("--passphrase", passphrase, "--quick-add-key", key, "cv25519", "encr", expires)
        return key

    def fingerprint(self, name):
        for line in self.run("--with-colons", "--list-keys", f"<{name}@test.example>").decode().splitlines():
            if line.startswith("fpr:"):
                return line.split(":")[9]
        raise KeyError(name)

    def seal(self, plain, *, signer, to, options=()):
        """signer None: encrypted only. to None: signed only."""
        words = ["--compress-algo", "none", *options]
        if signer:
            words += ["-u", signer, "-s"]
        if to:
            words += ["-r", to, "-e"]
        return self.run(*words, data=plain)

    def open(self, sealed, *, signer):
        """Decrypts and insists on a good signature of `signer`."""
        with self.lock:
            done = subprocess.run(["gpg", "--homedir", self.home, "--batch", "--quiet", "--status-fd", "2", "-d"],
                                  input=sealed,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
        status = done.stderr.decode(errors="replace")
        assert done.returncode == 0, f"the partner cannot open it: {status}"
        assert any("VALIDSIG" in line and line.split()[-1] == signer for line in status.splitlines()), \
            f"not signed by the gateway: {status}"
        assert "GOODMDC" in status, f"no integrity protection: {status}"
        return done.stdout

    def verify_detached(self, path, signature, *, signer):
        """Insists on a good detached signature of `signer`, as `gpg --verify` finds it."""
        with self.lock:
            done = subprocess.run(["gpg", "--homedir", self.home, "--batch", "--quiet", "--status-fd", "1", "--verify",
                                   signature, path],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
        status = done.stdout.decode(errors="replace")
        assert done.returncode == 0, f"gpg --verify: {status}{done.stderr.decode(errors='replace')}"
        assert any("VALIDSIG" in line and line.split()[-1] == signer
                   for line in status.splitlines()), f"not signed by the gateway: {status}"

    def stop(self):
        subprocess.run(["gpgconf", "--homedir", self.home, "--kill", "all"], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=30)


class Keys:
    """All keys of a run, made once: the partner's ring, the gateway's ring (copied for every test), and SSH keys."""

    def __init__(self, folder):
        self.folder = folder
        self.partner = Gpg(os.path.join(folder, "p"))
        gateway = Gpg(os.path.join(folder, "g"))
        self.acme = self.partner.make_key("acme")
        self.acme_next = self.partner.make_key("acme-next")
        self.stranger = self.partner.make_key("stranger")
        self.gateway = gateway.make_key("gateway")
        gateway.run("--import", data=self.partner.run("--export", self.acme, self.acme_next))
        self.partner.run("--import", data=gateway.run("--export", self.gateway))
        gateway.stop()
        self.gateway_home = gateway.home
        self.host, self.other_host, self.client = (self._ssh(n) for n in ("host", "other-host", "client"))

    def _ssh(self, name):
        path = os.path.join(self.folder, name)
        command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", path)
        return path

    def copy_gateway_home(self, to):
        shutil.copytree(self.gateway_home, to, ignore=shutil.ignore_patterns("S.*", "*.lock", ".#*", "*~"))
        os.chmod(to, 0o700)

    @staticmethod
    def fingerprint(host_key):
        return command("ssh-keygen", "-l", "-E", "sha256", "-f", host_key + ".pub").decode().split()[1]

    def close(self):
        self.partner.stop()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Listening:
    """A server of the test's: self.process, or None, and its children are its sessions."""

    def stop(self):
        """The server is gone at once: listener and every session."""
        if self.process is None:
            return
        for pid in [self.process.pid, *descendants(self.process.pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def drop_sessions(self):
        for pid in descendants(self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


class Sshd(Listening):
    """OpenSSH's own server on a free loopback port, one folder as its start. sftp: another command below it."""

    def __init__(self, folder, root, keys, *, options="", sftp=None):
        self.folder, self.root, self.keys, self.options = folder, root, keys, options
        self.sftp = sftp or f"internal-sftp -d {root}"
        self.host_key = keys.host
        self.log_path = os.path.join(folder, "sshd.log")
        self.port = None
        self.process = None
        if not os.path.exists(SSHD):
            raise Missing("no sshd here (package openssh-server)")

    def start(self):
        """Starts, or starts again on the port that it had."""
        for _ in range(20):
            port = self.port or free_port()
            if self._try(port):
                self.port = port
                return self
        raise AssertionError("sshd does not start\n" + tail(self.log_path))

    def _try(self, port):
        path = os.path.join(self.folder, "sshd.conf")
        with open(path, "w") as file:
            file.write(f"""{self.options}
Port {port}
ListenAddress 127.0.0.1
HostKey {self.host_key}
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
AuthorizedKeysFile {self.keys.client}.pub
LogLevel VERBOSE
MaxStartups 500
UseDNS no
Subsystem sftp {self.sftp.split()[0]}
ForceCommand {self.sftp}
""")
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([SSHD, "-D", "-e", "-f", path], stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as probe:
                if probe.recv(4) == b"SSH-":
                    return True
            time.sleep(0.02)
        self.stop()
        return False

    def log(self):
        with open(self.log_path, errors="replace") as file:
            return file.read()


def descendants(pid):
    """All processes below `pid`, from /proc."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError, IndexError):
                with open(f"/proc/{entry}/stat") as file:
                    fields = file.read().rpartition(")")[2].split()
                if fields[0] != "Z":
                    children.setdefault(int(fields[1]), []).append(int(entry))
    found, waiting = [], [pid]
    while waiting:
        for child in children.get(waiting.pop(), []):
            found.append(child)
            waiting.append(child)
    return found


class Partner:
    """The partner's folders and habits."""

    def __init__(self, folder, keys):
        self.keys = keys
        self.root = os.path.join(folder, "partner")
        self.outgoing, self.incoming = os.path.join(self.root, "outgoing"), os.path.join(self.root, "incoming")
        for path in (self.outgoing, self.incoming):
            os.makedirs(path)
        self.originals = {}  # name -> plaintext as it was sealed

    def seal(self, plain, **options):
        options.setdefault("signer", self.keys.acme)
        options.setdefault("to", self.keys.gateway)
        return self.keys.partner.seal(plain if isinstance(plain, bytes) else plain.encode(), **options)

    def drop(self, name, plain, *, marker=True, **options):
        """Seals and puts it as a careful partner does: temporary name, rename, then the marker."""
        self.originals[name] = plain
        self.put(name, self.seal(plain, **options))
        if marker:
            self.put(self.marker(name), b"")

    def put(self, name, content):
        path = os.path.join(os.fsencode(self.outgoing), os.fsencode(name))
        temporary = os.path.join(os.fsencode(self.outgoing), b".being-written-%d" % threading.get_ident())
        with open(temporary, "wb") as file:
            file.write(content)
        os.rename(temporary, path)

    @staticmethod
    def marker(name):
        return os.fsencode(name) + b".ok"

    def received(self):
        """Names in the folder where feedback arrives, markers apart."""
        return sorted(n for n in os.listdir(self.incoming) if not n.endswith(".ok"))

    def markers(self):
        return sorted(n for n in os.listdir(self.incoming) if n.endswith(".ok"))

    def open(self, name):
        """The plaintext of an answer, decrypted and verified; only once its marker is there."""
        with open(os.path.join(self.incoming, name), "rb") as file:
            return self.keys.partner.open(file.read(), signer=self.keys.gateway).decode()

    def wait_for(self, name, *, seconds=30, log=None):
        """The answer's plaintext, once its marker says that it is complete."""
        wait_until(f"{name} and its marker at the partner's", lambda: name + ".ok" in self.markers(), seconds=seconds,
                   log=log)
        return self.open(name)
