"""Accounts of this machine's SFTP server: made by the command, with a real useradd and a real sshd, whose /etc and /srv
are a copy in a mount namespace of their own."""
import contextlib
import os
import pwd
import shutil
import subprocess

from gateway import BINARY
from harness import equal, has, test, wait_until
from mailboxes import Exchange, digest
from partner import Keys, free_port
from waiting import tail
from world import keys, run_folder

NAME = "acme-in"


class Machine:
    """A namespace where /etc is an overlay and /srv is empty, and its first process."""

    def __init__(self, folder):
        self.folder = folder
        script = (f"mount -t tmpfs none {folder}/disk && mkdir {folder}/disk/upper {folder}/disk/work && "
                  f"mount -t overlay none -o lowerdir=/etc,upperdir={folder}/disk/upper,workdir={folder}/disk/work "
                  f"/etc && mount -t tmpfs -o mode=755 none /srv && touch {folder}/ready && exec sleep infinity")
        os.mkdir(os.path.join(folder, "disk"))
        self.process = subprocess.Popen(["unshare", "-m", "sh", "-c", script])
        wait_until("the namespace", lambda: os.path.exists(os.path.join(folder, "ready")))
        self.sshd = None

    def run(self, *words, **options):
        return subprocess.run(["nsenter", "-m", "-t", str(self.process.pid), *words], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, **options)

    def account(self, *words, status=0):
        done = self.run(BINARY, "account", *words)
        equal(done.returncode, status, f"account {words}: {done.stdout}")
        return done.stdout

    def start_sshd(self):
        self.port = free_port()
        path = os.path.join(self.folder, "sshd.conf")
        with open(path, "w") as file:
            file.write(f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {keys().host}\nPidFile none\nUsePAM no\n"
                       "Subsystem sftp internal-sftp\nInclude /etc/ssh/sshd_config.d/*.conf\n")
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        checked = self.run("/usr/sbin/sshd", "-t", "-f", path)
        equal(checked.returncode, 0, checked.stdout)
        self.log = open(os.path.join(self.folder, "sshd.log"), "wb")
        self.sshd = subprocess.Popen(["nsenter", "-m", "-t", str(self.process.pid), "/usr/sbin/sshd", "-D", "-e", "-f",
                                      path], stderr=self.log)

    def sftp(self, identity, *lines):
        return subprocess.run(["sftp", "-q", "-b", "-", "-P", str(self.port), "-i", identity,
                               "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                               "-o", "IdentitiesOnly=yes", "-o", "PreferredAuthentications=publickey",
                               f"{NAME}@127.0.0.1"], input="\n".join(lines), text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)

    def close(self):
        for process in (self.sshd, self.process):
            if process:
                process.kill()
                process.wait()


def key_at(folder, name):
    path = os.path.join(folder, name)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", path], check=True)
    return path


@contextlib.contextmanager
def machine():
    folder = os.path.join(run_folder(), "m" + os.urandom(3).hex())
    os.mkdir(folder)
    made = Machine(folder)
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(folder, ignore_errors=True)


@test(needs_root=True)
def an_accounts_files_go_into_the_mailbox_and_it_sees_nothing_else():
    with machine() as here:
        partner, own, other = (key_at(here.folder, name) for name in ("partner", "own", "other"))
        has(here.account("add", NAME, "--key", partner + ".pub", "--gateway-key", own + ".pub"), "systemctl reload ssh",
            "what is left to do")
        here.account("add", NAME, "--key", partner + ".pub")  # again: it finishes what was begun
        for name in ("root", "daemon"):
            has(here.account("add", name, "--key", partner + ".pub", status=3), "take another name", "a user of others")
        here.start_sshd()
        wait_until("sshd", lambda: here.sftp(partner, "ls").returncode == 0, log=lambda: tail(here.log.name))
        equal(here.sftp(other, "ls").returncode != 0, True, "a key that is none of its")
        has(here.sftp(partner, "ls -a /").stdout, "to-gateway", "what it sees")
        equal(here.sftp(partner, "put /etc/hostname /x").returncode != 0, True, "beside its folders")
        equal(here.sftp(partner, "ls /etc").returncode != 0, True, "the machine's")
        shell = subprocess.run(["ssh", "-p", str(here.port), "-i", partner, "-o", "StrictHostKeyChecking=no",
                                "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes", f"{NAME}@127.0.0.1", "id"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        equal("uid=" in shell.stdout, False, "a command of its own")

        endpoint = (f'endpoint "here" {{ url = "sftp://{NAME}@127.0.0.1:{here.port}"  '
                    f'host-key = "{Keys.fingerprint(keys().host)}"  identity-file = "{own}" }}')
        drop = 'outgoing = "/to-gateway"  incoming = "/from-gateway"  ready = rename  every = "1s"'
        with Exchange(folders={"acme-life": (endpoint, drop)}, endpoint="here") as exchange:
            body, path = os.urandom(100000), os.path.join(here.folder, "claims.dat")
            with open(path, "wb") as file:
                file.write(body)
            os.chmod(path, 0o600)  # so it lies there, too
            done = here.sftp(partner, f"put {path} to-gateway/claims.dat.tmp",
                             "rename to-gateway/claims.dat.tmp to-gateway/claims.dat")
            equal(done.returncode, 0, done.stdout)
            wait_until("the item", lambda: exchange.source.list().status == 200, log=exchange.gateway.log_tail)
            equal(digest(exchange.source.get(exchange.source.ids()[0]).body), digest(body), "what came")
            equal(exchange.source.put("r", body, headers=["Item-Name: result.dat"]).status, 201, "back")
            wait_until("the file", lambda: "result.dat" in here.sftp(partner, "ls from-gateway").stdout,
                       log=exchange.gateway.log_tail)
            done = here.sftp(partner, f"get from-gateway/result.dat {path}",
                             "rename from-gateway/result.dat from-gateway/done/result.dat")
            equal((done.returncode, digest(open(path, "rb").read())), (0, digest(body)), done.stdout)
            wait_until("it to be acknowledged",
                       lambda: exchange.source.head("r").headers["item-state"] == "acknowledged",
                       log=exchange.gateway.log_tail)

        here.account("key", NAME, other + ".pub")
        equal((here.sftp(other, "ls").returncode, here.sftp(own, "ls").returncode), (0, 0), "the new key, and our own")
        equal(here.sftp(partner, "ls").returncode != 0, True, "the old one")
        here.account("disable", NAME)
        equal([here.sftp(key, "ls").returncode != 0 for key in (other, own, partner)], [True] * 3,
              "when it is disabled")
        has(here.account("list"), "disabled", "the list")
        here.account("key", NAME, partner + ".pub")
        equal(here.sftp(partner, "ls").returncode, 0, "let in again")
        has(here.account("list"), "enabled", "the list")


@test
def an_account_is_prepared_below_a_root_and_what_is_no_key_or_name_is_refused():
    root = os.path.join(run_folder(), "r" + os.urandom(3).hex())
    os.mkdir(root)
    key = keys().client + ".pub"

    def account(*words, status=0):
        done = subprocess.run([BINARY, "account", *words, "--root", root], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        equal(done.returncode, status, f"{words}: {done.stdout}")
        return done.stdout
    said = account("add", "lab", "--key", key, "--quota", "1048576")
    for step in ("useradd --system", "setquota -u lab 0 1048576", "chown lab:", "systemctl reload ssh"):
        has(said, step, "what is left to root")
    equal("lab" in [user.pw_name for user in pwd.getpwall()], False, "a user")
    with open(os.path.join(root, "etc/ssh/sshd_config.d/sallyport-lab.conf")) as file:
        text = file.read()
    for line in ("Match User lab\n", "ChrootDirectory /srv/sallyport/lab\n", "DisableForwarding yes\n", "Match all\n"):
        has(text, line, "what sshd reads")
    for name in ("", "Lab", "../x", "a b", "-k", "x" * 32):
        account("add", "--key", key, "--", name, status=2)
    bad = os.path.join(root, "bad")
    for text in ("", "ssh-ed25519 AAAA x\n", 'command="sh" ' + open(key).read(),
                 "-----BEGIN OPENSSH PRIVATE KEY-----\n"):
        with open(bad, "w") as file:
            file.write(text)
        has(account("add", "lab2", "--key", bad, status=3), "public key", "what is wrong")
    account("add", "lab2", status=2)
    account("add", "lab2", "--key", bad + "-not-there", status=3)
    account("add", "lab2", "--key", key, "--quota", "0", status=3)
    account("add", "root", "--key", key, status=3)
    equal(sorted(os.listdir(os.path.join(root, "etc/ssh/sshd_config.d"))), ["sallyport-lab.conf"], "what was written")
    equal(os.listdir(os.path.join(root, "srv/sallyport")), ["lab"], "what was made")
    has(account("disable", "nobody-else", status=4), "account list", "what shows the accounts")
    account("key", "nobody-else", key, status=4)
    account("disable", "lab")
    account("add", "lab", "--key", key, status=3)
    account("key", "lab", key)
    has(account("list"), "enabled", "the list")
    shutil.rmtree(root)
