"""What a disk may hold after the power went: a recording (recorder.c) is played up to a moment, and of what was not
synced until then only a part is there. The rules are those that POSIX gives and file systems with a journal keep:

  a file's content     what was written before its last fsync is there. Of the later writes each may be missing, there,
  or torn, in
                       pages of 4096 bytes, whatever their order; so may changes of its length.
  names                what was made, renamed or removed in a folder before the last fsync of that folder is there. Of
  the later
                       changes only the first ones of each folder are there. A rename is whole or has not happened.
  what others did      the partner's side of the recording is always there: it is another machine's."""
import dataclasses
import os
import random
import shutil
import struct

PAGE = 4096
HEAD = struct.Struct("IIIIQQQ")
MODES = ("nothing", "everything", "some", "journal")


@dataclasses.dataclass
class Event:
    kind: str
    path: str
    second: str
    inode: int
    offset: int
    data: bytes


def read_events(path):
    with open(path, "rb") as file:
        text = file.read()
    at, events = 0, []
    while at < len(text):
        kind, length, second, _, inode, offset, size = HEAD.unpack_from(text, at)
        ends = [at + HEAD.size + n for n in (0, length, length + second, length + second + size)]
        names = [os.path.normpath(text[a:b].decode()) if b > a else "" for a, b in zip(ends[:2], ends[1:3])]
        events.append(Event(chr(kind), *names, inode, offset, text[ends[2]:ends[3]]))
        at = ends[3]
    return events


class File:
    """Content as of the last sync, and what was done since. A time stamp where it counts: the partner's files keep
    theirs."""

    def __init__(self, content=b"", modified=None):
        self.durable, self.pending, self.modified = bytearray(content), [], modified

    def sync(self):
        for change in self.pending:
            apply(self.durable, change)
        self.pending = []


def apply(content, change):
    kind, offset, data = change
    if kind == "w":
        if len(content) < offset:
            content.extend(bytes(offset - len(content)))
        content[offset:offset + len(data)] = data
    elif kind == "a":
        content.extend(bytes(max(0, offset - len(content))))
    elif len(content) > offset:
        del content[offset:]
    else:
        content.extend(bytes(offset - len(content)))


def torn(change, dice):
    """The pieces of a write that reached the disk: each page of the file by itself."""
    kind, offset, data = change
    if kind != "w":
        return [change] * dice.randint(0, 1)
    pieces, at = [], 0
    while at < len(data):
        length = min(PAGE - (offset + at) % PAGE, len(data) - at)
        if dice.random() < 0.5:
            pieces.append(("w", offset + at, data[at:at + length]))
        at += length
    return pieces


class Names:
    """A tree of names: path -> File, or None for a folder."""

    def __init__(self, tree):
        self.tree = dict(tree)

    def do(self, change):
        kind, path, second, file = change
        if kind in ("c", "l"):
            self._put(second or path, file)
        elif kind == "m":
            self._put(path, None)
        elif kind in ("u", "k"):
            self.tree.pop(path, None)
        elif path in self.tree or file:
            moved = {second + p[len(path):]: f for p, f in self.tree.items() if p == path or p.startswith(path + "/")}
            for gone in [p for p in self.tree if p in (path, second) or p.startswith((path + "/", second + "/"))]:
                del self.tree[gone]
            for where, what in (moved or {second: file}).items():
                self._put(where, what)

    def _put(self, path, file):
        if os.path.dirname(path) in self.tree:  # a name in a folder that was lost is lost with it
            self.tree[path] = file


class Recording:
    """Plays events one after the other; may be asked at any moment for a disk after a loss of power then."""

    def __init__(self, events, outside, baseline):
        """`outside` are the folders of others; `baseline` is what was there before, by path."""
        self.events, self.outside = events, tuple(outside)
        self.at, self.files = 0, {}
        tree = {path: before and File(*before) for path, before in baseline.items()}
        self.live, self.synced = Names(tree), Names(tree)
        self.pending = []  # changes of names that are not synced: [change, folders, is durable]

    def play(self, to):
        while self.at < to:
            self._take(self.events[self.at])
            self.at += 1

    def _take(self, event):
        if event.kind in ("c", "p"):
            self.files[event.inode] = File()
        file = self.files.get(event.inode)
        if event.kind in ("w", "t", "a"):
            file = file or self._known(event)
            file.pending.append((event.kind, event.offset, event.data))
        elif event.kind == "s":
            (file or self._known(event)).sync()
        elif event.kind == "d":
            self._sync_folder(event.path)
        elif event.kind == "p":
            file.durable, file.modified = bytearray(event.data), event.offset
            self._name(("c", event.path, "", file))
        else:
            known = self.live.tree.get(event.path)
            self._name((event.kind, event.path, event.second, known if event.kind in ("r", "l") else file))
        if file and self._is_outside(event.path):
            file.sync()

    def _known(self, event):
        """A file that was there before the recording began."""
        file = self.live.tree[event.path]
        self.files[event.inode] = file
        return file

    def _is_outside(self, path):
        return any(path == folder or path.startswith(folder + "/") for folder in self.outside)

    def _name(self, change):
        self.live.do(change)
        folders = {os.path.dirname(path) for path in change[1:3] if path}
        self.pending.append([change, folders, self._is_outside(change[1])])
        self._settle()

    def _sync_folder(self, path):
        for entry in self.pending:
            entry[2] |= path in entry[1]
        self._settle()

    def _settle(self):
        """What is durable and has nothing before it that is not, joins what is there for good."""
        while self.pending and self.pending[0][2]:
            self.synced.do(self.pending.pop(0)[0])

    # --- After the loss
    def disk(self, mode, seed):
        """path -> (content, time stamp), or None for a folder."""
        dice = random.Random(seed)
        names = Names(self.synced.tree)
        for change in self._surviving(mode, dice):
            names.do(change)
        contents = {id(file): (self._content(file, mode, dice), file.modified) for file in names.tree.values() if file}
        return {path: file and contents[id(file)] for path, file in names.tree.items()}

    def _surviving(self, mode, dice):
        open_changes = [entry for entry in self.pending if not entry[2]]
        left = {"nothing": 0, "everything": len(open_changes)}.get(mode, dice.randint(0, len(open_changes)))
        journal = {id(entry) for entry in open_changes[:left]}
        stopped = set()  # folders of which nothing later is there
        for entry in self.pending:
            change, folders, is_durable = entry
            if mode == "some" and not is_durable and dice.random() < 0.3:
                stopped |= folders
            is_there = not (folders & stopped) if mode == "some" else id(entry) in journal
            if is_durable or is_there:
                yield change

    def _content(self, file, mode, dice):
        content = bytearray(file.durable)
        for change in file.pending:
            whole = mode == "everything" or (mode != "nothing" and dice.random() < 0.6)
            for piece in [change] if whole else torn(change, dice) if mode != "nothing" else []:
                apply(content, piece)
        return bytes(content)


def lay_out(tree, folders):
    """Puts a disk's tree where it belongs; what stands below `folders` is replaced."""
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    for path, kept in sorted(tree.items()):
        if kept is None:
            os.makedirs(path, mode=0o700, exist_ok=True)
            continue
        content, modified = kept
        with open(path, "wb", opener=lambda p, flags: os.open(p, flags, 0o600)) as file:
            file.write(content)
        if modified is not None:
            os.utime(path, ns=(modified, modified))


def take_baseline(folders):
    tree = {}
    for top in folders:
        parent = os.path.dirname(top)
        tree[parent] = None
        for path, _, names in os.walk(top):
            tree[path] = None
            for name in names:
                with open(os.path.join(path, name), "rb") as file:
                    tree[os.path.join(path, name)] = file.read(), os.fstat(file.fileno()).st_mtime_ns
    return tree
