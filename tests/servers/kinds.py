"""The servers that `make test-servers` runs, each as it comes: what is set is where it listens, who may log in and
where to, and what nobody could write without. Those that `make test` runs, too, are set up in tests/e2e/support/."""
import functools
import os
import shutil
import socket
import subprocess
import threading

import world
from ftp_servers import ADDRESS, PASSWORD, UNPACKED, OverSsh, ProFtpd, ProFtpdSftp, PureFtpd, Server, Vsftpd, \
    hashed_password
from harness import TOP, Missing, Skip
from partner import Sshd

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3"  # the one that Debian's modules belong to
NPM = os.path.join(TOP, "build/test-servers")
SFTP_SERVER = "/usr/lib/openssh/sftp-server"
FIRST_UID = 60000

_lock = threading.Lock()
_accounts = []


def _over(path, source):
    subprocess.run(["mount", "--bind", source, path], check=True)


def _copied(path):
    """A copy of a file or folder stands in its place, for this run's namespace alone."""
    copy = os.path.join(world.run_folder(), os.path.basename(path))
    if os.path.isdir(path):
        shutil.copytree(path, copy, symlinks=True)
    else:
        shutil.copy2(path, copy)
    _over(path, copy)
    return copy


@functools.cache
def in_etc(path):
    return _copied("/etc/" + path)


@functools.cache
def _home():
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/home"], check=True)


def in_home(name, folder):
    """The folder of a user whom only the server knows, or whose home it does not ask for."""
    with _lock:
        _home()
    os.mkdir(os.path.join("/home", name))
    _over(os.path.join("/home", name), folder)


def account(home):
    """A user of the system whose home is the partner's folder, and who may come in with the run's key or password."""
    if os.environ.get("SALLYPORT_TEST_INSIDE") != "1":
        raise Skip("needs root and a private namespace")
    with _lock:
        number = FIRST_UID + len(_accounts)
        name = f"partner{len(_accounts)}"
        _accounts.append(name)
        with open(in_etc("passwd"), "a") as file:
            file.write(f"{name}:x:{number}:{number}::{home}:/bin/sh\n")
        with open(in_etc("shadow"), "a") as file:
            file.write(f"{name}:{hashed_password()}:20000:0:99999:7:::\n")
        with open(in_etc("group"), "a") as file:
            file.write(f"{name}:x:{number}:\n")
    os.makedirs(os.path.join(home, ".ssh"), 0o700, exist_ok=True)
    shutil.copy(world.keys().client + ".pub", os.path.join(home, ".ssh", "authorized_keys"))
    for folder, _, files in os.walk(home):
        for path in [folder, *(os.path.join(folder, f) for f in files)]:
            os.chown(path, number, number)
    for path in (world.run_folder(), os.path.dirname(home)):
        os.chmod(path, 0o711)
    return name


class Real(Server):
    """One that only these tests run. `package` is Debian's,"""
    package, has_mlsd, has_implicit = None, True, False
    sets_passive = False  # FTP: may it be told which ports to use for data?
    odd_name = "POINTS_积分 2.dat.pgp"
    breaks = True         # are transfers broken?
    others = 300          # files that no feed wants, in the folder that is listed
    problem = None        # what the doctor has to find, where there is nothing else to try: (check, words)
    finds = ()            # what else it has to find


class Inetd(Real):
    """A server that inetd starts for each connection: here inetd.py does."""
    def command(self):
        self.login = account(self.root)
        for name in ("pam.d", "ftpusers"):
            source = os.path.join(UNPACKED, "etc", name)
            if name == "pam.d":
                shutil.copytree(source, in_etc(name), dirs_exist_ok=True)
        return [PYTHON, os.path.join(HERE, "inetd.py"), ADDRESS, str(self.port), self.program, *self.words]

    words = ()

    def user(self):
        return self.login


class InetutilsFtpd(Inetd):
    name, package, program, words = "inetutils-ftpd", "inetutils-ftpd", "usr/sbin/ftpd", ("-l",)
    finds = (("listing", "by LIST"), ("rename", "replaces it"))


class FtpdSsl(Inetd):
    name, package, program = "ftpd-ssl", "ftpd-ssl", "usr/sbin/in.ftpd"
    finds = (("listing", "by LIST"), ("features", "no SIZE"), ("features", "no REST"))


class Pyftpdlib(Real):
    name, package, program, sets_passive = "pyftpdlib", "python3-pyftpdlib", PYTHON, True
    finds = (("rename", "replaces it"),)

    def command(self):
        return [PYTHON, "-m", "pyftpdlib", "-i", ADDRESS, "-p", str(self.port), "-w", "-d", self.root, "-r",
                f"{self.passive[0]}-{self.passive[1]}", "-u", self.user(), "-P", PASSWORD]


class Aioftp(Real):
    name, package, program = "aioftp", "python3-aioftp", PYTHON
    finds = (("listing", "by LIST"), ("features", "no SIZE"))

    def command(self):
        return [PYTHON, "-m", "aioftp", "--host", ADDRESS, "--port", str(self.port), "--user", self.user(), "--pass",
                PASSWORD, "-d", self.root]


class TwistedFtp(Real):
    """A name that is not ASCII ends the listing of its folder with 550. A password file lets nobody in (22.4)."""
    name, package, program = "Twisted FTP", "python3-twisted", "/usr/bin/twistd3"
    odd_name = "POINTS_two 2.dat.pgp"
    finds = (("resume", "get: "), ("listing", "by LIST"))

    def command(self):
        in_home(self.user(), self.root)
        return [self.program, "-n", "--pidfile=", "ftp", "-p", str(self.port), "--auth",
                f"memory:{self.user()}:{PASSWORD}"]


class FtpSrv(Real):
    name, package, program, sets_passive = "ftp-srv", "npm", "/usr/bin/env", True
    finds = (("features", "no REST"), ("rename", "replaces it"))

    def command(self):
        if not os.path.isdir(os.path.join(NPM, "node_modules/ftp-srv")):
            raise Missing("ftp-srv is not below build/test-servers: make test-servers")
        return [self.program, f"NODE_PATH={NPM}/node_modules", "node", os.path.join(HERE, "ftp_srv.js"), ADDRESS,
                str(self.port), *map(str, self.passive), self.root, self.user(), PASSWORD]


class Gridftp(Real):
    """It takes letters beyond ASCII out of what it is told, and lists them all the same."""
    name, package, program = "Globus GridFTP", "globus-gridftp-server-progs", "usr/sbin/globus-gridftp-server"
    odd_name = "POINTS_two 2.dat.pgp"

    def __init__(self, folder, root, **options):
        super().__init__(folder, root, **options)
        self.login = account(root)
        with open(in_etc("hosts"), "a") as file:  # it looks its own name up
            file.write(f"{ADDRESS} {socket.gethostname()}\n")

    def user(self):
        return "anonymous"

    def command(self):
        return [self.program, "-control-interface", ADDRESS, "-p", str(self.port), "-exec", self.program,
                "-aa", "-anonymous-user", self.login,
                "-home-dir", self.root, "-data-interface", ADDRESS]


# --- SFTP

class OpenSsh(OverSsh, Real):
    """OpenSSH with its own SFTP server, or another one below it."""
    name, package, program, host = "OpenSSH", "openssh-server", "/usr/sbin/sshd", "127.0.0.1"

    def __init__(self, folder, root, **options):
        super().__init__(folder, root, **options)
        self.sshd = Sshd(self.folder, root, world.keys(), sftp=self.below())

    def below(self):
        return None

    def start(self):
        self.sshd.start()
        self.port, self.process = self.sshd.port, self.sshd.process
        return self

    def user(self):
        return "root"


class Gesftpserver(OpenSsh):
    name, package, program = "gesftpserver", "gesftpserver", "usr/libexec/gesftpserver"

    def below(self):
        return f"cd {self.root} && exec {self.program}"


class PerlSftpServer(OpenSsh):
    name, package, program = "Net::SFTP::SftpServer", "libnet-sftp-sftpserver-perl", "/usr/bin/perl"
    finds = (("set-stat", "it says that it has set a time"), ("rename", "replaces it"))

    def below(self):
        home = os.path.join(self.folder, self.user())  # it is always one below, and named after the user
        os.mkdir(home)
        _over(home, self.root)
        path = self.write("sftp-server.pl", f"""
use Net::SFTP::SftpServer ( {{ log => 'local5' }}, qw ( :LOG :ACTIONS ) );
my $sftp = Net::SFTP::SftpServer->new(debug => 0, home => '{self.folder}', file_perms => 0660, dir_perms => 0770,
  fake_ok => [SSH2_FXP_SETSTAT, SSH2_FXP_FSETSTAT]);
$sftp->run();
""")
        return f"{self.program} {path}"


class LshSftpServer(OpenSsh):
    name, package, program = "lsh's sftp-server", "lsh-server", "usr/lib/lsh-server/sftp-server"
    finds = (("set-stat", "times cannot be set"), ("rename", "replaces it"))

    def below(self):
        return f"cd {self.root} && exec {self.program}"


class MySecureShell(OpenSsh):
    name, package, program = "MySecureShell", "mysecureshell", "usr/bin/mysecureshell"
    breaks, others = False, 30  # gets and listings are kept to 5 KiB/s
    finds = (("speed", "get 5 KiB/s"), ("rename", "replaces it"))

    def below(self):
        shutil.copy(os.path.join(UNPACKED, "etc/ssh/sftp_config"), in_etc("ssh"))
        self.login = account(self.root)
        in_home(self.login, self.root)
        return f"{self.program} -c sftp-server"

    def user(self):
        return self.login

    def endpoint(self, **changes):
        """Its defaults let each user have one connection."""
        return super().endpoint(**{"connections": 1, **changes})


class Dropbear(OverSsh, Real):
    """With OpenSSH's sftp-server, which it starts by its path."""
    name, package, program = "dropbear", "dropbear-bin", "usr/sbin/dropbear"

    def command(self):
        self.login = account(self.root)
        key = os.path.join(self.folder, "host")
        convert = os.path.join(UNPACKED, "usr/bin/dropbearconvert")
        plain = os.path.join(self.folder, "plain")
        shutil.copy(world.keys().host, plain)
        os.chmod(plain, 0o600)
        subprocess.run([convert, "openssh", "dropbear", plain, key], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        return [self.program, "-F", "-E", "-r", key, "-p", f"{ADDRESS}:{self.port}", "-P",
                os.path.join(self.folder, "pid")]

    def user(self):
        return self.login


class Tinysshd(OverSsh, Real):
    """It has ChaCha20-Poly1305 alone, which libssh2 has since 1.11.1."""
    name, package, program = "tinysshd", "tinysshd", "usr/sbin/tinysshd"
    problem = ("cipher", "nothing in common: it offers chacha20-poly1305@openssh.com")

    def command(self):
        self.login = account(self.root)
        self.keys = os.path.join(self.folder, "keys")
        subprocess.run([os.path.join(UNPACKED, "usr/sbin/tinysshd-makekey"), self.keys], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return [PYTHON, os.path.join(HERE, "inetd.py"), ADDRESS, str(self.port), self.program, "-l", "-v", "-x",
                f"sftp={SFTP_SERVER}", self.keys]

    def user(self):
        return self.login

    def endpoint(self, **changes):
        """Its key is one of its own making."""
        seen = subprocess.run([os.path.join(UNPACKED, "usr/sbin/tinysshd-printkey"), self.keys], check=True,
                              stdout=subprocess.PIPE).stdout
        print_ = subprocess.run(["ssh-keygen", "-lf", "-"], input=seen, check=True, stdout=subprocess.PIPE).stdout
        return super().endpoint(**{"host-key": [print_.decode().split()[1]], **changes})


class RcloneSftp(OverSsh, Real):
    """It shows what came into its folder by another way after five minutes only, if not told otherwise."""
    name, package, program = "rclone serve sftp", "rclone", "/usr/bin/rclone"
    finds = (("resume", "put: an upload that broke off cannot be resumed"), ("rename", "replaces it"))

    def command(self):
        key = os.path.join(self.folder, "host")
        shutil.copy(world.keys().host, key)
        return [self.program, "serve", "sftp", self.root, "--addr", f"{ADDRESS}:{self.port}", "--user", self.user(),
                "--key", key, "--dir-cache-time", "0s", "--authorized-keys", world.keys().client + ".pub"]


class Script(OverSsh, Real):
    """A small server that is made with a library: a script of this folder."""
    program, script = PYTHON, None

    def command(self):
        return [self.program, os.path.join(HERE, self.script), ADDRESS, str(self.port), self.root, world.keys().host,
                world.keys().client + ".pub"]


class AsyncSsh(Script):
    name, package, script = "AsyncSSH", "python3-asyncssh", "asyncssh_server.py"


class Paramiko(Script):
    name, package, script = "paramiko", "python3-paramiko", "paramiko_server.py"
    finds = (("rename", "replaces it"), ("extensions", "no posix-rename"))


class Erlang(OverSsh, Real):
    """One name beyond Latin-1 in a folder ends the connection of whoever lists it (tests/findings/)."""
    name, package, program = "Erlang ssh", "erlang-ssh", "/usr/bin/erl"
    odd_name = "POINTS_two 2.dat.pgp"
    finds = (("resume", "put: an upload that broke off cannot be resumed"),)

    def command(self):
        system, user = (os.path.join(self.folder, n) for n in ("system", "user"))
        for folder in (system, user):
            os.makedirs(folder, exist_ok=True)
        shutil.copy(world.keys().host, os.path.join(system, "ssh_host_ed25519_key"))
        shutil.copy(world.keys().client + ".pub", os.path.join(user, "authorized_keys"))
        return [self.program, "-noshell", "-eval",
                f'ssh:start(), {{ok,_}} = ssh:daemon({{127,0,0,2}}, {self.port}, [{{system_dir,"{system}"}},'
                f'{{user_dir,"{user}"}},{{subsystems,[ssh_sftpd:subsystem_spec([{{root,"{self.root}"}}])]}}]).']


class ProFtpdAsItComes(ProFtpd):
    package, finds = "proftpd-core", (("overwrite", "cannot be written over"),)

    def __init__(self, folder, root, **options):
        super().__init__(folder, root, defaults=True, **options)


class ModSftpAsItComes(ProFtpdSftp):
    package, finds = "proftpd-mod-crypto", (("overwrite", "cannot be written over"),)

    def __init__(self, folder, root, **options):
        super().__init__(folder, root, defaults=True, **options)


Vsftpd.package, Vsftpd.finds = "vsftpd", (("listing", "by LIST"), ("listing", "that begin with a dot are not listed"))
PureFtpd.package, PureFtpd.finds = "pure-ftpd", (("rename", "replaces it"),)
KINDS = (OpenSsh, ModSftpAsItComes, MySecureShell, Gesftpserver, LshSftpServer, PerlSftpServer, Dropbear, Tinysshd,
         AsyncSsh, Paramiko, RcloneSftp, Erlang, ProFtpdAsItComes, Vsftpd, PureFtpd, InetutilsFtpd, FtpdSsl, Pyftpdlib,
         Aioftp, TwistedFtp, FtpSrv, Gridftp)


def version(kind):
    if kind is FtpSrv:
        import json
        with open(os.path.join(NPM, "node_modules/ftp-srv/package.json")) as file:
            return json.load(file)["version"]
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", kind.package], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL)
    if done.returncode == 0 and done.stdout:
        return done.stdout.decode()
    try:
        with open(os.path.join(UNPACKED, ".have", kind.package)) as file:
            return file.read().strip() or "?"
    except OSError:
        return "?"
