"""How many workers the machines hold, and what each of them takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lesionseg.batch.cluster.settings import ClusterSettings
from lesionseg.core.errors import ClusterError, ConfigurationError
from lesionseg.workflow.request import SegmenterSettings

CPUS_WITHOUT_GPU = 4
"""More cores speed the network up by less than more workers do."""


@dataclass(frozen=True)
class Machine:
    """CPU cores and GPUs that a node of the cluster offers."""

    cpus: int
    gpus: int

    @classmethod
    def of(cls, resources: Mapping[str, float]) -> Machine:
        """Read them as Ray tells them."""
        return cls(int(resources.get("CPU", 0)), int(resources.get("GPU", 0)))


@dataclass(frozen=True)
class Sharing:
    """Workers, and CPU cores and GPUs of each."""

    workers: int
    cpus: int
    gpus: int


def machines_of(nodes: Sequence[Mapping[str, Any]]) -> tuple[Machine, ...]:
    """Return the machines that are alive, from what ``ray.nodes()`` says."""
    return tuple(Machine.of(node["Resources"]) for node in nodes if node["Alive"])


def share_out(machines: Sequence[Machine], settings: ClusterSettings, how: SegmenterSettings) -> Sharing:
    """Divide the machines among workers: one for each GPU, or for each slice of CPU cores.

    With GPUs in the cluster, and unless ``cpu`` is asked for, machines without GPU stay idle: labels of CPU
    and GPU differ in single voxels, and one table should come from one kind.

    Raises
    ------
    ConfigurationError
        If a device with a number is asked for.
    ClusterError
        If there is no room for one worker.
    """
    gpus = _gpus_per_worker(machines, how)
    cpus = settings.cpus_per_worker or _cpus_per_worker(machines, gpus)
    room = sum(
        min(machine.cpus // cpus, machine.gpus // gpus if gpus else machine.cpus) for machine in machines
    )
    if not room:
        raise ClusterError(
            "the cluster has no room for one worker",
            expected=f"{cpus} CPU cores" + (" and a GPU" if gpus else "") + " on one machine",
            found="; ".join(f"{machine.cpus} cores, {machine.gpus} GPUs" for machine in machines),
            remedy="Give fewer --cpus-per-worker, another --device, or add machines",
        )
    return Sharing(min(room, settings.workers or room), cpus, gpus)


def _gpus_per_worker(machines: Sequence[Machine], how: SegmenterSettings) -> int:
    device = how.device.lower()
    if ":" in device:
        raise ConfigurationError(
            "a worker has one GPU, whose number the cluster decides",
            expected="--device auto, cpu or cuda",
            found=how.device,
        )
    if device == "auto":
        return int(how.runtime.lower() != "openvino" and any(machine.gpus for machine in machines))
    return int(device == "cuda")


def _cpus_per_worker(machines: Sequence[Machine], gpus: int) -> int:
    if gpus:
        shares = [machine.cpus // machine.gpus for machine in machines if machine.gpus]
        return max(1, min(shares, default=1))
    with_cores = [machine.cpus for machine in machines if machine.cpus]
    return max(1, min(CPUS_WITHOUT_GPU, *with_cores)) if with_cores else 1
