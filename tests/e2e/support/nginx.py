"""A web server as others have it: nginx, unpacked by packaging/install-packages, on free loopback ports."""
import contextlib
import os
import socket
import subprocess

from harness import TOP, Missing, tail, wait_until
from partner import Listening, free_port

PROGRAM = os.path.join(TOP, "build/servers/usr/sbin/nginx")


class Nginx(Listening):
    """with Nginx(folder, {"name": "what stands in its server { } but listen"}) as server: server.ports["name"] — a
    site whose text has ssl_certificate speaks TLS."""

    def __init__(self, folder, sites):
        self.folder, self.sites, self.process = os.path.join(folder, "nginx"), sites, None
        self.ports = {name: free_port() for name in sites}
        if not os.access(PROGRAM, os.X_OK):
            raise Missing("nginx is not unpacked here: packaging/install-packages test")

    def __enter__(self):
        os.makedirs(self.folder)
        servers = "\n".join(f"server {{ listen 127.0.0.1:{self.ports[name]}"
                            f"{' ssl' if 'ssl_certificate' in text else ''}; {text} }}"
                            for name, text in self.sites.items())
        paths = "".join(f"{kind}_temp_path {self.folder}/{kind}; "
                        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        path = os.path.join(self.folder, "nginx.conf")
        with open(path, "w") as file:
            file.write(f"daemon off; {'user root; ' if os.geteuid() == 0 else ''}pid {self.folder}/pid; events {{ }}\n"
                       f"http {{ access_log off; {paths}\n{servers}\n}}\n")
        log = os.path.join(self.folder, "log")
        with open(log, "ab") as out:
            self.process = subprocess.Popen([PROGRAM, "-e", log, "-c", path], stdout=out, stderr=out,
                                            stdin=subprocess.DEVNULL)
        wait_until("nginx to listen", self.is_up, log=lambda: tail(log))
        return self

    def is_up(self):
        assert self.process.poll() is None, "nginx has ended"
        for port in self.ports.values():
            with contextlib.closing(socket.create_connection(("127.0.0.1", port), 5)):
                pass
        return True

    def __exit__(self, *error):
        self.stop()
