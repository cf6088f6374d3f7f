"""Processes of the machine and of a lane, as /proc shows them."""
import os

from partner import descendants


def all_processes():
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline") as file:
            return file.read()
    except OSError:
        return ""


def consumption(world):
    """What the lane holds: descriptors, children, resident memory in KiB."""
    lane, = world.gateway.named("lane")
    with open(f"/proc/{lane}/status") as status:
        resident = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    return len(os.listdir(f"/proc/{lane}/fd")), len(descendants(lane)), resident


def targets(world):
    lane, = world.gateway.named("lane")
    return sorted(os.readlink(f"/proc/{lane}/fd/{n}") for n in os.listdir(f"/proc/{lane}/fd"))


def children_of(pid):
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as file:
                    if int(file.read().rpartition(")")[2].split()[1]) == pid:
                        found.append(int(entry))
            except OSError:
                pass
    return found


def is_zombie(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False
