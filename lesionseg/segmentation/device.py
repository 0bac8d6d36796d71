"""Which inference runtimes and devices there are, and which one to use."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata, util

from lesionseg.core.errors import DeviceError

AUTO = "auto"
CPU = "cpu"
TORCH = "torch"
OPENVINO = "openvino"
RUNTIMES = (OPENVINO, TORCH)
"""In order of preference on a CPU: OpenVINO runs the same weights several times faster."""


@dataclass(frozen=True)
class RuntimeDescription:
    """One inference runtime, for ``lesionseg doctor``.

    Attributes
    ----------
    name : str
    version : str
        Empty if it is not installed.
    devices : tuple of str
        What it can run on here; empty if it is not installed.
    remedy : str
        How to get it, if it is not installed.
    """

    name: str
    version: str
    devices: tuple[str, ...]
    remedy: str = ""

    @property
    def installed(self) -> bool:
        """Whether it can be used."""
        return bool(self.version)


@dataclass(frozen=True)
class Placement:
    """The runtime and device that will be used."""

    runtime: str
    device: str


def available_devices() -> tuple[str, ...]:
    """``cpu``, and ``cuda:0`` … for each CUDA device that torch sees. Imports torch."""
    import torch

    return (CPU, *(f"cuda:{index}" for index in range(torch.cuda.device_count())))


def available_runtimes() -> tuple[str, ...]:
    """Names of the installed runtimes, the preferred one first. Imports nothing."""
    return tuple(name for name in RUNTIMES if util.find_spec(name) is not None)


def describe_runtimes() -> tuple[RuntimeDescription, ...]:
    """Every runtime lesionseg knows, installed or not."""
    installed = available_runtimes()
    devices = {OPENVINO: (CPU,), TORCH: available_devices() if TORCH in installed else ()}
    remedies = {OPENVINO: "pip install 'lesionseg[openvino]'", TORCH: "pip install torch"}
    return tuple(
        RuntimeDescription(name, metadata.version(name), devices[name])
        if name in installed
        else RuntimeDescription(name, "", (), remedies[name])
        for name in RUNTIMES
    )


def resolve(device: str = AUTO, runtime: str = AUTO) -> Placement:
    """Settle which runtime and device to use.

    ``auto`` takes the first CUDA device if there is one, else the CPU; on the CPU OpenVINO if it is
    installed, else torch.

    Raises
    ------
    DeviceError
        If the device or runtime is unknown or not there, or the two do not go together.
    """
    device, runtime = device.lower(), runtime.lower()
    if runtime not in (AUTO, *RUNTIMES):
        raise DeviceError("unknown runtime", expected=f"auto, {', '.join(RUNTIMES)}", found=runtime)
    if runtime != AUTO and runtime not in available_runtimes():
        raise DeviceError(
            f"the runtime {runtime} is not installed",
            expected=", ".join(available_runtimes()),
            remedy=f"Install it (pip install 'lesionseg[{runtime}]'), or leave --runtime at auto",
        )
    chosen = _resolve_device(device, runtime)
    if chosen != CPU:
        if runtime == OPENVINO:
            raise DeviceError(
                "the runtime openvino runs on the CPU only",
                found=chosen,
                remedy="Use --device cpu, or --runtime torch",
            )
        return Placement(TORCH, chosen)
    return Placement(available_runtimes()[0] if runtime == AUTO else runtime, CPU)


def _resolve_device(device: str, runtime: str) -> str:
    if device == CPU or (device == AUTO and runtime == OPENVINO):
        return CPU
    known = available_devices()
    if device == AUTO:
        return known[1] if len(known) > 1 else CPU
    wanted = "cuda:0" if device == "cuda" else device
    if wanted not in known:
        raise DeviceError(
            "there is no such device",
            expected="auto, " + ", ".join(known),
            found=device,
            remedy="For an NVIDIA GPU install the driver and a CUDA build of torch; else use --device cpu",
        )
    return wanted
