#!/usr/bin/env python3
"""An FTP server that lies on command (lies.py), in the clear. Prints its port; ends with its standard input.

  lying_ftp.py CONTROL"""
import os
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from lies import Cut, Lies  # noqa: E402


class Session:
    def __init__(self, control, lies):
        self.control, self.lies, self.file = control, lies, control.makefile("rb")
        self.cwd, self.offset, self.renaming, self.listener = b"/", 0, None, None

    def say(self, text):
        self.control.sendall((text if isinstance(text, bytes) else text.encode()) + b"\r\n")

    def run(self):
        self.say("220 at your service")
        for line in self.file:
            verb, _, rest = line.rstrip(b"\r\n").partition(b" ")
            try:
                getattr(self, "on_" + verb.decode("latin-1").lower(), self.unknown)(rest)
            except (FileNotFoundError, NotADirectoryError):
                self.say("550 no such file")
            except OSError as error:
                self.say(f"550 {error.strerror}")

    def unknown(self, rest):
        self.say("502 no such command")

    def path(self, name):
        return os.path.normpath(self.lies.root + b"/" + os.path.normpath(os.path.join(self.cwd, name)))

    # --- login and folders
    def on_user(self, rest):
        self.say("331 and the password?")

    def on_pass(self, rest):
        self.say("230 welcome" if rest == b"s3cret" else "530 wrong")

    def on_feat(self, rest):
        mlsd = [] if self.lies.tell("no-mlsd", b"feat") else ["MLST type*;size*;modify*;"]
        self.say("211-features\r\n " + "\r\n ".join([*mlsd, "SIZE", "MDTM", "REST STREAM", "UTF8"]) + "\r\n211 end")

    def on_opts(self, rest):
        self.say("200 fine")
    on_type = on_opts

    def on_pwd(self, rest):
        self.say(b'257 "' + self.cwd + b'"')

    def on_quit(self, rest):
        self.say("221 bye")
        raise Cut

    def on_cwd(self, rest):
        if not os.path.isdir(self.path(rest)):
            raise FileNotFoundError
        self.cwd = os.path.normpath(os.path.join(self.cwd, rest))
        self.say("250 fine")

    def on_mkd(self, rest):
        os.mkdir(self.path(rest))
        self.lies.cut_after("mkdir", rest)
        self.say(b'257 "' + rest + b'"')

    def on_rmd(self, rest):
        os.rmdir(self.path(rest))
        self.say("250 gone")

    # --- one file
    def facts(self, path, where):
        about = os.lstat(path)
        kind = "dir" if os.path.isdir(path) else "file"
        when = time.strftime("%Y%m%d%H%M%S", time.gmtime(self.lies.time(path, about, where)))
        return f"type={kind};size={self.lies.size(path, about, where)};modify={when};".encode()

    def on_mlst(self, rest):
        self.say(b"250-facts\r\n " + self.facts(self.path(rest), "stat") + b" " + rest + b"\r\n250 end")

    def on_size(self, rest):
        path = self.path(rest)
        if os.path.isdir(path):
            raise FileNotFoundError
        self.say(f"213 {self.lies.size(path, os.lstat(path), 'stat')}")

    def on_mdtm(self, rest):
        path = self.path(rest)
        self.say("213 " + time.strftime("%Y%m%d%H%M%S", time.gmtime(self.lies.time(path, os.lstat(path), "stat"))))

    def on_dele(self, rest):
        self.lies.remove(self.path(rest))
        self.say("250 gone")

    def on_rnfr(self, rest):
        self.renaming = self.path(rest)
        os.lstat(self.renaming)
        self.say("350 and to?")

    def on_rnto(self, rest):
        self.say("250 renamed" if self.lies.rename(self.renaming, self.path(rest)) else "553 not that")

    # --- data
    def on_epsv(self, rest):
        if self.lies.tell("pasv-elsewhere", b"epsv"):
            return self.unknown(rest)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.say(f"229 here (|||{self.listener.getsockname()[1]}|)")

    def on_pasv(self, rest):
        self.listener = socket.create_server(("127.0.0.1", 0))
        port = self.listener.getsockname()[1]
        self.say(f"227 there (203,0,113,7,{port >> 8},{port & 255})")  # an address of nobody

    def data(self):
        self.say("150 here")
        self.listener.settimeout(20)
        connection = self.listener.accept()[0]
        self.listener.close()
        return connection

    def on_rest(self, rest):
        self.offset = int(rest)
        self.say("350 from there")

    def on_retr(self, rest):
        path, offset = self.path(rest), self.offset
        self.offset = 0
        with open(path, "rb") as file:
            content = file.read()
        if self.lies.tell("read-once-at-open", path):
            os.unlink(path)
        end = len(content)
        if self.lies.tell("early-end", path):
            end //= 2
        with self.data() as connection:
            if self.lies.tell("stall-read", path):
                time.sleep(600)
            half = self.lies.tell("cut-after-half", path)
            connection.sendall(content[offset:end // 2 if half else end])
            if half:
                raise Cut
        if self.lies.tell("read-once", path):
            os.unlink(path)
        self.say("226 that is all")  # also when it is not

    def store(self, rest, mode):
        path = self.path(rest)
        if os.path.exists(path) and self.lies.tell("no-overwriting", path):
            return self.say("550 Overwrite permission denied")
        with open(path, mode) as file, self.data() as connection:
            while data := connection.recv(65536):
                file.write(data)
        self.lies.close(path, os.path.getsize(path))
        self.lies.cut_after("put", path)
        self.say("226 got it")

    def on_stor(self, rest):
        self.store(rest, "wb")

    def on_appe(self, rest):
        self.store(rest, "ab")

    # --- listings
    def names(self):
        folder = self.path(b"")
        for name in sorted(os.listdir(folder)):
            full = os.path.join(folder, name)
            if self.lies.tell("list-omits", full):
                continue
            for _ in range(2 if self.lies.tell("list-repeats", full) else 1):
                yield name, full

    def send(self, lines):
        with self.data() as connection:
            connection.sendall(b"".join(line + b"\r\n" for line in lines))
        self.say("226 that is all")

    def on_mlsd(self, rest):
        self.send([self.facts(full, "list") + b" " + name for name, full in self.names()])

    def on_list(self, rest):
        lines = []
        for name, full in self.names():
            about = os.lstat(full)
            when = time.strftime("%b %d %H:%M", time.gmtime(self.lies.time(full, about, "list")))
            kind = "d" if os.path.isdir(full) else "-"
            lines.append(f"{kind}rw-r--r--   1 owner group {self.lies.size(full, about, 'list'):>10} {when} ".encode()
                         + name)
        self.send(lines)


def serve(control, lies):
    try:
        Session(control, lies).run()
    except (Cut, OSError):
        pass
    control.close()


def accept(listener, lies):
    while True:
        connection = listener.accept()[0]
        threading.Thread(target=serve, args=(connection, lies), daemon=True).start()


if __name__ == "__main__":
    server = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=accept, args=(server, Lies(sys.argv[1])), daemon=True).start()
    print(server.getsockname()[1], flush=True)
    sys.stdin.read()
