"""A batch on several machines: workers as Ray actors, directed by the process that alone has the ledger."""

from lesionseg.batch.cluster.engine import RayEngine
from lesionseg.batch.cluster.settings import ClusterSettings

__all__ = ["ClusterSettings", "RayEngine"]
