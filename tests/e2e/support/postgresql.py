"""A real PostgreSQL server of a test's own, in a temporary folder, reached by its socket only."""
import glob
import os
import pwd
import shutil
import subprocess
import tempfile

from harness import Missing


class Postgresql:
    """with Postgresql() as server: server.run(sql); server.connection is what libpq takes, server.odbc unixODBC."""

    def __init__(self, *, settings="-c fsync=off"):
        self.settings = settings
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
        if not found:
            raise Missing("there is no PostgreSQL here: install the package postgresql")
        self.bin = os.path.dirname(found[-1])
        self.folder = tempfile.mkdtemp(prefix="spg-")
        self.data = os.path.join(self.folder, "data")
        self.as_user = []
        if os.geteuid() == 0:  # the server refuses to run as root
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self.as_user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        os.chmod(self.folder, 0o755)
        self.connection = f"host={self.folder} dbname=postgres user=postgres"
        self.odbc = f"Driver=PostgreSQL Unicode;Servername={self.folder};Database=postgres;UID=postgres"

    def _tool(self, name, *words, **options):
        return subprocess.run([*self.as_user, os.path.join(self.bin, name), *words], cwd=self.folder, check=True,
                              stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, **options)

    def __enter__(self):
        try:
            self._tool("initdb", "-A", "trust", "-N", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "-D",
                       self.data)
            self._tool("pg_ctl", "-D", self.data, "-w", "-l", os.path.join(self.folder, "log"), "-o",
                       f"-k {self.folder} -c listen_addresses= {self.settings}", "start")
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        return self

    def run(self, sql):
        subprocess.run([os.path.join(self.bin, "psql"), "-q", "-v", "ON_ERROR_STOP=1", "-d", self.connection],
                       input=sql.encode(), check=True,
                       stdout=subprocess.DEVNULL)

    def __exit__(self, *_):
        subprocess.run([*self.as_user, os.path.join(self.bin, "pg_ctl"), "-D", self.data, "-m", "immediate", "-w",
                        "stop"], cwd="/",
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.folder, ignore_errors=True)
