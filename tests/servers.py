"""Servers that tests start, stop and kill: each on a free port, in a folder of its own."""

import contextlib
import os
import platform
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest


def free_port():
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, seconds=30):
    """Wait until something listens on a port."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise TimeoutError(port)


class Server:
    """A server as a process that can be stopped, killed and started again.

    Args:
        words: of its command line.
        port: that it listens on.
        user: that it runs as; by default that of the tests.
    """

    def __init__(self, words, port, user=None):
        self.words, self.port, self.user = words, port, user
        self.start()

    def start(self):
        self.process = psutil.Popen(
            self.words, user=self.user, cwd="/",
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        wait_for_port(self.port)

    def all(self):
        with contextlib.suppress(psutil.NoSuchProcess):
            return [*self.process.children(recursive=True), self.process]
        return []

    def freeze(self):
        """It answers no more, and its connections stay open."""
        for process in self.all():
            process.suspend()

    def thaw(self):
        for process in self.all():
            process.resume()

    def kill(self):
        for process in self.all():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()


def find_postgres():
    """The folder of PostgreSQL's programs; None where it is not installed."""
    places = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    if path := shutil.which("initdb"):
        places.insert(0, Path(path).parent)
    return next((place for place in places if (place / "initdb").exists()), None)


@contextmanager
def run_postgres() -> Iterator[Server]:
    """A PostgreSQL server with a database ``runs``; its ``url`` is that of SQLAlchemy."""
    programs = find_postgres()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    user = None
    if os.getuid() == 0:  # as which it does not run
        user = next(name for name in ("postgres", "nobody") if _is_user(name))
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    try:
        if user is not None:
            shutil.chown(folder, user)
        cluster, port = str(folder / "cluster"), free_port()
        subprocess.run(
            [programs / "initdb", "-D", cluster, "-U", "tests", "-A", "trust", "--no-sync"],
            user=user, cwd="/", check=True, capture_output=True,
        )  # fmt: skip
        server = Server(
            [str(programs / "postgres"), "-D", cluster, "-p", str(port), "-h", "127.0.0.1",
             "-k", "", "-c", "fsync=off", "-c", "restart_after_crash=off"], port, user,
        )  # fmt: skip
        server.url = f"postgresql+psycopg://tests:secret@127.0.0.1:{port}/postgres"
        try:
            yield server
        finally:
            server.thaw()
            server.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_user(name):
    with contextlib.suppress(KeyError):
        return bool(pwd.getpwnam(name))
    return False


@contextmanager
def run_mongo(folder: Path) -> Iterator[Server]:
    """A server that speaks MongoDB's protocol and keeps its documents in a file."""
    if find_spec("nx_27017") is None or find_spec("pymongo") is None:
        pytest.skip("nx-27017 and pymongo are not installed")
    port = free_port()
    words = [sys.executable, "-c", "from nx_27017.nx_27017 import main; main()",
             "--db", str(folder / "mongo.db"), "--port", str(port)]  # fmt: skip
    server = Server(words, port)
    server.url = f"localhost:{port}:runs"
    try:
        yield server
    finally:
        server.thaw()
        server.kill()


#: Of one node, without the service that usually says who somebody is.
SLURM = """
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthType=auth/none
CredType=cred/none
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
MpiDefault=none
KillWait=10
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 CoresPerSocket=2 RealMemory=1000 State=UNKNOWN
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


@contextmanager
def run_slurm() -> Iterator[dict[str, str]]:
    """A Slurm of one node of two CPUs; what the environment of its commands must say."""
    if shutil.which("slurmctld") is None or shutil.which("slurmd") is None or os.getuid() != 0:
        pytest.skip("Slurm is not installed, or this is not root")
    folder, host = Path(tempfile.mkdtemp(prefix="slurm-")), platform.node().partition(".")[0]
    ports = free_port(), free_port()
    settings = folder / "slurm.conf"
    settings.write_text(SLURM.format(host=host, ports=ports, folder=folder))
    for name in ("state", "spool"):
        (folder / name).mkdir()
    servers = []
    try:
        servers.append(Server(["slurmctld", "-D", "-c", "-f", str(settings)], ports[0]))
        servers.append(Server(["slurmd", "-D", "-N", host, "-f", str(settings)], ports[1]))
        yield {"SLURM_CONF": str(settings)}
    finally:
        for server in reversed(servers):
            server.kill()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def run_silent() -> Iterator[int]:
    """A port where connections are taken and nothing is ever said."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(16)
        yield listening.getsockname()[1]


__all__ = [
    "Server",
    "find_postgres",
    "free_port",
    "run_mongo",
    "run_postgres",
    "run_silent",
    "run_slurm",
]
