"""The options of ``lesionseg batch`` that say who does the work."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lesionseg.batch.engine import Engine


class EngineName(StrEnum):
    """Engines by their names."""

    LOCAL = "local"
    RAY = "ray"


EngineOption = Annotated[
    EngineName, typer.Option("--engine", help="This process, or workers of a Ray cluster (docs/cluster.md).")
]
RayAddressOption = Annotated[
    str | None,
    typer.Option(
        "--ray-address",
        metavar="HOST:PORT",
        help="Head of the Ray cluster, or auto; left out, one of this machine alone is started.",
    ),
]
CpusPerWorkerOption = Annotated[
    int | None,
    typer.Option(
        "--cpus-per-worker",
        min=1,
        help="CPU cores of each Ray worker; by default a GPU's share of its machine, or 4 without GPU.",
    ),
]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", min=1, help="Ray workers at most; by default all that fit.")
]


def engine_of(
    name: EngineName, address: str | None, cpus_per_worker: int | None, workers: int | None
) -> Engine | None:
    """Return the engine that was asked for; None stands for this process.

    Raises
    ------
    MissingFeatureError
        If Ray is asked for and not installed.
    typer.BadParameter
        If an option of Ray is given without Ray.
    """
    given = {"--ray-address": address, "--cpus-per-worker": cpus_per_worker, "--workers": workers}
    if name is EngineName.LOCAL:
        unused = [option for option, value in given.items() if value is not None]
        if unused:
            raise typer.BadParameter(f"{unused[0]} needs --engine ray")
        return None
    from lesionseg.batch.cluster import ClusterSettings, RayEngine

    return RayEngine(ClusterSettings(address, cpus_per_worker, workers))
