"""Building the network that a bundle names, from an allow-list, and filling it with the bundle's weights."""

from __future__ import annotations

import importlib
import warnings
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from lesionseg.core.errors import BundleError
from lesionseg.segmentation.metadata import NetworkSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

NETWORK_CLASSES = MappingProxyType(
    {
        "BasicUNet": "monai.networks.nets",
        "DynUNet": "monai.networks.nets",
        "SegResNet": "monai.networks.nets",
        "UNet": "monai.networks.nets",
    }
)
"""Class name to module. A bundle is data: it can name only these, never a module path of its own."""

_REFUSALS = (
    TypeError, ValueError, AttributeError, AssertionError, LookupError, ArithmeticError, RuntimeError,
    NameError, MemoryError,
)  # fmt: skip
"""What MONAI and torch raise for one or another argument that makes no sense."""


def build_network(spec: NetworkSpec) -> torch.nn.Module:
    """Build the network with random weights.

    Raises
    ------
    BundleError
        If the class is not in `NETWORK_CLASSES` or refuses the arguments.
    """
    if spec.class_name not in NETWORK_CLASSES:
        raise BundleError(
            "the bundle names an unknown network class",
            expected="one of " + ", ".join(sorted(NETWORK_CLASSES)),
            found=spec.class_name,
            remedy="Update lesionseg, or choose another bundle",
        )
    with warnings.catch_warnings():  # MONAI warns about optional packages while it is imported
        warnings.simplefilter("ignore")
        module = importlib.import_module(NETWORK_CLASSES[spec.class_name])
    try:
        network = getattr(module, spec.class_name)(**spec.arguments)
    except _REFUSALS as error:
        raise BundleError(
            f"the network {spec.class_name} cannot be built from the bundle's arguments",
            found=str(error) or type(error).__name__,
            remedy="Check the network section of metadata.json",
        ) from error
    return cast("torch.nn.Module", network)


def load_state(network: torch.nn.Module, state: Mapping[str, torch.Tensor]) -> None:
    """Fill the network; every tensor must be there, none may be left over, every shape must fit.

    A tensor that the network knows under several names (MONAI's DynUNet holds its layers twice) may be given
    under any of them.

    Raises
    ------
    BundleError
        Otherwise, naming the tensors.
    """
    first_names = _first_names(network)
    given = {first_names.get(name, name): tensor for name, tensor in state.items()}
    aliased = {name: given[first] for name, first in first_names.items() if first in given}
    try:
        network.load_state_dict({**given, **aliased}, strict=True)
    except RuntimeError as error:
        raise BundleError(
            "the weights do not belong to the network the bundle names",
            found=" ".join(str(error).split()),
            remedy="Fetch the bundle again",
        ) from error


def unique_state(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Tensors of the network on the CPU, each once: aliases of a shared layer are left out."""
    first_names = _first_names(network)
    return {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in network.state_dict().items()
        if first_names.get(name, name) == name
    }


def _first_names(network: torch.nn.Module) -> dict[str, str]:
    """Every name of a parameter or buffer, and the first name under which the network holds the same one."""
    first: dict[int, str] = {}
    names: dict[str, str] = {}
    for named in (network.named_parameters, network.named_buffers):
        for name, tensor in named(remove_duplicate=False):
            names[name] = first.setdefault(id(tensor), name)
    return names
