"""What a lying server has been told to lie about: shared by lying_sftp.py and lying_ftp.py, and written by lying.py.

  CONTROL/root       the folder that is served
  CONTROL/lies.json  [{"lie": NAME, "match": GLOB of the file's name, "times": N, "id": …}], read before each answer
  CONTROL/told       a line for each lie that was told"""
import fnmatch
import json
import os

DAY = 86400


class Cut(Exception):
    """The line breaks: no reply."""


class Lies:
    def __init__(self, control):
        self.control = control
        with open(os.path.join(control, "root"), "rb") as file:
            self.root = file.read().strip()

    def tell(self, name, path, *, only_meant=False):
        """Is this lie to be told about this file, now? Counts it when it is, unless it is only meant for later."""
        try:
            with open(os.path.join(self.control, "lies.json")) as file:
                wanted = json.load(file)
        except (OSError, ValueError):
            return False
        base = os.path.basename(os.fsdecode(path))
        for number, lie in enumerate(wanted):
            if lie["lie"] != name or not fnmatch.fnmatchcase(base, lie.get("match", "*")):
                continue
            if only_meant:
                return True
            if self._has_left(lie, number):
                with open(os.path.join(self.control, "told"), "a") as log:
                    log.write(f"{name} {base}\n")
                return True
        return False

    def _has_left(self, lie, number):
        for turn in range(lie.get("times", 0)):
            try:
                os.close(os.open(os.path.join(self.control, f"turn-{lie['id']}-{number}-{turn}"),
                                 os.O_CREAT | os.O_EXCL))
                return True
            except FileExistsError:
                continue
        return "times" not in lie

    def size(self, path, about, where):
        """The size told: `where` is "list", "stat" or "fstat"."""
        size = 0 if self.tell("size-zero", path) else about.st_size
        if self.tell(f"{where}-larger", path):
            size += 10
        if self.tell(f"{where}-smaller", path):
            size = max(0, size - 10)
        if self.tell(f"{where}-size-changes", path):
            size += os.urandom(1)[0] + 1
        return size

    def time(self, path, about, where):
        modified = int(about.st_mtime)
        if self.tell("clock-ahead", path):
            modified += DAY
        if self.tell("clock-behind", path):
            modified -= DAY
        if self.tell(f"{where}-other-zone", path):
            modified += 8 * 3600
        return modified + (60 if self.tell(f"{where}-other-time", path) else 0)

    def cut_after(self, operation, path):
        if self.tell("cut-after-" + operation, path):
            raise Cut

    def close(self, path, size):
        """A file that was written is closed."""
        if self.tell("put-half", path):
            os.truncate(path, size // 2)
        if self.tell("taken-at-close", path):  # the partner's own server takes what is closed
            self._take(path)

    def _take(self, path):
        name = b"taken-" + os.path.basename(os.fsencode(path)) + b"-" + os.urandom(4).hex().encode()
        os.rename(path, os.path.join(os.fsencode(self.control), name))

    def remove(self, path):
        if not self.tell("remove-does-nothing", path):
            os.unlink(path)
        self.cut_after("remove", path)

    def rename(self, source, target):
        """Renames, or does not; whether it is told to be done."""
        os.lstat(source)
        if self.tell("rename-does-nothing", target):
            return True
        if self.tell("rename-loses", target):
            os.unlink(source)
            return True
        if self.tell("rename-loses-and-fails", target):
            os.unlink(source)
            return False
        if self.tell("rename-copies", target):
            with open(source, "rb") as old, open(target, "wb") as new:
                new.write(old.read())
            return True
        if os.path.lexists(target) and not self.tell("rename-overwrites", target):
            return False
        os.rename(source, target)
        if self.tell("taken-at-once", target):  # the partner's own job stands ready
            self._take(target)
        self.cut_after("rename", target)
        return True
