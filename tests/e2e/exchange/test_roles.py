"""Source, exchange and consumer: the shipped samples of the three, each in a network namespace of its own. The ends
have no route to each other."""
import contextlib
import os
import secrets
import shutil
import subprocess
import sys

from certificates import Authority
from gateway import Gateway
from harness import TOP, equal, has, test, wait_until
from mailboxes import digest
from scene import keys, run_folder

SAMPLES = os.path.join(TOP, "conf/samples/roles")
ADDRESSES = {"source": ("10.77.1.1", "10.77.1.2"), "consumer": ("10.77.2.1", "10.77.2.2")}  # the exchange's, its own
SOURCE_KEY, CONSUMER_KEY = "0123456789ABCDEF" * 2 + "01234567", "1123456789ABCDEF0123456789ABCDEF01234567"
# The source's marks of idleness, none of which is looked at: tests keep the machine busy. test_idle.py is about them.
IDLE = {"cpu-others-below  = 30 ": "cpu-others-below = 100 ", "cpu-others-above  = 50 ": "cpu-others-above = 100 ",
        "io-some-below     = 5 ": "io-some-below = 100 ", "io-some-above     = 15\n": "io-some-above = 100\n",
        "memory-some-above = 1\n": "memory-some-above = 100\n", 'idle-for  = "60s"': 'idle-for = "1s"'}
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def ip(*words):
    subprocess.run(["ip", *words], check=True)


# An ICMP echo request, and whether an answer (type 0) comes within a second: not every machine has ping.
PING = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as echo:
    echo.settimeout(1)
    echo.sendto(bytes.fromhex("0800f7ff00000000"), (sys.argv[1], 0))
    while True:
        data, (address, _) = echo.recvfrom(100)
        if address == sys.argv[1] and data[20] == 0:
            break
"""


def ping(machine, address):
    return machine.run(sys.executable, "-c", PING, address).returncode == 0


def identity(number):
    """18 digits, of which the last is the check digit."""
    body = f"440300199003{number % 28 + 1:02}{number % 1000:03}"
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, WEIGHTS)) % 11]


def settlements(count, *, first=1, change=None):
    """A file of claim settlements, the last of which takes the first back; `change` changes its lines before it is
    encoded."""
    lines, total = [], 0
    for n in range(first, first + count):
        sign = -1 if n == first + count - 1 and count > 1 else 1
        medfee, fund, acct = sign * (100000 + n), sign * 60000, sign * 10000
        total += medfee
        amounts = "|".join(f"{cents / 100:.2f}" for cents in (medfee, fund, acct, medfee - fund - acct))
        back = f"1|S{first:014}" if sign < 0 else "0|"
        lines.append(f"D|P{n:06}|{identity(n)}|S{n:014}|M{n:08}|20261120093000|11|{amounts}|{back}|440300")
    header = f"H|440300000001|440300|20261120|{count}|{total / 100:.2f}"
    text = "\n".join([header, *lines]) + "\n"
    return (change(text) if change else text).encode("gb18030")


class Machine:
    """A role's sample, with the names of this test's world in it."""

    def __init__(self, roles, role):
        self.role, self.roles = role, roles
        self.folder = os.path.join(roles.folder, role)
        self.name = f"{role}-{secrets.token_hex(2)}"
        self.state = os.path.join(self.folder, "state")
        os.makedirs(os.path.join(self.folder, "conf.d"))
        os.makedirs(self.state)
        shutil.copy(os.path.join(SAMPLES, "conf.d/medical.conf"), os.path.join(self.folder, "conf.d"))
        self.gateway = Gateway(self.folder, os.path.join(self.folder, "sallyport.conf"))
        ip("netns", "add", self.name)
        ip("-n", self.name, "link", "set", "lo", "up")

    def write(self, **changes):
        with open(os.path.join(SAMPLES, self.role + ".conf")) as file:
            text = file.read()
        changes["/var/lib/sallyport"] = self.state
        changes.update(IDLE if self.role == "source" else {})
        for old, new in changes.items():
            assert old in text, f"{self.role}.conf has no {old}"
            text = text.replace(old, new)
        with open(self.gateway.configuration, "w") as file:
            file.write(text)

    def run(self, *words):
        return subprocess.run(["ip", "netns", "exec", self.name, *words], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)

    def start(self):
        self.gateway.start(wrapper=("ip", "netns", "exec", self.name))

    def restart(self):
        self.gateway.kill()
        self.start()

    def close(self):
        self.gateway.close()
        subprocess.run(["gpgconf", "--homedir", os.path.join(self.state, "gnupg"), "--kill", "all"], check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        ip("netns", "del", self.name)


class Roles:
    def __init__(self):
        self.folder = os.path.join(run_folder(), "r" + secrets.token_hex(2))
        os.mkdir(self.folder)
        self.machines = {role: Machine(self, role) for role in ("exchange", "source", "consumer")}
        self.exchange, self.source, self.consumer = self.machines.values()
        self.srv = os.path.join(self.folder, "srv")
        for name in ("outbox", "sent", "verdicts", "core"):
            os.makedirs(os.path.join(self.srv, name))
        self._connect()
        self._configure()

    def _connect(self):
        for end in (self.source, self.consumer):
            near, own = ADDRESSES[end.role]
            pair = "x" + end.name[-4:]
            ip("-n", self.exchange.name, "link", "add", pair, "type", "veth", "peer", "name", "eth0", "netns", end.name)
            for machine, device, address in ((self.exchange, pair, near), (end, "eth0", own)):
                ip("-n", machine.name, "address", "add", address + "/24", "dev", device)
                ip("-n", machine.name, "link", "set", device, "up")
            ip("-n", end.name, "route", "add", "default", "via", near)  # whoever would forward, could

    def _configure(self):
        authority = Authority(os.path.join(self.folder, "ca"))
        certificate, key = authority.issue("exchange", names=[f"IP:{near}" for near, _ in ADDRESSES.values()])
        ring, tokens = keys(), {}
        for end, own in ((self.source, ring.gateway_home), (self.consumer, ring.partner.home)):
            shutil.copytree(own, os.path.join(end.state, "gnupg"),
                            ignore=shutil.ignore_patterns("S.*", "*.lock", ".#*", "*~"))
            os.chmod(os.path.join(end.state, "gnupg"), 0o700)
            tokens[end.role] = secrets.token_hex(32)
            path = os.path.join(end.folder, "token")
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write(tokens[end.role] + "\n")
            end.write(**{"exchange.example": ADDRESSES[end.role][0], SOURCE_KEY: ring.gateway, CONSUMER_KEY: ring.acme,
                         '"credential:exchange-token"': f'"{path}"  ca-file = "{authority.certificate}"',
                         **({"/srv/ssc": self.srv, '"10s"': '"1s"'} if end is self.source else
                            {"/srv/core": self.srv + "/core", '"30s"': '"1s"'})})
        self.exchange.write(**{
            "/etc/sallyport/keys/front.pem": certificate, "credential:front-key": key,
            "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae": digest(tokens["source"].encode()),
            "fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9": digest(tokens["consumer"].encode())})

    def write(self, name, content):
        """As the business does: a temporary name, and a rename."""
        temporary = os.path.join(self.srv, "outbox", name + ".tmp")
        with open(temporary, "wb") as file:
            file.write(content)
        os.rename(temporary, os.path.join(self.srv, "outbox", name))

    def items(self):
        with contextlib.suppress(AssertionError):
            listed = self.exchange.gateway.json("exchange", "items", "medical-claims")["items"]
            return {item["id"]: item["state"] for item in listed}
        return {}

    def verdict(self, name):
        path = os.path.join(self.srv, "verdicts", name)
        wait_until(name, lambda: os.path.exists(path), log=self.source.gateway.log_tail)
        with open(path, encoding="utf-8") as file:
            return file.read()

    def wait_done(self, *stems):
        """Each of them is acknowledged, and its answer is there."""
        for stem in stems:
            wait_until(f"{stem} to be acknowledged and answered",
                       lambda stem=stem: (self.items().get(stem + ".pgp"), f"FB_{stem}.pgp" in self.items()) ==
                       ("acknowledged", True), seconds=60, log=self.consumer.gateway.log_tail)

    def __enter__(self):
        for machine in self.machines.values():
            machine.start()
        return self

    def __exit__(self, kind, error, trace):
        for machine in self.machines.values():
            if kind is None:
                equal(machine.gateway.stop(), 0, machine.role)
        for machine in self.machines.values():
            machine.close()


@test(needs_root=True)
def an_item_goes_from_source_to_consumer_who_have_no_route_to_each_other():
    with Roles() as roles:
        for end, other in ((roles.source, roles.consumer), (roles.consumer, roles.source)):
            address = ADDRESSES[other.role][1]
            assert ping(end, ADDRESSES[end.role][0]), "to the exchange"
            assert not ping(end, address), "to the other end"
            knock = end.run("timeout", "2", "bash", "-c", f"exec 3<>/dev/tcp/{address}/22")
            assert knock.returncode != 0 and b"refused" not in knock.stdout, knock
        roles.write("SETL_1.txt", settlements(40))
        roles.wait_done("SETL_1")
        has(roles.verdict("SETL_1_FB.txt"), "ACCEPTED", "the source's own verdict")
        for stem, lines in (("ENROL_1", [f"D|P000001|{identity(1)}|张三|1|19900302|440300|310|20260101||1"]),
                            ("CONTR_1", [f"D|E1|P000001|{identity(1)}|202611|5000.00|400.00|850.00|1250.00|440300"])):
            total = "|1250.00" if stem == "CONTR_1" else ""
            text = "\n".join([f"H|440300000001|440300|20261120|{len(lines)}{total}", *lines]) + "\n"
            roles.write(stem + ".txt", text.encode("gb18030"))
            roles.wait_done(stem)
            with open(os.path.join(roles.srv, "core", stem + ".txt"), encoding="gb18030") as file:
                equal(file.read(), text, "what the consumer's system has")
        credits = roles.consumer.gateway.entries()
        equal((len(credits), sum(int(e["amount"].replace(".", "")) for e in credits)),
              (40, sum(100000 + n for n in range(1, 40)) - 100040), "what the consumer has")
        opened = roles.exchange.run("awk", "$1 == \"Tcp:\" && $6 ~ /^[0-9]/ { print $6 }", "/proc/net/snmp").stdout
        equal(opened.strip(), b"0", "connections that the exchange has opened")
        for folder, _, names in os.walk(roles.exchange.folder):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.isfile(path):
                    with open(path, "rb") as file:
                        assert b"S00000000000001" not in file.read(), f"a settlement in the clear: {path}"
        assert not os.path.exists(os.path.join(roles.exchange.state, "gnupg")), "the exchange has a key ring"


@test(needs_root=True)
def a_claim_that_is_wrong_does_not_leave_the_source_and_says_why():
    with Roles() as roles:
        cases = {"M001": lambda text: text.replace("|600.00|", "|600.01|", 1),
                 "M002": lambda text: text.replace(identity(11), identity(11)[:-1] + "?", 1),
                 "M003": lambda text: text.replace("|1|S", "|0|S", 1),
                 "M004": lambda text: text.replace("|0||440300", "|0||440301", 1),
                 "T003": lambda text: text.replace("|20261120|3|", "|20261120|4|", 1)}
        for n, (code, change) in enumerate(cases.items()):
            roles.write(f"SETL_{code}.txt", settlements(3, first=10 * n, change=change))
        head = "|440300000001|440300|20261120|1"
        born = f"H{head}\nD|P1|{identity(1)}|李四|1|19900303|440300|310|20260101||1\n"
        paid = f"H{head}|1250.01\nD|E1|P1|{identity(1)}|202611|5000.00|400.00|850.00|1250.01|440300\n"
        roles.write("ENROL_M005.txt", born.encode("gb18030"))
        roles.write("CONTR_M006.txt", paid.encode("gb18030"))
        for stem in [*(f"SETL_{code}" for code in cases), "ENROL_M005", "CONTR_M006"]:
            has(roles.verdict(stem + "_EX.txt"), stem[-4:], f"why {stem} is refused")
        equal(roles.items(), {}, "what has left")


@test(needs_root=True)
def each_machine_may_die_at_any_arrow_and_an_item_is_run_once():
    with Roles() as roles:
        arrows = [(roles.source, lambda stem: os.path.exists(os.path.join(roles.srv, "outbox", stem + ".txt"))),
                  (roles.source, lambda stem: stem + ".pgp" in roles.items()),
                  (roles.exchange, lambda stem: stem + ".pgp" in roles.items()),
                  (roles.consumer, lambda stem: stem + ".pgp" in roles.items()),
                  (roles.consumer, lambda stem: roles.items().get(stem + ".pgp") == "listed"),
                  (roles.exchange, lambda stem: f"FB_{stem}.pgp" in roles.items()),
                  (roles.consumer, lambda stem: f"FB_{stem}.pgp" in roles.items())]
        stems = [f"SETL_{n}" for n in range(len(arrows))]
        for n, (machine, happened) in enumerate(arrows):
            roles.write(stems[n] + ".txt", settlements(2000, first=1 + 2000 * n))
            wait_until(f"arrow {n}", lambda happened=happened, n=n: happened(stems[n]),
                       log=roles.consumer.gateway.log_tail)
            machine.restart()
        roles.wait_done(*stems)
        equal(len(roles.consumer.gateway.entries()), 2000 * len(arrows), "entries, each once")
        for machine in (roles.source, roles.consumer):
            machine.gateway.wait_quiet()
            machine.gateway.ok("verify")
        equal(len(roles.source.gateway.files()), len(arrows), "files of the source")
