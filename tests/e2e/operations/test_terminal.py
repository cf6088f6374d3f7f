"""What an operator reads: the log, tables on a terminal, and what a partner writes shown there."""
import fcntl
import json
import os
import pty
import re
import struct
import termios

import accruals
from accruals import Record
from gateway import BINARY
from harness import equal, has, lacks, test, wait_until
from world import World


@test
def each_state_in_the_log_has_its_feed_file_and_duration():
    with World() as world:
        world.configuration.node["log"] = {"level": "debug", "format": "json"}
        world.start()
        world.drop("POINTS_j.dat.pgp", accruals.records(20, broken={3}))
        world.feedback("POINTS_j.dat.pgp")
        world.drop("POINTS_k.dat.pgp", accruals.records(20, prefix="K"), count=19)
        world.exception("POINTS_k.dat.pgp")
        world.settle()
        lines = [json.loads(line) for line in world.gateway.log().splitlines()]
        states = [line for line in lines if line["event"] == "file"]
        for line in states:
            assert line["feed"] == "acme-points" and len(line["file"]) == 16 and line["lane"] == "points", line
            assert line["state"] in ("seen", "admitted") or 0 <= line["ms"] < 60_000, f"no duration: {line}"
        equal([s["state"] for s in states if s["file"] == world.gateway.file("POINTS_j.dat.pgp")["id"]],
              ["seen", "admitted", "fetched", "opened", "staged", "validated", "posting", "posted", "sealed",
               "answered", "closed"], "states")
        equal([s["level"] for s in states if s["state"] == "rejected"], ["warning"], "level of a refusal")


def on_terminal(world, columns, *words, **environment):
    """What a command writes to a terminal of this width, its colours included."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(BINARY, [BINARY, "--config", world.path, *words],
                  {**world.gateway.environment, "TERM": "xterm", **environment})
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    text = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        text += piece
    os.waitpid(pid, 0)
    os.close(terminal)
    return text.decode()


def assert_fits(world, columns, *words):
    plain = re.sub(r"\x1b\[[0-9;]*m", "", on_terminal(world, columns, *words, COLUMNS=str(columns)))
    too_wide = [line for line in plain.splitlines() if len(line) > columns]
    assert not too_wide, f"{words} at {columns}: {too_wide}"


@test
def tables_fit_the_terminal_and_have_colours_only_there_and_only_when_wanted():
    with World() as world:
        world.start()
        name = "POINTS_" + "a-long-name-" * 5 + ".dat.pgp"
        world.drop(name, accruals.records(20, broken={3}), count=19)
        wait_until("it to be closed", lambda: any(row["state"] == "closed" for row in world.gateway.files()),
                   log=world.gateway.log_tail)
        # long lines for status: a poll that fails, and what the books hold against a lane of another name
        world.sshd.stop()
        world.gateway.poll()
        wait_until("a poll to fail", lambda: "poll failed" in world.gateway.run("status").out,
                   log=world.gateway.log_tail)
        world.configuration.lanes["renamed"] = world.configuration.lanes.pop("points")
        world.write_configuration()
        has(on_terminal(world, 80, "status", COLUMNS="80"), "While it is so, a reload", "status")
        assert_fits(world, 80, "status")
        world.configuration.lanes["points"] = world.configuration.lanes.pop("renamed")
        world.write_configuration()
        for columns in (80, 120):
            for words in (["status"], ["files"], ["entries"], ["keys"], ["audit"]):
                assert_fits(world, columns, *words)
        assert "\x1b[" in on_terminal(world, 80, "files"), "no colours on a terminal"
        assert "\x1b[" not in on_terminal(world, 80, "files", NO_COLOR="1"), "colours with NO_COLOR"
        assert "\x1b[" not in world.gateway.ok("files").out, "colours in a pipe"


@test
def what_a_partner_writes_cannot_steer_the_operators_terminal():
    with World() as world:
        world.configuration.layouts["accrual-v1"]['record "D"']['field "member"'] = {}
        world.feed.rules = {}
        world.start()
        red = "\x1b[31m"
        world.drop("POINTS_e.dat.pgp",
                   accruals.text([Record(red + "M1", red + "K1", "5"), Record("M2", "\u202eK2", "5")],
                                                     header=f"H|{red}ACME|2026-11-20|1|1"))
        equal(world.feedback("POINTS_e.dat.pgp").accepted, 2, "accepted: a layout's text may hold any character")
        world.gateway.wait_quiet()
        for words in (["show", "POINTS_e.dat.pgp"], ["entries"], ["trace", "POINTS_e.dat.pgp:2"], ["audit"], ["status"],
                      ["files"]):
            shown = world.gateway.ok(*words).out
            assert "\x1b" not in shown and "\u202e" not in shown, f"{words}: {shown!r}"
        has(world.gateway.ok("entries").out, "\\x1b[31mK1", "entries")
        lacks(world.gateway.log(), "\x1b", "the log")
