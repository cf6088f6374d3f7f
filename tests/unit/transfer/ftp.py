"""An FTP server for the tests of the courier: good where nothing is asked for, and lying in the ways that its arguments
name. Prints its port, ends with its standard input. Each control command goes to FOLDER/../commands, so that a test
sees what was sent, and what was not.

    ftp.py FOLDER [certificate=FILE] [key=FILE] [WAY …]
"""
import os
import re
import socket
import ssl
import sys
import threading
import time

FOLDER = sys.argv[1]
WORDS = dict(word.split("=", 1) for word in sys.argv[2:] if "=" in word)
WAYS = {word for word in sys.argv[2:] if "=" not in word}
LOG = open(os.path.join(FOLDER, "..", "commands"), "ab", buffering=0)
CONTEXT = None
if "certificate" in WORDS:
    CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CONTEXT.load_cert_chain(WORDS["certificate"], WORDS["key"])


def way(name):
    return name in WAYS


class HungUp(Exception):
    pass


class Session:
    def __init__(self, control):
        self.control, self.held, self.cwd = control, b"", "/"
        self.listener, self.offset, self.renaming = None, 0, None
        self.sizes = self.protected = 0
        self.type = self.data_type = "A"

    # --- the line
    def say(self, text):
        data = text.encode("utf-8", "surrogateescape") + b"\r\n"
        if way("drip"):
            for i in range(len(data)):
                self.control.sendall(data[i:i + 1])
                time.sleep(0.2)
        else:
            self.control.sendall(data)

    def hear(self):
        while b"\n" not in self.held:
            data = self.control.recv(4096)
            if not data:
                raise HungUp
            self.held += data
        line, _, self.held = self.held.partition(b"\n")
        LOG.write(line.rstrip(b"\r") + b"\n")
        words = line.rstrip(b"\r").decode("utf-8", "surrogateescape")
        if way("drops-words"):  # as ftp-srv 4.6.3: options, wherever they stand, and quotation marks
            words = " ".join(word for word in words.replace('"', "").split(" ") if not re.fullmatch(r"-\w", word))
        if way("drops-letters"):  # as Globus GridFTP 13.24
            words = re.sub(r"[^\x00-\x7f]", "", words)
        return words.rstrip(" ") if way("trims") else words

    def run(self):
        if way("implicit"):
            self.control = CONTEXT.wrap_socket(self.control, server_side=True)
        if way("injected"):  # answers to questions that are asked later, before TLS begins
            self.control.sendall(b"220 hello\r\n234 go on\r\n230 logged in\r\n257 \"/\"\r\n211 no features\r\n")
            self.hear()
            self.control = CONTEXT.wrap_socket(self.control, server_side=True)
        else:
            self.say("220 " + ("x" * 3000 if way("greeting") else "hello, this is a test"))
        while True:
            verb, _, rest = self.hear().partition(" ")
            if way("endless-reply") and verb == "FEAT":
                while True:
                    self.control.sendall(b"211-more of it\r\n" * 1000)
            getattr(self, "do_" + verb.lower(), self.unknown)(rest)

    def unknown(self, rest):
        self.say("502 no such command")

    # --- login
    def do_auth(self, rest):
        if CONTEXT is None or way("no-auth"):
            self.say("502 never heard of it")
            return
        self.say("234 go on")
        self.control = CONTEXT.wrap_socket(self.control, server_side=True)

    def do_user(self, rest):
        self.say("530 go away" if way("no-user") else "421 too many" if way("too-many") else "331 and the password?")

    def do_pass(self, rest):
        self.say("530 wrong" if rest != "s3cret" else "230 welcome")

    def do_pbsz(self, rest):
        self.say("200 fine")

    def do_prot(self, rest):
        self.protected = rest == "P" and not way("no-prot")
        self.say("200 private" if self.protected else "534 in the clear only")

    def do_feat(self, rest):
        features = ["SIZE", "MDTM", "REST STREAM", "UTF8"] + (["MLST type*;size*;modify*;"]
                                                              if WAYS & {"mlsd", "no-mlsd-after-all",
                                                                  "no-mlst-after-all", "mlsd-needs-name"} else [])
        self.say("211-features\r\n " + "\r\n ".join(features) + "\r\n211 end")

    def do_opts(self, rest):
        self.say("200 fine")

    def do_pwd(self, rest):
        self.say('257 "/lo\rgin"' if way("bad-pwd") else f'257 "{self.cwd}"')

    def do_type(self, rest):
        self.type = rest
        self.say("200 fine")

    def is_text(self):
        """As Globus GridFTP 13.24: of the type that was in force when the data connection was asked for."""
        return way("type-at-epsv") and self.data_type == "A"

    def do_quit(self, rest):
        self.say("221 bye")
        raise HungUp

    # --- names
    def path(self, name):
        return os.path.normpath(FOLDER + os.path.normpath(os.path.join(self.cwd, name)))

    def do_cwd(self, rest):
        if os.path.isdir(self.path(rest)):
            self.cwd = os.path.normpath(os.path.join(self.cwd, rest))
            self.say("250 fine")
        else:
            self.say("550 no such folder")

    def do_size(self, rest):
        if way("no-size"):
            self.say("502 no such command")
            return
        if way("size-says-nothing") and (os.path.isdir(self.path(rest)) or os.path.getsize(self.path(rest)) == 0
                                         if os.path.exists(self.path(rest)) else False):
            self.say("213 File status")
            return
        if way("folders-have-size") and os.path.isdir(self.path(rest)):
            self.say("213 4096")
            return
        self.sizes += 1
        if not os.path.isfile(self.path(rest)):
            self.say("550 no such file")
        else:
            size = os.path.getsize(self.path(rest)) - (100 if way("told-less") else 0)
            self.say(f"213 {size + 1000 * (self.sizes - 1) if way('grow') else -5 if way('negative') else size}")

    def do_mdtm(self, rest):
        if os.path.isfile(self.path(rest)):
            self.say("213 " + time.strftime("%Y%m%d%H%M%S", time.gmtime(os.path.getmtime(self.path(rest)))))
        else:
            self.say("550 no such file")

    def do_mlst(self, rest):
        if way("no-mlst-after-all"):
            self.say(f"500 'MLST {rest}': command not understood.")
            return
        if os.path.exists(self.path(rest)):
            self.say(f"250-facts\r\n {self.facts(self.path(rest))} {rest}\r\n250 end")
        else:
            self.say("550 no such file")

    def do_dele(self, rest):
        if way("vanish"):
            raise HungUp
        try:
            os.unlink(self.path(rest))
            self.say("250 gone")
        except OSError:
            self.say("550 cannot")

    def do_mkd(self, rest):
        try:
            os.mkdir(self.path(rest))
            self.say(f'257 "{rest}"')
        except OSError:
            self.say("550 cannot")

    def do_rnfr(self, rest):
        self.renaming = self.path(rest)
        if os.path.exists(self.renaming):
            self.say("350 and to?")
        else:
            self.renaming = None
            self.say("550 no such file")

    def do_rnto(self, rest):
        if way("vanish"):
            os.rename(self.renaming, self.path(rest))
            raise HungUp
        if way("rename-refuses") and os.path.exists(self.path(rest)):
            self.say("553 exists")
        elif way("strict-rename") and self.renaming is None:
            raise HungUp
        elif self.renaming is None or not os.path.exists(self.renaming):
            self.say("503 RNFR first")
        else:
            os.rename(self.renaming, self.path(rest))
            self.say("250 renamed")
        self.renaming = None

    # --- data
    def do_epsv(self, rest):
        if way("no-epsv"):
            self.say("502 no such command")
            return
        self.listener, self.data_type = socket.create_server(("127.0.0.1", 0)), self.type
        port = 22 if way("low-port") else self.listener.getsockname()[1]
        self.say(f"229 here (||{port}|)" if way("bad-229") else f"229 here (|||{port}|)")

    def do_pasv(self, rest):
        self.listener = socket.create_server(("127.0.0.1", 0))
        port = self.listener.getsockname()[1]
        self.say(f"227 there (203,0,113,7,{port >> 8},{port & 255})")  # an address of nobody

    def do_rest(self, rest):
        if way("no-rest"):
            self.say("502 no such command")
            return
        self.offset = int(rest)
        self.say("350 from there")

    def data(self):
        connection = self.listener.accept()[0]
        self.listener.close()
        if CONTEXT is not None and (self.protected or way("implicit")) and not way("clear-data"):
            connection = CONTEXT.wrap_socket(connection, server_side=True)
        return connection

    @staticmethod
    def end(connection):
        try:
            connection.unwrap()
        except (AttributeError, OSError, ValueError):
            pass
        connection.close()

    def do_retr(self, rest):
        if way("busy"):
            self.say("450 busy")
            return
        try:
            with open(self.path(rest), "rb") as file:
                content = file.read()[self.offset:]
        except OSError:
            self.say("550 no such file")
            return
        self.offset = 0
        self.say("150 here it comes")
        connection = self.data()
        if way("silent"):
            time.sleep(60)
        if way("short"):
            content = content[:len(content) // 2]
        if way("trickle"):
            for i in range(len(content)):
                connection.sendall(content[i:i + 1])
                time.sleep(0.1)
        else:
            connection.sendall(content.replace(b"\n", b"\r\n") if self.is_text() else content)
        self.end(connection)
        if way("cut"):
            raise HungUp
        self.say("426 broken off" if way("aborted") else "226 that is all")

    def store(self, rest, mode):
        if way("full"):
            self.say("452 no space")
            return
        if way("read-only"):
            self.say("553 not here")
            return
        if way("no-overwriting") and mode == "wb" and os.path.exists(self.path(rest)):
            self.say("550 Overwrite permission denied")
            return
        with open(self.path(rest), mode) as file:
            self.say("150 go on")
            connection = self.data()
            while True:
                data = connection.recv(65536)
                if not data:
                    break
                file.write(data[:10] if way("loses") else data.replace(b"\r", b"") if self.is_text() else data)
        self.end(connection)
        if way("takes-away"):
            os.unlink(self.path(rest))
        self.say("451 no" if way("aborted") else "226 got it")

    def do_stor(self, rest):
        self.store(rest, "wb")

    def do_appe(self, rest):
        self.store(rest, "ab")

    # --- listings
    @staticmethod
    def facts(path):
        kind = "dir" if os.path.isdir(path) else "file"
        return (f"type={kind};size={os.path.getsize(path)};"
                f"modify={time.strftime('%Y%m%d%H%M%S', time.gmtime(os.path.getmtime(path)))};")

    def send_listing(self, lines):
        self.say("150 here it comes")
        connection = self.data()
        try:
            for line in lines:
                connection.sendall(line.encode("utf-8", "surrogateescape") + b"\r\n")
            self.end(connection)
        except OSError:  # who has seen enough
            connection.close()
        self.say("226-Output truncated to 2 matches\r\n226 that is all" if way("cut-listing") else "226 that is all")

    def do_list(self, rest):
        if rest:
            self.say("501 not with an argument")
        elif way("empty-is-an-error") and not os.listdir(self.path(".")):
            self.say("550 No files found")
        elif way("list-busy"):
            self.say("450 the folder is locked")
        else:
            self.send_listing(self.pictures())

    def do_mlsd(self, rest):
        if way("no-mlsd-after-all"):
            self.say("500 what?")
            return
        if way("mlsd-needs-name") and not rest:
            self.say("501 Missing parameters")
            return
        names = sorted(os.listdir(self.path(".")))
        self.send_listing(["type=cdir; ."] + [f"{self.facts(os.path.join(self.path('.'), n))} {n}" for n in names])

    def pictures(self):
        if way("endless"):
            number = 0
            while True:
                number += 1
                yield f"-rw-r--r-- 1 a b 9 Jan 15 08:00 f{number}"
        if way("endless-line"):
            while True:
                yield "x" * 5000
                yield "\0"
        if way("hostile-names"):
            for name in ("../../etc/passwd", "/etc/passwd", "a/b", "x" * 256, "x" * 255, "\udcff\udcfe", "good", "good",
                         ".", ".."):
                yield f"-rw-r--r-- 1 a b 9 Jan 15 08:00 {name}"
            yield "this is no listing at all"
            return
        if way("vms"):
            yield "Directory DISK$MISC:[ANONYMOUS]"
            yield "POINTS.DAT;1            213/216  29-JAN-2026 03:33:12  [ANONYMOUS]   (RWED,RWED,,)"
            return
        yield "total 12"
        for name in sorted(os.listdir(self.path("."))):
            path = os.path.join(self.path("."), name)
            when = time.gmtime(os.path.getmtime(path))
            kind = "d" if os.path.isdir(path) else "-"
            stamp = time.strftime("%b %d %H:%M" if time.time() - os.path.getmtime(path) < 15552000 else "%b %d  %Y",
                                  when)
            yield f"{kind}rw-r--r--   1 owner    group    {os.path.getsize(path):>10} {stamp} {name}"


def serve(control):
    try:
        Session(control).run()
    except (HungUp, OSError, ssl.SSLError):
        pass
    finally:
        control.close()


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)

    def accept():
        while True:
            threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()
    os._exit(0)


main()
