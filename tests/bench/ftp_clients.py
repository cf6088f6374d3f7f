"""FTP and FTPS by every client, two connections at a time for many files, against vsftpd on this machine."""
import os
import shutil
import subprocess
import time

import ftp_servers


class FtpClients:
    def __init__(self, folder, server, build):
        self.local, self.remote = os.path.join(folder, "local"), os.path.join(folder, "remote")
        self.server, self.build, self.home = server, build, folder
        server.endpoint()
        self.login = f"{server.user()}:{ftp_servers.PASSWORD}"
        self.url = f"ftp://{ftp_servers.ADDRESS}:{server.port}/remote/files"
        self.environment = {**os.environ, "FTP_PORT": str(server.port), "FTP_USER": server.user(), "HOME": folder,
                            "FTP_PASSWORD": os.path.join(server.folder, "password")}
        if server.tls:
            self.environment["FTP_CA"] = ftp_servers.authority()["ca"]

    def curl(self, way, names):
        words = ["curl", "-sS", "-Z", "--parallel-max", "2", "-u", self.login]
        if self.server.tls:  # with 1.3, vsftpd takes no second upload: see transfer/curl/curl_link.c
            words += ["--ssl-reqd", "--cacert", ftp_servers.authority()["ca"], "--tls-max", "1.2"]
        config = "".join(f'url = "{self.url}/{n}"\noutput = "{self.local}/files/{n}"\n' if way == "get"
                         else f'upload-file = "{self.local}/files/{n}"\nurl = "{self.url}/{n}"\n' for n in names)
        return [*words, "-K", "-"], config

    def lftp(self, way, names):
        there, here = "remote/files", f"{self.local}/files"
        copy = f"mirror --parallel=2 {there} {here}" if way == "get" else f"mirror -R --parallel=2 {here} {there}"
        tls = "true" if self.server.tls else "false"
        setting = (f"set ftp:prefer-epsv true; set ftp:ssl-allow {tls}; set ftp:ssl-force {tls}; set "
                   "ftp:ssl-protect-data true; "
                   f"set ssl:ca-file {ftp_servers.authority()['ca']}; set ssl:priority 'NORMAL:-VERS-TLS1.3'; set "
                   "net:max-retries 1; set ftp:use-mdtm false")
        return ["lftp", "-c",
                f"{setting}; open -u {self.login.replace(':', ',')} ftp://{ftp_servers.ADDRESS}:{self.server.port}; "
                f"{copy}"], ""

    def courier(self, way, names):
        remote = os.path.join(self.remote, "files")
        return [os.path.join(self.build, "tests/bench/bench_courier"), way, "2", self.local + "/files",
                remote], "\n".join(names) + "\n"

    def time(self, way, words, order, names, size):
        """Runs it with an empty target; the seconds."""
        target = os.path.join(self.local if way == "get" else self.remote, "files")
        shutil.rmtree(target, ignore_errors=True)
        os.makedirs(target)
        begun = time.monotonic()
        done = subprocess.run(words, input=order.encode(), env=self.environment, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        took = time.monotonic() - begun
        moved = sum(os.path.getsize(os.path.join(target, n)) for n in os.listdir(target))
        if done.returncode != 0 or moved != size * len(names):
            raise RuntimeError(
                f"{words[0]} moved {moved} bytes and ended with {done.returncode}: "
                f"{done.stdout.decode(errors='replace')[-1500:]}")
        return took

    def fill(self, way, names, size):
        for side in (self.local, self.remote):
            shutil.rmtree(side, ignore_errors=True)
            os.makedirs(side + "/files")
        for name in names:
            with open(os.path.join(self.remote if way == "get" else self.local, "files", name), "wb") as file:
                for _ in range(max(1, size >> 20)):
                    file.write(os.urandom(min(size, 1 << 20)))
