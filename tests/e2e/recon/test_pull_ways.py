"""The requester's tool by other ways: folders on SFTP and FTP servers and here, packed and sealed shards, months,
versions, days without records; killed in the middle; servers that do not know ranges; and what it draws on a
terminal."""
import http.server
import os
import pty
import signal
import ssl
import subprocess
import threading
import time

import accruals
from ftp_servers import Vsftpd
from gateway import BINARY
from harness import equal, has, test, wait_until
from proxy import Proxy
from reconciliation import DATE, Requests, authority, post, records, served, server_certificate
from world import World

FINE, NOT_FOUND, NOT_READY, INCOMPLETE, CORRUPT = 0, 4, 9, 10, 11


def pushing(world, *, threshold=10, **reconcile):
    """The world's reconciliation goes into the partner's folder recon."""
    requests = Requests(world, threshold=threshold,
                        reconcile={"push": {"endpoint": "main", "path": "recon"}, **reconcile}).apply()
    os.makedirs(os.path.join(world.partner.root, "recon"))
    return requests


def wait_pushed(world, count=1):
    def pushed():
        found = [t for t in world.gateway.json("recon", "list")["tasks"] if t.get("push") == "pushed"]
        assert len(found) >= count, str(found)
        return found
    return wait_until("the files to be pushed", pushed, seconds=60, log=world.gateway.log_tail)


def pull(world, requests, url, into, *words, date=DATE, keys=None):
    return requests.run("recon", "pull", url, "--type", "points", "--date", date, "--into", into, "--signed-by",
                        world.keys.gateway,
                        "--gnupg-home", keys or world.gnupg, *words)


def lines_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines()


@test
def a_folder_on_an_sftp_server_is_as_good_as_the_front():
    with World() as world:
        requests = pushing(world)
        world.start()
        requests.wait_up()
        post(world, "POINTS_1.dat.pgp", records(25))
        settings = world.sftp()
        base = [f"{settings['url']}/recon", os.path.join(world.folder, "into")]
        login = ["--host-key", settings["host-key"][0], "--identity-file", settings["identity-file"]]
        result = pull(world, requests, *base, *login, "--json")
        equal((result.status, result.json()["result"]), (NOT_READY, "not-ready"), result.out + result.err)
        requests.generate()
        wait_pushed(world)
        joined = os.path.join(world.folder, "all.csv")
        result = pull(world, requests, *base, *login, "--json", "--join", joined)
        equal((result.status, result.json()["shards"], result.json()["acknowledged"]), (FINE, 3, False),
              result.out + result.err)
        equal(len(lines_of(joined)), 26, "lines")
        other = ["--host-key", world.keys.fingerprint(world.keys.other_host), "--identity-file",
                 settings["identity-file"]]
        result = pull(world, requests, base[0], os.path.join(world.folder, "other"), *other)
        equal(result.status, 1, "another host key: " + result.err)
        equal(pull(world, requests, base[0], os.path.join(world.folder, "other"), *login[2:]).status, 1,
              "no host key at all")


@test
def a_folder_on_an_ftp_server_with_tls_is_as_good_as_the_front():
    with World(local=True) as world, Vsftpd(world.folder, world.partner.root, tls="explicit") as server:
        requests = pushing(world)
        world.start()
        requests.wait_up()
        post(world, "POINTS_1.dat.pgp", records(25))
        requests.generate()
        wait_pushed(world)
        settings, joined = server.endpoint(), os.path.join(world.folder, "all.csv")
        url, password = settings["url"] + "/recon", ["--password-file", settings["password-file"]]
        result = pull(world, requests, url, os.path.join(world.folder, "into"), *password, "--ca-file",
                      settings["ca-file"], "--json", "--join", joined)
        equal((result.status, result.json()["shards"]), (FINE, 3), result.out + result.err)
        equal(len(lines_of(joined)), 26, "lines")
        other = os.path.join(world.folder, "other")
        assert pull(world, requests, url, other, *password).status != FINE, "a server that nobody we know has certified"
        equal(os.listdir(other), [], "what came of it")


@test
def packed_and_sealed_shards_are_opened_counted_and_joined_or_kept_as_they_are():
    for pack in ("gzip", "zstd"):
        with World(local=True) as world:
            requests = pushing(world, compress=pack, encrypt=True)
            world.start()
            requests.wait_up()
            made = records(25)
            post(world, "POINTS_1.dat.pgp", made)
            requests.generate()
            wait_pushed(world)
            url, into = f"file://{world.partner.root}/recon", os.path.join(world.folder, "into")
            joined = os.path.join(world.folder, "all.csv")
            result = pull(world, requests, url, into, keys=world.keys.partner.home)
            equal(result.status, FINE, result.out + result.err)
            result = pull(world, requests, url, into, "--join", joined, "--json", keys=world.keys.partner.home)
            equal((result.status, result.json()["bytes_transferred"]), (FINE, 0), result.out + result.err)
            equal([line.split(",")[0] for line in lines_of(joined)[1:]], [r.reference for r in made],
                  "the joined records")
            equal(pull(world, requests, url, into, "--join", joined, "--keep-encrypted").status, 2,
                  "--join of what is not opened")
            # Our ring has no key that opens them: only their bytes can be checked.
            kept = os.path.join(world.folder, "kept")
            assert pull(world, requests, url, kept).status != FINE, "opened without the key"
            equal(pull(world, requests, url, kept, "--keep-encrypted").status, FINE, "--keep-encrypted")
            verify = ["recon", "verify", kept, "--signed-by", world.keys.gateway, "--gnupg-home"]
            equal(requests.run(*verify, world.keys.partner.home).status, FINE, "verify, with the key")
            equal(requests.run(*verify, world.gnupg, "--keep-encrypted").status, FINE, "verify, bytes only")
            left = [n for n in os.listdir(into) if n.endswith(".part") or n.endswith(".csv")
                    and b"R-0000" in open(os.path.join(into, n), "rb").read()]
            equal(left, [], "plaintext or left-overs in the folder")


@test
def the_newest_version_is_fetched_unless_another_is_asked_for():
    with World(local=True) as world:
        requests = pushing(world)
        world.start()
        requests.wait_up()
        post(world, "POINTS_1.dat.pgp", records(12))
        requests.generate()
        post(world, "POINTS_2.dat.pgp", accruals.records(3, prefix="S"), sequence=2)
        requests.generate(version=2)
        wait_pushed(world, 2)
        folder = f"file://{world.partner.root}/recon"
        for url, words in ((requests.url, ["--token-file", requests.token_file, "--ca-file", authority().certificate]),
                           (folder, [])):
            for asked, version, count in (([], 2, 15), (["--of-version", "1"], 1, 12), (["--of-version", "2"], 2, 15)):
                into = os.path.join(world.folder, f"{url[:4]}-{'-'.join(asked)}")
                report = pull(world, requests, url, into, *words, *asked, "--json").json()
                equal((report["result"], report["version"], report["records"]), ("whole", version, count),
                      f"{url} {asked}")
        equal(pull(world, requests, folder, os.path.join(world.folder, "none"), "--of-version", "3").status, NOT_READY,
              "a version that is not there")


@test
def months_and_days_without_records_are_fetched_as_any_other():
    with World(local=True) as world:
        requests = Requests(world, threshold=5000, reconcile={"period": "month"}).apply()
        world.start()
        requests.wait_up()
        post(world, "POINTS_1.dat.pgp", records(10001), seconds=120)
        requests.generate(date="2026-11")
        into = os.path.join(world.folder, "into")
        report = requests.pull(into, "--json", date="2026-11").json()
        equal((report["result"], report["shards"], report["records"]), ("whole", 3, 10001), "10,001 records at 5,000")
        requests.generate(date="2026-10")
        joined = os.path.join(world.folder, "empty.csv")
        result = requests.pull(os.path.join(world.folder, "empty"), "--json", "--join", joined, date="2026-10")
        equal((result.status, result.json()["shards"], result.json()["acknowledged"]), (FINE, 0, True),
              result.out + result.err)
        equal(os.path.getsize(joined), 0, "the joined file of no shard")


@test
def a_pull_that_is_killed_is_taken_up_at_its_last_byte():
    with World(local=True) as world:
        requests = Requests(world, threshold=50000).apply()
        world.start()
        requests.wait_up()
        post(world, "POINTS_1.dat.pgp", records(100000), seconds=120)
        requests.generate()
        size = sum(s["size"] for s in requests.manifest()["shards"])
        into = os.path.join(world.folder, "into")
        proxy = Proxy(requests.port)
        proxy.rate = size // 4  # four seconds, in which to kill it
        words = [BINARY, "recon", "pull", f"https://127.0.0.1:{proxy.port}", "--type", "points", "--date", DATE,
                 "--into", into, "--token-file", requests.token_file,
                 "--ca-file", authority().certificate, "--signed-by", world.keys.gateway, "--gnupg-home", world.gnupg]
        process = subprocess.Popen(words, env=world.gateway.environment, stdin=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)

        def held():
            return sum(os.path.getsize(os.path.join(into, n)) for n in os.listdir(into)
                       if ".csv" in n) if os.path.isdir(into) else 0
        wait_until("a part of it", lambda: held() > size // 4)
        process.send_signal(signal.SIGKILL)
        process.wait()
        proxy.close()
        wait_until("its couriers to end", lambda: held() == (time.sleep(0.1), held())[1])
        before = held()
        assert before < size, "it was done already"
        report = requests.pull(into, "--json").json()
        equal((report["result"], report["bytes_transferred"]), ("whole", size - before),
              f"the second run, of {size} bytes")


class Ignorant(http.server.BaseHTTPRequestHandler):
    """Serves a folder's files whole, whatever range is asked for, and breaks off each shard once in its middle."""
    protocol_version = "HTTP/1.1"
    files, broken = {}, set()

    def do_GET(self):
        name = self.path.rsplit("/", 1)[1]
        body = self.files.get(self.path)
        if body is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if "/objects/" in self.path and name not in self.broken:
            self.broken.add(name)
            body = body[:len(body) // 2]
            self.close_connection = True
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@test
def a_server_that_does_not_know_ranges_is_borne():
    with served(3000, 1000) as (world, requests):
        manifest = requests.manifest()
        paths = [requests.path_of(s) for s in manifest["shards"]] + [f"/v1/manifests/points/{DATE}",
                                                                     f"/v1/manifests/points/{DATE}/signature"]
        handler = type("Handler", (Ignorant,),
                       {"files": {path: requests.curl(path, binary=True).body for path in paths}, "broken": set()})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*server_certificate())
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            result = requests.pull(os.path.join(world.folder, "into"), "--json", "--no-acknowledgement",
                                   url=f"https://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            server.server_close()
        report = result.json()
        equal((result.status, report["breaks"], report["refetched"]), (FINE, 3, 0), result.out + result.err)


@test
def a_terminal_sees_bars_and_a_log_does_not():
    with served() as (world, requests):
        plain = requests.pull(os.path.join(world.folder, "one"))
        equal((plain.status, plain.err), (FINE, ""), "no terminal")
        has(plain.out, "3 shards, 25 records", "the result")
        words = [BINARY, "recon", "pull", requests.url, "--type", "points", "--date", DATE, "--into",
                 os.path.join(world.folder, "two"), "--token-file",
                 requests.token_file, "--ca-file", authority().certificate, "--signed-by", world.keys.gateway,
                 "--gnupg-home", world.gnupg]
        ours, theirs = pty.openpty()
        process = subprocess.Popen(words, env={**world.gateway.environment, "TERM": "xterm"}, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=theirs)
        os.close(theirs)
        seen = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the end of a terminal
                break
            if not piece:
                break
            seen += piece
        os.close(ours)
        process.stdout.close()
        equal(process.wait(), FINE, seen.decode(errors="replace"))
        has(seen.decode(errors="replace"), "of 3 shards", "the total's bar")
        assert seen.endswith(b"\x1b[J"), "what was drawn is taken away at the end"
