"""A billing sample in a scene: its configuration as shipped, its generator's files, and what these have to come to."""
import json
import os
import re
import subprocess
import sys
from collections import Counter

import accruals
from waiting import wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
SAMPLES = next((path for path in (os.path.join(HERE, "../../conf/samples/billing"),
                                  os.path.join(HERE, "../../doc/sallyport/examples/billing")) if os.path.isdir(path)),
               None)


class Business:
    """Before the scene's start: adds the sample to its configuration, and makes the folders of its feeds."""

    def __init__(self, scene, name, records):
        self.scene, self.name = scene, name
        self.lane = ("--lane", "billing-" + name)
        with open(os.path.join(SAMPLES, name + ".conf"), encoding="utf-8") as file:
            text = file.read().replace('every = "60s"', 'every = "1s"')
        for path in re.findall(r'path = "/([^"]*)"', text):
            os.makedirs(os.path.join(scene.partner.root, path), exist_ok=True)
        self.folders = {word: path for path, word in re.findall(r"path = \"/([^\"]*)\"  match = '([A-Z]*)_", text)}
        scene.configuration.extra += text
        self.made = os.path.join(scene.folder, "generated", name)
        subprocess.run([sys.executable, os.path.join(SAMPLES, "generate"), name, str(records), self.made], check=True)
        with open(os.path.join(self.made, "totals.json"), encoding="utf-8") as file:
            self.totals = json.load(file)

    @property
    def tables(self):
        return sorted(name[:-4] for name in os.listdir(self.made) if name.endswith("_1.dat")
                      and not name.startswith("USAGE"))

    def lines(self, name):
        with open(os.path.join(self.made, name + ".dat"), encoding="utf-8") as file:
            return file.read()

    def take(self, name):
        """Drops one of its files, with its marker; the answer."""
        root = self.scene.partner.root
        target = os.path.join(root, self.folders[name.split("_")[0]], name + ".pgp")
        answer = os.path.join(root, self.name + "-answers", name + "_FB.dat.pgp")
        for path, content in ((target, self.scene.partner.seal(self.lines(name))), (target + ".ok", b"")):
            with open(path, "wb") as file:
                file.write(content)
        wait_until(f"the answer to {name}", lambda: os.path.exists(answer + ".ok"), seconds=60,
                   log=self.scene.gateway.log_tail)
        with open(answer, "rb") as file:
            keys = self.scene.keys
            return accruals.parse_feedback(keys.partner.open(file.read(), signer=keys.gateway).decode())

    def codes(self, name):
        """How often each code is in the answer, and how often it should be."""
        told = Counter(code for _, _, code in self.take(name).results if code)
        return dict(told), {code: n for code, n in self.totals["files"][name].items() if code}
