"""One server's row: what the doctor finds, and the day with it."""
import os
import re

import server_day
from ftp_servers import OverSsh, Proxies
from kinds import Real, version
from world import World


class Row:
    def __init__(self, kind):
        self.kind, self.version, self.seen, self.findings = kind, "?", {}, []

    def run(self):
        kind = self.kind
        self.version = version(kind)
        with World(local=True) as world:
            for i in range(self.of("others")):
                world.partner.put(f"other_{i:03}", b"x")
            os.mkdir(os.path.join(world.partner.outgoing, "archive"))
            with kind(world.folder, world.partner.root) as server:
                world.configuration.endpoints["main"] = server.endpoint()
                self.examine(world)
                if not self.of("problem"):
                    self.live(world, server)

    def of(self, name):
        """What is said of the server; those that other tests run, too, say little."""
        return getattr(self.kind, name, getattr(Real, name))

    def examine(self, world):
        world.write_configuration()
        told = world.gateway.run("doctor", "acme-bank", "--json", "--write", "incoming", seconds=240).json()
        findings = [found for endpoint in told["endpoints"] for found in endpoint["findings"]]
        self.findings = [f"{f['severity']} {f['check']}: {f['finding']}" for f in findings if f["severity"] != "ok"]
        problems, wanted = [f for f in findings if f["severity"] == "problem"], self.of("problem")
        assert [p["check"] for p in problems] == ([wanted[0]] if wanted else []), f"the doctor's problems: {problems}"
        for check, words in (*self.of("finds"), *([wanted] if wanted else ())):
            assert any(f["check"] == check and words in f["finding"] for f in findings), \
                f"the doctor does not find {check} {words!r}:\n" + "\n".join(self.findings)

    def live(self, world, server):
        if not (self.of("breaks") and (isinstance(server, OverSsh) or getattr(server, "sets_passive", True))):
            server_day.started(world, server)
            self.work(world)
            return
        with Proxies(server) as proxies:
            server_day.started(world, server, host="127.0.0.1", port=proxies.control.port, connections=1)
            self.work(world)
            self.seen["get breaks"] = "resumed" if server_day.get_that_breaks(world, proxies) else "anew"
            server_day.put_that_breaks(world, proxies)
            self.seen["put breaks"] = "whole"

    def work(self, world):
        server_day.do_the_main_job(world, self.of("odd_name"))
        self.seen["day"] = "yes"
        way = re.search(r"listing by (\w+)", world.gateway.log())
        self.seen["listing"] = way.group(1) if way else "SFTP"
