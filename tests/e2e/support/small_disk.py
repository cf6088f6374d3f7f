"""A disk that is soon full."""
import errno
import os
import subprocess


class SmallDisk:
    """A tmpfs for the gateway's state, in the run's own mount namespace, with a ballast file that leaves so much
    room."""

    def __init__(self, path, megabytes):
        self.path, self.size = path, megabytes << 20
        os.makedirs(path, mode=0o700)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "tmpfs", path], check=True)
        self.ballast = os.path.join(path, "ballast")

    def leave(self, room):
        """Fills the disk up to `room` bytes."""
        state = os.statvfs(self.path)
        free = state.f_bavail * state.f_frsize
        if free > room:
            try:
                with open(self.ballast, "ab") as file:
                    file.write(b"\0" * (free - room))
            except OSError as error:  # what the gateway wrote meanwhile: the disk is fuller than was asked for
                if error.errno != errno.ENOSPC:
                    raise

    def free(self):
        if os.path.exists(self.ballast):
            os.unlink(self.ballast)

    def close(self):
        subprocess.run(["umount", "-l", self.path], check=False)
