"""A throwaway scene: a partner, a gateway, their folders and keys. Everything is gone when it closes."""
import os
import shutil
import tempfile
import threading

import accruals
import invariants
from configuration import Configuration
from gateway import Gateway
from partner import Keys, Partner, Sshd
from waiting import equal

_run = {"folder": None, "keys": None, "lock": threading.Lock(), "count": 0}


def run_folder():
    """The run's own folder, short: gpg-agent's sockets lie below it."""
    with _run["lock"]:
        if _run["folder"] is None:
            _run["folder"] = tempfile.mkdtemp(prefix="spt-", dir=os.environ.get("TMPDIR", "/tmp"))
        return _run["folder"]


def keys():
    folder = run_folder()
    with _run["lock"]:
        if _run["keys"] is None:
            path = os.path.join(folder, "k")
            os.mkdir(path)
            _run["keys"] = Keys(path)
        return _run["keys"]


def close_run(*, keep=False):
    if _run["keys"] is not None:
        _run["keys"].close()
    if _run["folder"] is not None and not keep:
        shutil.rmtree(_run["folder"], ignore_errors=True)


class Scene:
    """with Scene() as scene: … — the partner's server runs, the gateway is configured and not yet started."""

    def __init__(self, *, local=False, sshd_options="", state=None):
        self.keys = keys()
        with _run["lock"]:
            _run["count"] += 1
            number = _run["count"]
        self.folder = os.path.join(run_folder(), f"w{number}")
        os.mkdir(self.folder)
        self.state = state or os.path.join(self.folder, "state")
        self.runtime = os.path.join(self.folder, "run")
        self.path = os.path.join(self.folder, "sallyport.conf")
        gnupg = os.path.join(self.folder, "g")
        self.keys.copy_gateway_home(gnupg)
        self.gnupg = gnupg
        self.partner = Partner(self.folder, self.keys)
        self.configuration = Configuration(state=self.state, runtime=self.runtime, gnupg_home=gnupg, keys=self.keys)
        self.sshd = None
        if local:
            self.configuration.endpoints["main"] = {"url": "file://" + self.partner.root}
        else:
            self.sshd = Sshd(self.folder, self.partner.root, self.keys, options=sshd_options).start()
            self.configuration.endpoints["main"] = self.sftp()
        self.gateway = Gateway(self.folder, self.path)

    def port(self):
        """Where the gateway finds the partner's server."""
        return self.sshd.port

    def sftp(self, **changes):
        """An endpoint's settings."""
        user = changes.pop("user", None) or _user()
        identity = os.path.join(self.folder, "identity")
        if not os.path.exists(identity):
            shutil.copy(self.keys.client, identity)
            os.chmod(identity, 0o600)
        return {"url": f"sftp://{user}@127.0.0.1:{self.port()}", "host-key": [Keys.fingerprint(self.keys.host)],
                "identity-file": identity, "connect-timeout": "10s", "io-timeout": "20s", **changes}

    @property
    def feed(self):
        return self.configuration.feed

    def write_configuration(self):
        temporary = self.path + ".new"
        with open(temporary, "w") as file:
            file.write(self.configuration.text())
        os.rename(temporary, self.path)

    def start(self, **options):
        self.write_configuration()
        self.gateway.start(**options)
        return self

    def restart(self, **options):
        self.gateway.start(**options)

    # --- what tests do all the time
    def drop(self, name, made, **options):
        """Seals and drops a file of these records (or this text). Options of accruals.text and Partner.drop."""
        split = {k: options.pop(k) for k in ("sequence", "count", "total", "header", "trailer", "end") if k in options}
        plain = made if isinstance(made, (str, bytes)) else accruals.text(made, **split)
        self.partner.drop(name, plain, **options)

    def feedback(self, name, **options):
        """The feedback of this file, parsed, once it is there."""
        return accruals.parse_feedback(self.partner.wait_for(self.answer_name(name, "FB"), log=self.gateway.log_tail,
                                                             **options))

    def exception(self, name, **options):
        return accruals.parse_feedback(self.partner.wait_for(self.answer_name(name, "EX"), log=self.gateway.log_tail,
                                                             **options))

    @staticmethod
    def answer_name(name, kind):
        return name.split(".")[0] + f"_{kind}.dat.pgp"

    def original_of(self, row):
        text = self.partner.originals[row["name"]]
        return text if isinstance(text, str) else text.decode("latin-1")

    def credits(self):
        """(number, sum) of all entries."""
        entries = self.gateway.entries()
        return len(entries), sum(int(e["amount"]) for e in entries)

    def assert_nothing_credited(self):
        equal(self.credits(), (0, 0), "credits")

    def settle(self, **options):
        """Waits until nothing is under way, then checks the invariants."""
        self.gateway.wait_quiet(**options)
        invariants.assert_invariants(self)

    def assert_no_plaintext(self, *, but=()):
        """No canary of any record in any file on the gateway's side, logs included."""
        for path in [*invariants.files_below(self.state), *invariants.files_below(self.runtime), self.gateway.log_path]:
            if not os.path.isfile(path) or os.path.basename(os.path.dirname(path)) in but:
                continue
            with open(path, "rb") as file:
                assert accruals.CANARY.encode() not in file.read(), f"plaintext was left in {path}"

    # --- the end
    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        reports = ""
        try:
            if self.gateway.process is not None and kind is None:
                status = self.gateway.stop()
                equal(status, 0, "exit status after SIGTERM")
            reports = self.gateway.sanitizer_reports()
        finally:
            self.close(keep=kind is not None or bool(reports))
        assert not reports, "the sanitizers report:\n" + reports

    def close(self, *, keep=False):
        self.gateway.close()
        if self.sshd:
            self.sshd.stop()
        self.keys.partner.__class__(self.gnupg).stop()
        if not keep or not os.environ.get("SALLYPORT_TEST_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)


def _user():
    import pwd
    return pwd.getpwuid(os.geteuid()).pw_name
