"""What machines watch: a real Prometheus reads it, and promtool finds nothing wrong with it."""
import json
import os
import signal
import subprocess
import urllib.request

from harness import SCALE, TOP, Missing, equal, has, test, wait_until
from mailboxes import MAILBOX, Exchange
from reconciliation import free_port

PROMETHEUS, PROMTOOL = (os.path.join(TOP, "build/servers/usr/bin", name) for name in ("prometheus", "promtool"))


@test
def metrics_are_read_by_prometheus_and_only_by_its_token():
    if not os.path.exists(PROMETHEUS):
        raise Missing("Prometheus is not unpacked here: packaging/install-packages test")
    with Exchange() as exchange:
        body = b"one claim"
        exchange.source.put("a", body)
        exchange.consumer.ids()
        exchange.consumer.get("a")
        exchange.consumer.acknowledge("a", body)
        for token, status in (("", 401), (exchange.source.token, 401), (exchange.watcher.token, 200)):
            equal(exchange.watcher.curl("/metrics", token=token).status, status, "/metrics")
        equal(exchange.source.curl("/v1/manifests", token=exchange.watcher.token).status, 401, "its token elsewhere")
        text = exchange.watcher.curl("/metrics").body.decode()
        item = f'sallyport_exchange_items{{lane="ssc",mailbox="{MAILBOX}",direction="forward",state="acknowledged"}} 1'
        for line in ('sallyport_lane_up{lane="ssc"} 1', item,
                     f'sallyport_exchange_lag_seconds_count{{lane="ssc",mailbox="{MAILBOX}",phase="put_to_seen"}} 1'):
            has(text, line + "\n", "the text")
        checked = subprocess.run([PROMTOOL, "check", "metrics"], input=text, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True)
        equal((checked.returncode, checked.stdout), (0, ""), "promtool check metrics")
        port, path = free_port(), os.path.join(exchange.folder, "prometheus.yml")
        job = {"job_name": "sallyport", "scrape_interval": "1s",
               "authorization": {"credentials": exchange.watcher.token},
               "static_configs": [{"targets": [f"127.0.0.1:{exchange.port}"]}]}
        with open(path, "w") as file:
            file.write(json.dumps({"scrape_configs": [job]}))
        words = [PROMETHEUS, "--config.file", path, "--storage.tsdb.path", exchange.folder + "/tsdb",
                 "--web.listen-address", f"127.0.0.1:{port}"]
        server = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            def scraped():
                query = "sallyport_exchange_items%7Bstate=%22acknowledged%22%7D"
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?query={query}",
                                            timeout=5 * SCALE) as answer:
                    found = json.load(answer)["data"]["result"]
                rows = {row["metric"]["direction"]: row["value"][1] for row in found}
                assert rows == {"forward": "1", "reverse": "0"}, str(rows)
                return True
            wait_until("Prometheus to have read it", scraped, seconds=60, log=exchange.gateway.log_tail)
        finally:
            server.kill()
            server.wait()


@test
def probes_need_no_token_and_are_told_when_a_lane_is_gone():
    with Exchange() as exchange:
        for path in ("/healthz", "/readyz"):
            equal(exchange.source.curl(path, token="").status, 200, path)
        lane = exchange.gateway.named("lane")[0]
        os.kill(exchange.gateway.process.pid, signal.SIGSTOP)  # which would bring it back
        os.kill(lane, signal.SIGKILL)
        try:
            equal(exchange.source.curl("/readyz", token="").status, 503, "without its lane")
            equal(exchange.source.curl("/healthz", token="").status, 200, "all the same")
        finally:
            os.kill(exchange.gateway.process.pid, signal.SIGCONT)
        wait_until("it to be ready again", lambda: exchange.source.curl("/readyz", token="").status == 200,
                   log=exchange.gateway.log_tail)
