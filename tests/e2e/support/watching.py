"""For tests of what is watched: a clock that is at noon, calendars, alarms that go to a program or a webhook."""
import datetime
import http.server
import json
import os
import sqlite3
import stat
import threading

import accruals
from harness import wait_until

MANY = ("POINTS_{sequence:4}.dat.pgp", "POINTS_%04d.dat.pgp")

class Hook:
    """A webhook: keeps what is posted; answers with `status`."""

    def __init__(self):
        self.told, self.status = [], 200
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if outer.status == 200:
                    outer.told.append(json.loads(body))
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def midday_zone():
    """A zone in which it is about noon: no test runs over midnight."""
    offset = 12 - datetime.datetime.now(datetime.timezone.utc).hour
    return f"Etc/GMT{-offset:+d}" if offset else "Etc/GMT"


def clock(seconds):
    """The zone's clock, so many seconds from now."""
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return (at + datetime.timedelta(hours=12 - datetime.datetime.now(datetime.timezone.utc).hour)).strftime("%H:%M:%S")


def today(days=0, form="%Y-%m-%d"):
    at = datetime.datetime.now(datetime.timezone.utc)
    return (at + datetime.timedelta(hours=12 - at.hour, days=days)).strftime(form)


def calendar(name, *, weekend, holiday):
    """A calendar whose one weekly day off and holiday lie so many days from today."""
    return 'calendar "%s" { weekend = { "%s" }  holidays = { "%s" } }\n' % (name, today(weekend, "%A").lower(),
                                                                            today(holiday))


def start_with_due(world, seconds=3):
    """Starts with something due so many seconds from now; or longer, on a machine that takes longer to start. The due
    day."""
    while True:
        world.feed.settings['expect "daily"'] = {"by": clock(seconds), "time-zone": midday_zone()}
        world.start()
        due = wait_until("the due day", lambda: lane(world)["due"], log=world.gateway.log_tail)[0]
        if due["day"] == today():
            return due
        world.gateway.stop()
        with sqlite3.connect(os.path.join(world.state, "lanes/points/book.db")) as book:
            book.execute("DELETE FROM expectation")
        seconds *= 3


def with_command(world, **alarms):
    """Alarms go to a program that appends its input to a file; what it was told."""
    path, log = os.path.join(world.folder, "tell"), os.path.join(world.folder, "told.jsonl")
    with open(path, "w") as file:
        file.write(f"#!/bin/sh\nenv > {log}.environment\nprintf '%s\\n' \"$*\" > {log}.arguments\ncat >> {log}\n")
    os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)
    hook = alarms.pop("hook", None)
    lines = [f"  command = {{ \"{path}\", \"an argument; $(id)\" }}"] + [f"  {name.replace('_', '-')} = {value}"
                                                                         for name, value in alarms.items()]
    if hook:
        world.configuration.extra += (f'system "ops" {{ endpoint "hook" {{ url = "http://127.0.0.1:{hook.port}"  '
                                      f'clear-text = yes }} }}\n')
        lines.append('  webhook { system = "ops"  endpoint = "hook"  path = "/alarms" }')
    world.configuration.extra += "alarms {\n" + "\n".join(lines) + "\n}\n"

    def told():
        if not os.path.exists(log):
            return []
        with open(log) as file:
            return [json.loads(line) for line in file if line.endswith("\n")]
    return told


def wait_told(world, told, event, kind, seconds=30):
    def found():
        for message in told():
            if (message["event"], message["kind"]) == (event, kind):
                return message
        raise AssertionError(f"told: {[(m['event'], m['kind'], m['text']) for m in told()]}")
    return wait_until(f"{event} {kind}", found, seconds=seconds, log=world.gateway.log_tail)


def lane(world):
    return world.gateway.run("status", "--json").json()["lanes"][0]


def standing(world):
    return [(alarm["kind"], alarm["subject"]) for alarm in lane(world)["alarms"] if alarm["state"] == "standing"]


def numbered(world, **settings):
    world.feed.settings["sequence"] = {"name": MANY[0], "reset": "daily", **settings}


def send(world, number, count=3, prefix=None):
    name = MANY[1] % number
    world.drop(name, accruals.records(count, prefix=prefix or f"N{number}"), sequence=number)
    return name


def order_of(world, name):
    return world.gateway.json("show", world.gateway.file(name)["id"])["sequence"]
