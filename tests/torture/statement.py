"""A day on which a file's credits become reconciliation files: pushed, and told; once more in another order; and a next
version for what is credited too late."""
import json
import os

import accruals
import statements
from harness import wait_until


def wait_until_out(gateway, count):
    wait_until(f"{count} versions to be out",
               lambda: [(t.get("push"), t.get("status")) for t in gateway.json("recon", "list")["tasks"]]
               == [("pushed", "told")] * count, seconds=90, log=gateway.log_tail)


class Statement:
    name = "statement"
    first = {"POINTS_statement.dat.pgp": "FB"}
    later = {}
    own = again = ("recon-late-before", "recon-late-after")

    @staticmethod
    def configure(feed):
        feed.batch = {"size-min": 25, "size-max": 25, "allow-any-size": True}

    @staticmethod
    def prepare(world):
        world.interface = statements.StatusInterface()
        world.recon_folder = os.path.join(world.partner.root, "recon")
        os.makedirs(world.recon_folder)
        world.configuration.endpoints["web"] = {"url": f"http://127.0.0.1:{world.interface.port}", "clear-text": True}
        for name, order in (("plain", None), ("ordered", ["account", "key"])):
            read = {"from": "ledger", "ledger": "miles", "columns": statements.COLUMNS,
                    **({"order": order} if order else {})}
            world.configuration.lane_settings[f'reconcile "{name}"'] = {
                "requester": "acme-bank", "type": name, "threshold": 40, "read": read,
                "push": {"endpoint": "main", "path": "recon", "marker": "{name}.ok"},
                "status": {"endpoint": "web", "path": "/status"}, "late-wait": "1s",
                "late": "new-version" if name == "plain" else "supplement"}

    @staticmethod
    def drop_first(world):
        world.drop("POINTS_statement.dat.pgp", accruals.records(80, broken={5}), header=statements.header())

    @staticmethod
    def drop_later(world):
        """Nothing."""

    @staticmethod
    def finish(world, is_done):
        gateway = world.gateway
        for name in ("plain", "ordered"):
            wait_until("the lane to take the task",
                       lambda: gateway.run("recon", "run", name, "--date", statements.DAY, "--no-wait").status == 0,
                       log=gateway.log_tail)
        wait_until_out(gateway, 2)
        world.drop("POINTS_late.dat.pgp", accruals.records(30, prefix="LATE"), header=statements.header(sequence=2))
        wait_until_out(gateway, 4)

    @staticmethod
    def results(world, answers):
        world.interface.close()
        told = {(path, body["type"], body["period"], body["version"], body["records"], body["total"])
                for path, _, text in world.interface.told for body in [json.loads(text)]}
        sets = {name: statements.read_set(world, f"{name}.manifest.json")[1]
                for name in (f"plain_{statements.DAY}", f"plain_{statements.DAY}_v2", f"ordered_{statements.DAY}",
                             f"ordered_{statements.DAY}_v2")}
        hidden = [n for n in os.listdir(world.recon_folder) if n.startswith(".")]
        assert not hidden, f"temporary files were left at the partner's: {hidden}"
        return answers, sets, told
