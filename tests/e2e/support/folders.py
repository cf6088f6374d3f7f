"""The ends of a mailbox by drop folders: one on a real sshd, reached by the OpenSSH client, and one of this machine."""
import contextlib
import os
import pwd
import shutil
import subprocess

from harness import wait_until
from mailboxes import Exchange
from partner import Keys, Sshd
from world import keys, run_folder


class Folders:
    """An end's three folders, which lie at `root`."""

    def __init__(self, root):
        self.root = root
        for name in ("out", "in", "in/done"):
            os.makedirs(os.path.join(root, name), exist_ok=True)

    def path(self, *words):
        return os.path.join(self.root, *words)

    def put(self, name, body):
        """As one who knows that he is looked at: under another name first."""
        with open(self.path("out", name + ".tmp"), "wb") as file:
            file.write(body)
        os.rename(self.path("out", name + ".tmp"), self.path("out", name))

    def names(self, folder="in"):
        return sorted(name for name in os.listdir(self.path(folder)) if name != "done" and not name.startswith("."))

    def read(self, name):
        with open(self.path("in", name), "rb") as file:
            return file.read()

    def done(self, name):
        os.rename(self.path("in", name), self.path("in/done", name))


class SftpFolders(Folders):
    """The same on a server; put and moved by sftp(1)."""

    def __init__(self, folder):
        super().__init__(os.path.join(folder, "server"))
        self.folder, self.identity = folder, os.path.join(folder, "identity")
        shutil.copy(keys().client, self.identity)
        os.chmod(self.identity, 0o600)
        self.sshd = Sshd(folder, self.root, keys()).start()
        self.user = pwd.getpwuid(os.geteuid()).pw_name

    def endpoint(self):
        return (f'endpoint "main" {{ url = "sftp://{self.user}@127.0.0.1:{self.sshd.port}"  '
                f'host-key = "{Keys.fingerprint(keys().host)}"  identity-file = "{self.identity}" }}')

    def sftp(self, *lines):
        done = subprocess.run(["sftp", "-q", "-b", "-", "-P", str(self.sshd.port), "-i", self.identity,
                               "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                               f"{self.user}@127.0.0.1"], input="\n".join(lines), text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def put(self, name, body):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(body)
        self.sftp(f'put "{path}" "out/{name}.tmp"', f'rename "out/{name}.tmp" "out/{name}"')

    def done(self, name):
        self.sftp(f"rename in/{name} in/done/{name}")

    def close(self):
        self.sshd.stop()


SETTINGS = 'outgoing = "out"  incoming = "in"  ready = rename  every = "1s"  '


@contextlib.contextmanager
def by_folders(*, source="", consumer=None, start=True, **options):
    """(exchange, source's folders by SFTP, consumer's on this machine); `consumer` None: it has none."""
    place = os.path.join(run_folder(), "f" + os.urandom(3).hex())
    os.mkdir(place)
    theirs, ours = SftpFolders(place), Folders(os.path.join(place, "local"))
    folders = {"ssc-city": (theirs.endpoint(), SETTINGS + source)}
    if consumer is not None:
        folders["acme-life"] = (f'endpoint "main" {{ url = "file://{ours.root}" }}',
                                SETTINGS.replace('"out"', '"/out"').replace('"in"', '"/in"') + consumer)
    try:
        with Exchange(folders=folders, start=start, **options) as exchange:
            yield exchange, theirs, ours
    finally:
        theirs.close()
        shutil.rmtree(place, ignore_errors=True)


def arrived(exchange, folders, *names):
    wait_until(f"{names} to have come", lambda: folders.names() == sorted(names), log=exchange.gateway.log_tail)
