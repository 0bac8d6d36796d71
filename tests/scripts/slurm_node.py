"""A SLURM cluster of one node on this machine's loopback, for a test: munged, slurmctld and slurmd."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

PROGRAMS = ("sbatch", "slurmctld", "slurmd", "munged")
_PATIENCE_SECONDS = 60.0
_CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SchedulerType=sched/backfill
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SwitchType=switch/none
MpiDefault=none
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
ReturnToService=2
JobRequeue=1
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory_mb} State=UNKNOWN
PartitionName=work Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def absent() -> str:
    """Say what is missing; empty where such a cluster may be started."""
    missing = [name for name in PROGRAMS if _find(name) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    return "" if os.geteuid() == 0 else "SLURM's daemons are started by root alone"


@contextmanager
def one_node(folder: Path) -> Iterator[dict[str, str]]:
    """Yield the environment in which sbatch and the like find the cluster; it is gone at the end."""
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    folder.chmod(0o755)
    configuration = folder / "slurm.conf"
    configuration.write_text(
        _CONFIGURATION.format(
            host=socket.gethostname().partition(".")[0],
            folder=folder,
            controller_port=_free_port(),
            node_port=_free_port(),
            cpus=os.cpu_count(),
            memory_mb=4096,
        )
    )
    environment = {**os.environ, "SLURM_CONF": str(configuration)}
    with ExitStack() as daemons:
        key = folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o600)
        places = {"socket": "socket", "key-file": "key", "pid-file": "pid", "seed-file": "seed"}
        options = [f"--{option}={folder}/munge.{name}" for option, name in places.items()]
        munged = ("munged", "--foreground", "--force", *options, f"--log-file={folder}/munge.log")
        daemons.enter_context(_daemon(munged, environment))
        _wait_for(lambda: (folder / "munge.socket").exists(), "munged", folder)
        daemons.enter_context(_daemon(("slurmctld", "-D", "-i"), environment))
        daemons.enter_context(_daemon(("slurmd", "-D"), environment))
        _wait_for(lambda: "idle" in _told(("sinfo", "-h", "-o", "%T"), environment), "the node", folder)
        yield environment
        _told(("scancel", "--user=root"), environment)


@contextmanager
def _daemon(command: tuple[str, ...], environment: dict[str, str]) -> Iterator[None]:
    program = _find(command[0])
    process = subprocess.Popen(
        [str(program), *command[1:]], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _find(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _told(command: tuple[str, ...], environment: dict[str, str]) -> str:
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stdout


def _wait_for(is_there: Callable[[], bool], what: str, folder: Path) -> None:
    last = time.monotonic() + _PATIENCE_SECONDS
    while not is_there():
        if time.monotonic() > last:
            logs = [path.read_text(errors="replace")[-1500:] for path in sorted(folder.glob("*.log"))]
            raise AssertionError(f"{what} did not come up: " + "\n".join(logs))
        time.sleep(0.2)
