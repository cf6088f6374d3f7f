"""A throwaway world per test: the demo's scene, and a proxy in front of the partner's server where a test wants one."""
import os

from harness import wait_until
from proxy import Proxy
from scene import Scene, close_run, keys, run_folder  # noqa: F401: tests take these from here


class World(Scene):
    """with World() as world: … — the partner's server runs, the gateway is configured and not yet started."""

    def __init__(self, *, proxied=False, **options):
        self.proxied, self.proxy = proxied, None
        super().__init__(**options)

    def port(self):
        if self.proxied and not self.proxy:
            self.proxy = Proxy(self.sshd.port)
        return self.proxy.port if self.proxy else self.sshd.port

    def raw_answer(self, name, kind="FB"):
        """The answer as it came, line ends and all."""
        answer_name = self.answer_name(name, kind)
        wait_until(answer_name, lambda: answer_name + ".ok" in self.partner.markers(), log=self.gateway.log_tail)
        with open(os.path.join(self.partner.incoming, answer_name), "rb") as file:
            return self.keys.partner.open(file.read(), signer=self.keys.gateway)

    def close(self, **options):
        self.gateway.close()
        if self.proxy:
            self.proxy.close()
        super().close(**options)
