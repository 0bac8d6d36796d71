"""How machines are shared out among workers."""

from __future__ import annotations

import pytest

from lesionseg.batch.cluster.settings import ClusterSettings
from lesionseg.batch.cluster.sharing import Machine, Sharing, machines_of, share_out
from lesionseg.core.errors import ClusterError, ConfigurationError
from lesionseg.workflow.request import SegmenterSettings

LAPTOP, SERVER, STATION = Machine(2, 0), Machine(32, 0), Machine(16, 2)


@pytest.mark.parametrize(
    ("machines", "device", "sharing"),
    [
        ([LAPTOP], "auto", Sharing(1, 2, 0)),
        ([SERVER], "auto", Sharing(8, 4, 0)),
        ([LAPTOP, SERVER], "auto", Sharing(17, 2, 0)),
        ([STATION], "auto", Sharing(2, 8, 1)),
        ([STATION, SERVER], "auto", Sharing(2, 8, 1)),
        ([STATION, SERVER], "cpu", Sharing(12, 4, 0)),
        ([STATION], "cuda", Sharing(2, 8, 1)),
        ([Machine(2, 4)], "auto", Sharing(2, 1, 1)),
    ],
)
def test_one_worker_for_each_gpu_or_slice_of_cores(
    machines: list[Machine], device: str, sharing: Sharing
) -> None:
    assert share_out(machines, ClusterSettings(), SegmenterSettings(device=device)) == sharing


def test_openvino_takes_no_gpu() -> None:
    found = share_out([STATION], ClusterSettings(), SegmenterSettings(runtime="openvino"))
    assert found == Sharing(4, 4, 0)


def test_cores_and_number_as_asked_for() -> None:
    asked = ClusterSettings(cpus_per_worker=5, workers=4)
    assert share_out([SERVER], asked, SegmenterSettings()) == Sharing(4, 5, 0)
    assert share_out([LAPTOP], ClusterSettings(cpus_per_worker=1), SegmenterSettings()) == Sharing(2, 1, 0)


@pytest.mark.parametrize(
    ("machines", "settings", "device"),
    [
        ([LAPTOP], ClusterSettings(cpus_per_worker=3), "auto"),
        ([SERVER], ClusterSettings(), "cuda"),
        ([Machine(0, 0)], ClusterSettings(), "auto"),
    ],
)
def test_no_room_for_one_worker_is_said(
    machines: list[Machine], settings: ClusterSettings, device: str
) -> None:
    with pytest.raises(ClusterError, match="no room"):
        share_out(machines, settings, SegmenterSettings(device=device))


def test_a_gpu_by_its_number_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="number"):
        share_out([STATION], ClusterSettings(), SegmenterSettings(device="cuda:1"))


def test_machines_that_are_gone_do_not_count() -> None:
    nodes = [
        {"Alive": True, "Resources": {"CPU": 4.0, "GPU": 1.0, "memory": 1e9}},
        {"Alive": False, "Resources": {"CPU": 64.0}},
    ]
    assert machines_of(nodes) == (Machine(4, 1),)


@pytest.mark.parametrize("wrong", [{"workers": 0}, {"cpus_per_worker": 0}, {"tries": 0}])
def test_numbers_must_be_positive(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match="positive"):
        ClusterSettings(**wrong)  # type: ignore[arg-type]


def test_the_ray_client_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="machine of the cluster"):
        ClusterSettings("ray://head:10001")
