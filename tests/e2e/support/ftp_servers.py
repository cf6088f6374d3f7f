"""The partner's FTP servers: vsftpd, Pure-FTPd and ProFTPD, as packaging/install-packages has unpacked them, each on a
free loopback port with the partner's folder as its root. ProFTPD's mod_sftp is a second, independent SFTP server."""
import contextlib
import functools
import os
import random
import socket
import subprocess
import threading
import time

import world
from certificates import Authority
from harness import TOP, Missing, Skip, tail
from partner import Keys, Listening, free_port
from proxy import Proxy

UNPACKED = os.path.join(TOP, "build/servers")
ADDRESS = "127.0.0.2"  # the proxies stand at 127.0.0.1 with the same ports
PASSIVE = 10           # ports for data, of each server
PASSWORD = "s3cret-ftp"
NOBODY = 65534

_made = {}
_lock = threading.Lock()


def authority():
    """One authority and its certificates for the run."""
    folder = os.path.join(world.run_folder(), "tls")
    with _lock:
        if "authority" not in _made:
            made = Authority(folder)
            certificate, key = made.issue("server", names=("DNS:localhost", "IP:127.0.0.1", f"IP:{ADDRESS}"))
            stranger = Authority(os.path.join(folder, "stranger"), "Somebody Else")
            elsewhere = made.issue("elsewhere", names=("DNS:else.example",))
            both = os.path.join(folder, "both.pem")
            with open(both, "w") as file:
                file.write(open(key).read() + open(certificate).read())
            _made["authority"] = {"ca": made.certificate, "certificate": certificate, "key": key, "both": both,
                                  "stranger": stranger.certificate, "elsewhere": elsewhere}
        return _made["authority"]


def passive_range():
    """So many ports in a row, below those that the kernel gives to connections; each server of a run gets others."""
    with _lock:
        for _ in range(500):
            first = _made.setdefault("ports", random.randrange(20000, 30000, PASSIVE))
            _made["ports"] = first + PASSIVE if first + 2 * PASSIVE < 32000 else 20000
            if all(_is_free(first + i) for i in range(PASSIVE)):
                return first, first + PASSIVE - 1
    raise AssertionError("no ports in a row")


def _is_free(port):
    with socket.socket() as here, socket.socket() as there:
        with contextlib.suppress(OSError):
            here.bind((ADDRESS, port))
            there.bind(("127.0.0.1", port))
            return True
    return False


class Proxies:
    """Proxies before a server's control port and all of its data ports, under the same numbers: the gateway dials the
    address of its control connection, whatever the server says. For SFTP one that does both: then the endpoint has one
    connection."""

    def __init__(self, server):
        self.control = Proxy(server.port, to_host=server.host)
        self.is_one = isinstance(server, OverSsh)
        self.data = [self.control] if self.is_one else [Proxy(port, to_host=ADDRESS, port=port)
                                                        for port in range(server.passive[0], server.passive[1] + 1)]

    def cut(self, *, down=None, up=None):
        """The first data connection that moves so much is broken, and no other."""
        left = self.left = [True]
        for proxy in self.data:
            proxy.cut_down, proxy.cut_up, proxy.pause = down, up, 0.5
            proxy.take = lambda: bool(left) and left.pop()
            proxy.mark()

    def have_cut(self):
        return not self.left

    def moved(self):
        """(down, up): bytes of files and listings."""
        return sum(p.down for p in self.data), sum(p.up for p in self.data)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for proxy in [self.control, *self.data]:
            proxy.close()


class Server(Listening):
    """with Server(world.folder, world.partner.root): … — `tls` is None, "explicit" or "implicit"."""
    name = program = None
    needs_root = False
    greeting, host = b"220", ADDRESS
    has_mlsd = has_implicit = True
    certificate = None  # another pair than the good one

    def __init__(self, folder, root, *, tls=None, certificate=None, **options):
        self.folder, self.root, self.tls, self.options = os.path.join(folder, self.name), root, tls, options
        if tls == "implicit" and not self.has_implicit:
            raise Skip(f"{self.name} has no implicit TLS")
        self.pair = certificate or (authority()["certificate"], authority()["key"])
        self.port, self.process = None, None
        self.log_path = os.path.join(self.folder, "log")
        self.program = os.path.join(UNPACKED, self.program)
        if not os.access(self.program, os.X_OK):
            raise Missing(f"{self.name} is not unpacked here: packaging/install-packages test")
        if self.needs_root and os.geteuid() != 0:
            raise Skip(f"{self.name} needs root")
        os.makedirs(self.folder, exist_ok=True)

    def endpoint(self, **changes):
        scheme = "ftps" if self.tls == "implicit" else "ftp"
        path = os.path.join(self.folder, "password")
        if not os.path.exists(path):
            with open(path, "w", opener=lambda p, flags: os.open(p, flags, 0o600)) as file:
                file.write(PASSWORD + "\n")
        port, host = changes.pop("port", self.port), changes.pop("host", self.host)
        settings = {"url": f"{scheme}://{self.user()}@{host}:{port}", "password-file": path, "connect-timeout": "10s",
                    "io-timeout": "20s"}
        settings.update({"ca-file": authority()["ca"]} if self.tls else {"clear-text": True})
        return {**settings, **changes}

    def user(self):
        return "partner"

    def start(self):
        for _ in range(20):
            self.port = self.port or free_port()
            self.passive = passive_range()
            if self._try():
                return self
            self.port = None
        raise AssertionError(f"{self.name} does not start\n" + tail(self.log_path))

    def environment(self):
        return {**os.environ, "LD_LIBRARY_PATH": os.path.join(UNPACKED, "usr/lib")}

    def _try(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            env=self.environment(), cwd=self.folder)
        end = time.monotonic() + 20
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection((self.host, self.port), 5) as probe:
                if self.tls == "implicit" or probe.recv(3) == self.greeting:
                    return True
            time.sleep(0.02)
        self.stop()
        return False

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", opener=lambda p, flags: os.open(p, flags, 0o600)) as file:
            file.write(text)
        return path

    def __enter__(self):
        return self.start()

    def __exit__(self, *error):
        self.stop()


class Vsftpd(Server):
    """As its own user, with the anonymous account for a login: so it needs neither root nor PAM."""
    name, program, has_mlsd = "vsftpd", "usr/sbin/vsftpd", False

    def user(self):
        return "anonymous"

    def command(self):
        import pwd
        yes = {"listen": True, "listen_ipv6": False, "background": False, "run_as_launching_user": True,
               "anonymous_enable": True,
               "local_enable": False, "write_enable": True, "anon_upload_enable": True, "anon_mkdir_write_enable": True,
               "anon_other_write_enable": True, "anon_world_readable_only": False, "seccomp_sandbox": False,
               "allow_writeable_chroot": True,
               "use_localtime": False, "isolate": False, "isolate_network": False, "xferlog_enable": False,
               "pasv_promiscuous": True}
        if self.tls:
            yes.update(ssl_enable=True, allow_anon_ssl=True, force_anon_data_ssl=True, force_anon_logins_ssl=True,
                       require_ssl_reuse=self.options.get("reuse", True), implicit_ssl=self.tls == "implicit")
        values = {"listen_address": ADDRESS, "listen_port": self.port, "pasv_min_port": self.passive[0],
                  "pasv_max_port": self.passive[1],
                  "pasv_address": "203.0.113.9",  # of nobody: whoever believes it gets nowhere
                  "anon_root": self.root, "anon_umask": "022", "ftp_username": pwd.getpwuid(os.geteuid()).pw_name,
                  "secure_chroot_dir": self.folder, "rsa_cert_file": self.pair[0], "rsa_private_key_file": self.pair[1],
                  "ssl_ciphers": "HIGH",
                  # its own choice is 3DES alone, and TLS 1.3, where only one upload finds a session
                  "vsftpd_log_file": os.path.join(self.folder, "vsftpd.log")}
        lines = [f"{k}={'YES' if v else 'NO'}" for k, v in yes.items()] + [f"{k}={v}" for k, v in values.items()]
        return [self.program, self.write("vsftpd.conf", "\n".join(lines) + "\n")]


@functools.cache
def hashed_password():
    """Python's own module for it is gone since 3.13."""
    done = subprocess.run(["openssl", "passwd", "-6", "-salt", "salt", PASSWORD], check=True, stdout=subprocess.PIPE)
    return done.stdout.decode().strip()


class PureFtpd(Server):
    """A virtual user who is nobody: root cannot be one."""
    name, program, needs_root, has_implicit = "Pure-FTPd", "usr/sbin/pure-ftpd", True, False

    def command(self):
        for path, folders, files in os.walk(self.root):
            for each in [path, *(os.path.join(path, f) for f in files)]:
                os.chown(each, NOBODY, NOBODY)
        text, database = os.path.join(self.folder, "users"), os.path.join(self.folder, "users.pdb")
        with open(text, "w") as file:
            file.write(f"partner:{hashed_password()}:{NOBODY}:{NOBODY}::{self.root}/./::::::::::::\n")
        done = subprocess.run([os.path.join(UNPACKED, "usr/bin/pure-pw"), "mkdb", database, "-f", text],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0, done.stdout.decode(errors="replace")
        words = [self.program, "-S", f"{ADDRESS},{self.port}", "-l", f"puredb:{database}", "-E", "-A", "-4", "-H", "-p",
                 f"{self.passive[0]}:{self.passive[1]}",
                 "-P", "203.0.113.9", "-g", os.path.join(self.folder, "pid"), "-c", "50", "-C", "50"]
        if "limit" in self.options:
            words += ["-L", f"{self.options['limit']}:5"]
        if self.tls:
            both = self.write("both.pem", open(self.pair[1]).read() + open(self.pair[0]).read())
            words += ["-2", both, "-Y", "3"]  # control and data
        return words


# Debian 13 has as shared objects what is compiled in on 12.
MODULES = ("mod_xfer", "mod_ls", "mod_delay", "mod_auth_file", "mod_tls", "mod_sftp")


OVERWRITING = """AllowOverwrite on
AllowStoreRestart on
AllowRetrieveRestart on"""


class ProFtpd(Server):
    """`defaults`: as it comes, which lets nobody write over a file."""
    name, program = "ProFTPD", "usr/sbin/proftpd"

    def command(self):
        users = self.write("users", f"partner:{hashed_password()}:{os.geteuid()}:{os.getegid()}::{self.root}:/bin/sh\n")
        self.write("groups", f"partners:x:{os.getegid()}:partner\n")
        return [self.program, "-n", "-q", "-c", self.write("proftpd.conf", self.common(users) + self.protocol())]

    def common(self, users):
        import grp
        import pwd
        owner, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
        folder = os.path.join(UNPACKED, "usr/lib/proftpd")
        modules = "".join(f"LoadModule {m}.c\n" for m in MODULES if os.path.exists(os.path.join(folder, m + ".so")))
        return f"""ModulePath {folder}
{modules}ServerName test
ServerType standalone
DefaultServer on
DefaultAddress {ADDRESS}
SocketBindTight on
UseIPv6 off
UseReverseDNS off
Port {self.port}
PassivePorts {self.passive[0]} {self.passive[1]}
MasqueradeAddress 203.0.113.9
User {owner}
Group {group}
RootLogin on
RequireValidShell off
AuthOrder mod_auth_file.c
AuthUserFile {users}
AuthGroupFile {os.path.join(self.folder, "groups")}
PersistentPasswd off
{'DefaultRoot ' + self.root if os.geteuid() == 0 else ''}
{'' if self.options.get('defaults') else OVERWRITING}
WtmpLog off
TransferLog none
SystemLog {os.path.join(self.folder, "proftpd.log")}
PidFile {os.path.join(self.folder, "pid")}
ScoreboardFile {os.path.join(self.folder, "scoreboard")}
DelayEngine off
MaxInstances 100
TimesGMT on
{self.options.get('more', '')}
"""

    def protocol(self):
        if not self.tls:
            return ""
        return f"""TLSEngine on
TLSRequired on
TLSECCertificateFile {self.pair[0]}
TLSECCertificateKeyFile {self.pair[1]}
TLSProtocol {self.options.get('protocols', 'TLSv1.2 TLSv1.3')}
TLSLog {os.path.join(self.folder, "tls.log")}
TLSOptions {'UseImplicitSSL' if self.tls == 'implicit' else 'NoEmptyFragments'}
"""


class OverSsh:
    """An SFTP server: the login is a key's, as of the partner's own sshd."""
    greeting = b"SSH"

    def endpoint(self, **changes):
        identity = os.path.join(self.folder, "identity")
        with open(world.keys().client) as key, open(identity, "w", opener=lambda p, f: os.open(p, f, 0o600)) as file:
            file.write(key.read())
        port, host = changes.pop("port", self.port), changes.pop("host", self.host)
        return {"url": f"sftp://{self.user()}@{host}:{port}", "host-key": [Keys.fingerprint(world.keys().host)],
                "identity-file": identity, "connect-timeout": "10s", "io-timeout": "20s", **changes}


class ProFtpdSftp(OverSsh, ProFtpd):
    """mod_sftp: not OpenSSH, so another set of habits."""
    name = "mod_sftp"

    def protocol(self):
        keys = world.keys()
        public = os.path.join(self.folder, "client.pub")
        with open(public, "wb") as file:
            file.write(subprocess.run(["ssh-keygen", "-e", "-m", "RFC4716", "-f", keys.client + ".pub"], check=True,
                                      stdout=subprocess.PIPE).stdout)
        os.chmod(keys.host, 0o600)
        return f"""SFTPEngine on
SFTPHostKey {keys.host}
SFTPAuthMethods publickey
SFTPAuthorizedUserKeys file:{public}
SFTPLog {os.path.join(self.folder, "sftp.log")}
"""


