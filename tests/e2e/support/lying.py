"""A partner whose server lies on command: a world with lying_sftp.py behind its sshd, or with lying_ftp.py."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

from harness import wait_until
from world import World, run_folder

SERVER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lying_sftp.py")
FTP_SERVER = os.path.join(os.path.dirname(SERVER), "lying_ftp.py")


class Liar:
    """What the server is told to lie about, and what it has told."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="liar-", dir=run_folder())
        self.sets = 0

    def serve(self, root):
        with open(os.path.join(self.folder, "root"), "w") as file:
            file.write(root)
        self.tell_the_truth()

    def command(self):
        return f"{sys.executable} -S -E {SERVER} {self.folder}"

    def lie(self, name, match="*", *, times=None):
        """This lie and no other, from the next request on, about files of such names; `times`: so often."""
        self.lie_about({match: name}, times=times)

    def lie_about(self, lies, *, times=None):
        """{GLOB: NAME} or {GLOB: (NAME, …)}; all at once."""
        self.sets += 1
        made = [{"lie": name, "match": match, "id": self.sets, **({} if times is None else {"times": times})}
                for match, names in lies.items() for name in ([names] if isinstance(names, str) else names)]
        path = os.path.join(self.folder, "lies.json")
        with open(path + ".new", "w") as file:
            json.dump(made, file)
        os.rename(path + ".new", path)

    def tell_the_truth(self):
        self.lie_about({})

    def told(self, name, about=""):
        """How often this lie was told about files whose names have this."""
        try:
            with open(os.path.join(self.folder, "told")) as file:
                return sum(1 for line in file if line.split(" ", 1)[0] == name and about in line)
        except FileNotFoundError:
            return 0

    def wait_told(self, name, about="", *, times=1, log=None):
        wait_until(f"the lie {name} about {about or 'anything'}", lambda: self.told(name, about) >= times, log=log)

    def taken(self):
        """What the partner's own job has taken away the moment that it was there: (name, content)."""
        found = []
        for entry in sorted(os.listdir(self.folder)):
            if entry.startswith("taken-"):
                with open(os.path.join(self.folder, entry), "rb") as file:
                    found.append((entry[len("taken-"):].rpartition("-")[0], file.read()))
        return found

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class FtpServer:
    """lying_ftp.py as a process of its own."""

    def __init__(self, liar):
        self.process = subprocess.Popen([sys.executable, "-S", "-E", FTP_SERVER, liar.folder], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())

    def stop(self):
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()


class LyingFtpWorld(World):
    """The same with FTP, in the clear: nothing that is told of TLS matters here."""

    def __init__(self, **options):
        self.liar = Liar()
        super().__init__(local=True, **options)
        self.liar.serve(self.partner.root)
        self.server = FtpServer(self.liar)
        password = os.path.join(self.folder, "password")
        with open(password, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write("s3cret\n")
        self.configuration.endpoints["main"] = {"url": f"ftp://partner@127.0.0.1:{self.server.port}",
                                                "clear-text": True, "password-file": password,
                                                "io-timeout": "3s", "connect-timeout": "10s"}

    def close(self, **options):
        super().close(**options)
        self.server.stop()
        self.liar.close()


class LyingWorld(World):
    def __init__(self, **options):
        self.liar = Liar()
        # SHLVL: bash does not take itself for a login, and leaves the user's ~/.bashrc alone
        super().__init__(sshd_options=f"SetEnv SHLVL=2\nForceCommand {self.liar.command()}", **options)
        self.liar.serve(self.partner.root)
        # a lie is found out soon, and a stalled connection given up
        self.configuration.endpoints["main"].update({"io-timeout": "3s", "connect-timeout": "10s"})

    def close(self, **options):
        super().close(**options)
        self.liar.close()
