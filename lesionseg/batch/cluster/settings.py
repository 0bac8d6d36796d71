"""Which cluster, and how its machines are shared out among workers."""

from __future__ import annotations

from dataclasses import dataclass

from lesionseg.core.errors import ConfigurationError

_CLIENT = "ray://"


@dataclass(frozen=True)
class ClusterSettings:
    """How the Ray engine works.

    Attributes
    ----------
    address : str or None
        Of a cluster that is there, ``HOST:PORT`` or ``auto``; None starts one of this machine alone.
    cpus_per_worker : int or None
        CPU cores that a worker takes; None: a GPU's share of its machine, or four without GPU.
    workers : int or None
        At most; None: as many as the machines hold.
    tries : int
        How often a scan is begun whose worker or machine is lost, before it fails alone.
    patience_seconds : float
        How long to wait while there is not one worker.

    Raises
    ------
    ConfigurationError
        If a number is not positive, or the address is that of a Ray client.
    """

    address: str | None = None
    cpus_per_worker: int | None = None
    workers: int | None = None
    tries: int = 3
    patience_seconds: float = 120.0

    def __post_init__(self) -> None:
        numbers = {"cpus_per_worker": self.cpus_per_worker, "workers": self.workers, "tries": self.tries}
        wrong = [f"{name} {number}" for name, number in numbers.items() if number is not None and number < 1]
        if wrong:
            raise ConfigurationError("a cluster needs positive numbers", found=", ".join(wrong))
        if self.address is not None and self.address.startswith(_CLIENT):
            raise ConfigurationError(
                "the Ray client cannot be used",
                expected="HOST:PORT of the cluster's head, or auto",
                found=self.address,
                remedy="Run the command on a machine of the cluster",
            )
