#!/usr/bin/env python3
"""An SFTP server (version 3) that lies on command, for what real ones will not do when a test wants it. It speaks on
standard input and output: a real sshd runs it (ForceCommand), so transport, login and host keys are real. lying.py
tells it what to do.

  lying_sftp.py CONTROL      lies.py says what lies there"""
import os
import stat
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from lies import Cut, Lies  # noqa: E402

(INIT, VERSION, OPEN, CLOSE, READ, WRITE, LSTAT, FSTAT, SETSTAT, FSETSTAT, OPENDIR, READDIR, REMOVE, MKDIR, RMDIR,
 REALPATH, STAT,
 RENAME) = range(1, 19)
STATUS, HANDLE, DATA, NAME, ATTRS, EXTENDED = 101, 102, 103, 104, 105, 200
OK, EOF, NO_SUCH_FILE, PERMISSION, FAILURE, UNSUPPORTED = 0, 1, 2, 3, 4, 8
NAMES = {OPEN: "open", CLOSE: "close", READ: "read", WRITE: "write", LSTAT: "stat", STAT: "stat", FSTAT: "fstat",
         OPENDIR: "list",
         READDIR: "list", REMOVE: "remove", MKDIR: "mkdir", RENAME: "rename"}


class Taker:
    """Takes a request's fields one after the other."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self):
        self.at += 4
        return struct.unpack_from(">I", self.data, self.at - 4)[0]

    def long(self):
        self.at += 8
        return struct.unpack_from(">Q", self.data, self.at - 8)[0]

    def text(self):
        length = self.number()
        self.at += length
        return self.data[self.at - length:self.at]


def text(data):
    return struct.pack(">I", len(data)) + data


def read_exactly(length):
    data = b""
    while len(data) < length:
        piece = os.read(0, length - len(data))
        if not piece:
            raise Cut
        data += piece
    return data


class Open:
    """A handle: of a file, or of a folder with what is still to be listed."""

    def __init__(self, path, fd=None, names=None, writing=False):
        self.path, self.fd, self.names, self.writing = path, fd, names, writing
        self.read_to_end = False


class Server:
    def __init__(self, control):
        self.told = Lies(control)
        self.root = self.told.root
        self.handles, self.count, self.twice = {}, 0, False

    # --- lies
    def lies(self, name, path, **how):
        return self.told.tell(name, path, **how)

    def stall(self, operation, path):
        if self.lies("stall-" + operation, path):
            time.sleep(600)

    # --- replies
    def send(self, kind, number, body):
        packet = struct.pack(">IBI", len(body) + 5, kind, number) + body
        for _ in range(2 if self.twice else 1):
            view = memoryview(packet)
            while view:
                view = view[os.write(1, view):]

    def status(self, number, code):
        self.send(STATUS, number, struct.pack(">I", code) + text(b"status %d" % code) + text(b""))

    def attributes(self, path, about, where):
        modified = self.told.time(path, about, where)
        size = self.told.size(path, about, where) if stat.S_ISREG(about.st_mode) else about.st_size
        return struct.pack(">IQIIIII", 1 | 2 | 4 | 8, size, about.st_uid, about.st_gid, about.st_mode, modified,
                           modified)

    # --- the protocol
    def path(self, name):
        full = os.path.normpath(os.path.join(self.root, name)) if not name.startswith(b"/") else os.path.normpath(name)
        return full if full.startswith(self.root) else os.path.join(self.root, full.lstrip(b"/"))

    def handle(self, opened):
        self.count += 1
        name = b"h%d" % self.count
        self.handles[name] = opened
        return text(name)

    def serve(self):
        while True:
            length, = struct.unpack(">I", read_exactly(4))
            packet = Taker(read_exactly(length))
            kind = packet.data[0]
            packet.at = 1
            if kind == INIT:
                os.write(1, struct.pack(">IBI", 5, VERSION, 3))
                continue
            number = packet.number()
            self.twice = False
            try:
                self.answer(kind, number, packet)
            except FileNotFoundError:
                self.status(number, NO_SUCH_FILE)
            except PermissionError:
                self.status(number, PERMISSION)
            except OSError:
                self.status(number, FAILURE)

    def answer(self, kind, number, packet):
        name = NAMES.get(kind)
        method = getattr(self, "on_" + name, None) if name else {REALPATH: self.on_realpath, RMDIR: self.on_rmdir,
                                                                 SETSTAT: self.on_setstat}.get(kind)
        if method is None:
            return self.status(number, UNSUPPORTED)
        if kind in (READDIR, OPENDIR):
            method = self.on_readdir if kind == READDIR else self.on_opendir
        return method(number, packet)

    def on_realpath(self, number, packet):
        path = self.path(packet.text())
        self.send(NAME, number, struct.pack(">I", 1) + text(path) + text(path) + struct.pack(">I", 0))

    def on_stat(self, number, packet):
        path = self.path(packet.text())
        self.stall("stat", path)
        if self.lies("stat-refused", path):
            return self.status(number, PERMISSION)
        if not os.path.lexists(path) and self.lies("stat-vague", path):
            return self.status(number, FAILURE)
        if self.lies("stat-missing", path):
            raise FileNotFoundError
        about = os.lstat(path)
        self.twice = self.lies("twice-stat", path)
        self.send(ATTRS, number, self.attributes(path, about, "stat"))

    def on_fstat(self, number, packet):
        opened = self.handles[packet.text()]
        self.send(ATTRS, number, self.attributes(opened.path, os.fstat(opened.fd), "fstat"))

    def on_setstat(self, number, packet):
        path, flags = self.path(packet.text()), packet.number()
        if flags == 8:
            os.utime(path, (packet.number(), packet.number()))
        self.status(number, OK)

    def on_open(self, number, packet):
        path, flags = self.path(packet.text()), packet.number()
        writing = bool(flags & 2)
        if writing and os.path.exists(path) and self.lies("no-overwriting", path):
            return self.status(number, PERMISSION)
        if not writing and self.lies("open-refused", path):
            return self.status(number, PERMISSION)
        mode = os.O_RDWR if writing else os.O_RDONLY
        mode |= (os.O_CREAT if flags & 8 else 0) | (os.O_TRUNC if flags & 16 else 0)
        fd = os.open(path, mode, 0o644)
        if not writing and self.lies("read-once-at-open", path):
            os.unlink(path)
        self.send(HANDLE, number, self.handle(Open(path, fd, writing=writing)))

    def on_read(self, number, packet):
        opened, offset, length = self.handles[packet.text()], packet.long(), packet.number()
        self.stall("read", opened.path)
        size = os.fstat(opened.fd).st_size
        if self.lies("short-reads", opened.path):
            length = min(length, 700)
        for lie in ("early-end", "cut-after-half"):  # the first half is always told
            if offset < size // 2 and self.lies(lie, opened.path, only_meant=True):
                length = min(length, size // 2 - offset)
            elif offset >= size // 2 and self.lies(lie, opened.path):
                if lie == "cut-after-half":
                    raise Cut
                return self.status(number, EOF)
        data = os.pread(opened.fd, length, offset)
        opened.read_to_end |= offset + len(data) >= size
        self.twice = self.lies("twice-read", opened.path)
        if data:
            self.send(DATA, number, text(data))
        else:
            self.status(number, EOF)

    def on_write(self, number, packet):
        opened, offset, data = self.handles[packet.text()], packet.long(), packet.text()
        self.stall("write", opened.path)
        os.pwrite(opened.fd, data, offset)
        self.status(number, OK)

    def on_close(self, number, packet):
        opened = self.handles.pop(packet.text())
        if opened.fd is not None:
            if opened.writing:
                self.told.close(opened.path, os.fstat(opened.fd).st_size)
            if opened.read_to_end and not opened.writing and self.lies("read-once", opened.path):
                os.unlink(opened.path)
            os.close(opened.fd)
            if opened.writing:
                self.told.cut_after("put", opened.path)
        self.status(number, OK)

    def on_opendir(self, number, packet):
        path = self.path(packet.text())
        self.stall("list", path)
        if self.lies("list-refused", path):
            return self.status(number, PERMISSION)
        names = [b".", b".."] + sorted(os.listdir(path))
        self.send(HANDLE, number, self.handle(Open(path, names=names)))

    def on_list(self, number, packet):
        raise NotImplementedError

    def endless(self, number, opened):
        if not opened.names or isinstance(opened.names, list):
            opened.names = b"".join(text(b"n%04d" % i) + text(b"") + struct.pack(">I", 0) for i in range(9999))
        self.send(NAME, number, struct.pack(">I", 9999) + opened.names)

    def on_readdir(self, number, packet):
        opened = self.handles[packet.text()]
        if self.lies("list-endless", opened.path):
            return self.endless(number, opened)
        entries = []
        while opened.names and len(entries) < 100:
            name = opened.names.pop(0)
            full = os.path.join(opened.path, name)
            if self.lies("list-omits", full):
                continue
            try:
                about = os.lstat(full)
            except FileNotFoundError:
                continue
            entry = text(name) + text(b"") + self.attributes(full, about, "list")
            entries += [entry] * (2 if self.lies("list-repeats", full) else 1)
        if not entries:
            return self.status(number, EOF)
        self.send(NAME, number, struct.pack(">I", len(entries)) + b"".join(entries))

    def on_remove(self, number, packet):
        path = self.path(packet.text())
        self.told.remove(path)
        self.status(number, OK)

    def on_mkdir(self, number, packet):
        path = self.path(packet.text())
        os.mkdir(path)
        self.told.cut_after("mkdir", path)
        self.status(number, OK)

    def on_rmdir(self, number, packet):
        os.rmdir(self.path(packet.text()))
        self.status(number, OK)

    def on_rename(self, number, packet):
        source, target = self.path(packet.text()), self.path(packet.text())
        done = self.told.rename(source, target)
        self.twice = self.lies("twice-rename", target)
        self.status(number, OK if done else FAILURE)


if __name__ == "__main__":
    try:
        Server(sys.argv[1]).serve()
    except (Cut, BrokenPipeError):
        os._exit(1)
