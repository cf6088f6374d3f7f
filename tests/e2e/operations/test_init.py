"""init: from nothing to the first answered file, as a person at a terminal, and as a script."""
import json
import os
import pty
import pwd
import re
import shutil
import signal
import stat
import subprocess
from types import SimpleNamespace

from gateway import BINARY, Gateway
from harness import equal, has, lacks, test, wait_until
from partner import Keys, Sshd
from world import keys, run_folder


class Person:
    """Reads what stands on a terminal up to the next question, and types an answer."""

    def __init__(self, gateway):
        self.text = ""
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execve(BINARY, [BINARY, "--config", gateway.configuration, "init"], gateway.environment)

    def read(self, until):
        """`until`: a regular expression; what stood before it."""
        text = ""
        while not re.search(until, text):
            try:
                text += os.read(self.terminal, 65536).decode()
            except OSError:
                break
        self.text += text
        return text

    def answers(self, *answers):
        """What was asked, each with its number; None: nothing is typed but Enter."""
        return [self.answer(answer) for answer in answers]

    def answer(self, answer):
        asked = self.read(": $")
        os.write(self.terminal, ((answer or "") + "\n").encode())
        return asked

    def ended(self):
        self.read("(?!)")
        os.close(self.terminal)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class Place:
    """A server of the partner's, which lets in the key that init will make, and a machine with nothing on it."""

    def __enter__(self):
        self.folder = os.path.join(run_folder(), "i" + os.urandom(3).hex())
        self.server, self.etc = os.path.join(self.folder, "server"), os.path.join(self.folder, "etc")
        for name in ("out", "in"):
            os.makedirs(os.path.join(self.server, name))
        self.identity = os.path.join(self.etc, "keys/acme_ed25519")
        self.sshd = Sshd(self.folder, self.server, SimpleNamespace(host=keys().host, client=self.identity)).start()
        self.fingerprint = Keys.fingerprint(keys().host)
        self.gateway = Gateway(self.folder, os.path.join(self.etc, "gw.conf"))
        self.user = pwd.getpwuid(os.geteuid()).pw_name
        return self

    def path(self, *words):
        return os.path.join(self.folder, *words)

    def read(self, *words):
        with open(self.path(*words), "rb") as file:
            return file.read()

    def __exit__(self, *error):
        self.gateway.close()
        self.sshd.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def break_off_at_the_host_key(place):
    person = Person(place.gateway)
    asked = person.answers("Acme Bank", "acme", None, "127.0.0.1:1", place.user,
                           f"127.0.0.1:{place.sshd.port}", "no")
    has(asked[5], "[127.0.0.1:1]", "an address where nobody is, asked again")
    has(asked[1], "a name has only a-z", "what is said of a bad name, at once")
    has(asked[-1], place.fingerprint, "the fingerprint to be compared")
    equal(person.ended(), 1, "exit status")
    has(person.text, "no configuration was written", "what is told at the end")
    equal(sorted(os.listdir(place.etc)), ["gw.conf.answers"], "what is there")


def answer_all(place):
    person = Person(place.gateway)
    asked = person.answers(None, None, None, None, "yes", None, "out", "out")
    has(asked[0], "[acme]", "the name that was answered before")
    has(asked[3], f"[{place.user}]", "the user")
    asked = person.answers("in", "P_*.txt", None, None, None, place.path("into"), "Asia/Shanghai", place.path("state"))
    has(asked[0], "answers need another folder", "what is said of the same folder twice")
    equal(person.ended(), 0, f"exit status\n{person.text}")
    has(person.text, "is written and good", "what is told at the end")
    has(person.text, place.read("etc/keys/acme_ed25519.pub").decode().strip(), "the key for the partner")
    lacks(person.text, "16. ", "the questions")


@test
def a_person_answers_questions_and_the_first_file_is_answered():
    with Place() as place:
        break_off_at_the_host_key(place)
        answer_all(place)
        equal(sorted(os.listdir(place.etc)), ["gw.conf", "keys"], "what is left")
        equal(sorted(os.listdir(place.path("etc/keys"))), ["acme_ed25519", "acme_ed25519.pub"], "the keys")
        equal([stat.S_IMODE(os.stat(place.path("etc", name)).st_mode) for name in ("keys", "keys/acme_ed25519")],
              [0o700, 0o600], "modes")
        written = place.read("etc/gw.conf")
        again = place.gateway.run("init")
        equal((again.status, place.read("etc/gw.conf")), (3, written), "nothing is written over")
        has(again.err, "is there already", "what is told")
        worst = place.gateway.run("doctor", "acme", "--json").json()["worst"]
        assert worst in ("ok", "note", "warning"), f"the doctor's worst finding: {worst}"
        place.gateway.start()
        for name, body in (("P_1.txt", b"one\ttwo\n\xe4\xb8\x89\n"), ("P_1.txt.ok", b"")):
            with open(place.path("server/out", name), "wb") as file:
                file.write(body)
        place.gateway.ok("poll", "acme")
        wait_until("the answer", lambda: os.path.exists(place.path("server/in/P_1_FB.txt.ok")),
                   log=place.gateway.log_tail)
        equal(place.read("into/P_1.txt"), b"one\ttwo\n\xe4\xb8\x89\n", "what was handed on")
        has(place.read("server/in/P_1_FB.txt").decode(), "ACCEPTED", "the answer")
        place.gateway.stop()


@test
def a_script_gives_the_answers_and_a_wrong_one_leaves_nothing():
    with Place() as place:
        answers, sample = place.path("acme.answers"), place.path("sample.dat")
        with open(sample, "w") as file:
            file.write("".join(f"R{i:04}|M{i % 7}|{i}\n" for i in range(200)))
        with open(answers, "w") as file:
            file.write(f"# acme\npartner = acme\nhost = 127.0.0.1:{place.sshd.port}\nlayout = {sample}\n"
                       f"then = ledger\nfields = f1 f2 f3\nstate = {place.path('state')}\n")
        words = ("init", "--answers", answers)
        missed = place.gateway.run(*words)
        equal((missed.status, os.listdir(place.etc)), (2, []), "without a host key")
        has(missed.err, 'the answer "host-key" is missing', "what is told")
        other = place.gateway.run(*words, "--answer", "host-key=SHA256:" + "A" * 43)
        has(other.err, "shows no such key", "what is told of another key")
        with open(answers, "a") as file:
            file.write("hots = x\n")
        has(place.gateway.run(*words).err, "acme.answers:8: there is no question", "a name that is none")
        with open(answers, "r+") as file:
            text = file.read().replace("hots = x\n", "")
            file.seek(0)
            file.truncate()
            file.write(text)
        told = json.loads(place.gateway.ok(*words, "--answer", f"host-key={place.fingerprint}", "--json").out)
        equal(told["public_key_file"], place.identity + ".pub", "the key for the partner")
        place.gateway.ok("check")
        has(place.read("etc/gw.conf").decode(), 'key       = "f1"', "the configuration")


@test
def in_a_folder_of_this_machine_the_first_file_goes_below_it():
    with Place() as place:
        root = place.path("exchange")
        for folder in ("outgoing", "incoming"):
            os.makedirs(os.path.join(root, folder))
        answers = ("partner=acme", "way=folder", f"root={root}", "ready=rename", f"into={place.path('into')}",
                   f"state={place.path('state')}")
        done = place.gateway.ok("init", *(word for answer in answers for word in ("--answer", answer)))
        has(done.out, f"put a file like *.dat into {root}/outgoing;", "the next step")
        equal(place.gateway.run("doctor", "acme").status, 0, "the doctor")


@test(needs_root=True)
def what_root_makes_is_the_services_own():
    with Place() as place:
        users, own = place.path("passwd"), 990
        shutil.copy("/etc/passwd", users)
        with open(users, "a") as file:
            file.write(f"sallyport:x:{own}:{own}::/:/usr/sbin/nologin\n")
        words = [BINARY, "-c", place.gateway.configuration, "init"]
        for answer in ("partner=acme", f"host=127.0.0.1:{place.sshd.port}", f"host-key={place.fingerprint}",
                       f"state={place.path('state')}", f"into={place.path('state/received/acme')}"):
            words += ["--answer", answer]
        script = 'mount --bind "$0" /etc/passwd && exec "$@"'
        done = subprocess.run(["unshare", "-m", "sh", "-c", script, users, *words],
                              stdin=subprocess.DEVNULL, env=place.gateway.environment, capture_output=True, text=True)
        equal(done.returncode, 0, done.stderr)
        has(done.stdout, "sudo -u sallyport sallyport -c", "the next commands")
        for name in ("etc/keys", "etc/keys/acme_ed25519", "state", "state/received", "state/received/acme"):
            there = os.stat(place.path(name))
            equal((name, there.st_uid, there.st_mode & 0o077), (name, own, 0), "owner and mode")


@test
def one_that_is_killed_leaves_no_half_of_anything():
    with Place() as place:
        person = Person(place.gateway)
        person.answers("acme", None, f"127.0.0.1:{place.sshd.port}", place.user, "yes")
        person.read(r"\]: $")
        os.kill(person.pid, signal.SIGKILL)
        person.ended()
        os.makedirs(place.path("etc/keys/.new"))
        with open(place.path("etc/keys/.new/key"), "w") as file:
            file.write("-----BEGIN")
        with open(place.path("etc/gw.conf.draft"), "w") as file:
            file.write("node {")
        place.gateway.ok("init", *(word for answer in (
            "partner=acme", f"host=127.0.0.1:{place.sshd.port}", f"host-key={place.fingerprint}",
            f"into={place.path('into')}", f"state={place.path('state')}") for word in ("--answer", answer)))
        equal(sorted(os.listdir(place.etc)), ["gw.conf", "keys"], "what is left")
        equal(sorted(os.listdir(place.path("etc/keys"))), ["acme_ed25519", "acme_ed25519.pub"], "the keys")
        place.gateway.ok("check")
