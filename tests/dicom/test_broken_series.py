"""Intact series are read exactly; broken ones are refused by name, position and remedy."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lesionseg.core.errors import InputError, InputNotFoundError, LesionSegError
from lesionseg.dicom import load_series
from lesionseg.volume import CTVolume
from tests.support.bad_input import BAD_INPUT_CASES
from tests.support.broken_series import LISTED_CASES
from tests.support.compare import Truth, difference
from tests.support.ct_series import Series, chest_volume, write_series
from tests.support.series_case import SeriesCase, truth_of

ALL_CASES = (*LISTED_CASES, *BAD_INPUT_CASES)
POSITION_NAMED_WITHIN_MM = 0.06
NOBODY = 65534


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Series:
    return write_series(tmp_path_factory.mktemp("good") / "series")


def assert_read_right(volume: CTVolume, truths: tuple[Truth, ...]) -> None:
    found = [difference(volume.hu, volume.geometry.affine, truth) for truth in truths]
    assert any(one.same for one in found), "; or ".join(one.summary for one in found)


def cases(*, intact: bool) -> list[object]:
    return [pytest.param(case, id=case.name) for case in ALL_CASES if case.intact is intact]


def test_the_good_series_is_read_exactly_with_slices_along_the_normal(good: Series) -> None:
    loaded = load_series(good.folder)
    np.testing.assert_array_equal(loaded.volume.hu, good.volume.hu)
    assert loaded.volume.hu.dtype == np.int16
    np.testing.assert_allclose(loaded.volume.geometry.affine, good.volume.geometry.affine, atol=1e-9)
    assert loaded.volume.geometry.frame_of_reference_uid == good.settings.frame_of_reference_uid


@pytest.mark.parametrize("case", cases(intact=True))
def test_intact_series_is_read_exactly(case: SeriesCase, good: Series, tmp_path: Path) -> None:
    truths = case.make(good, tmp_path / "input")
    loaded = load_series(tmp_path / "input")
    assert_read_right(loaded.volume, truths)


@pytest.mark.parametrize("case", cases(intact=False))
def test_broken_series_is_refused_with_place_and_remedy(
    case: SeriesCase, good: Series, tmp_path: Path
) -> None:
    truths = case.make(good, tmp_path / "input")
    outcome = load_or_error(tmp_path / "input")
    if isinstance(outcome, CTVolume):
        assert case.may_load, "a broken series was read without complaint"
        assert_read_right(outcome, truths)
    else:
        assert isinstance(outcome, case.errors), f"{type(outcome).__name__}: {outcome}"
        assert outcome.case, f"names no series: {outcome}"
        assert outcome.remedy, f"names no remedy: {outcome}"
        assert_names_position(outcome, case.positions_mm)


def load_or_error(folder: Path) -> CTVolume | LesionSegError:
    try:
        return load_series(folder).volume
    except LesionSegError as error:
        return error


def assert_names_position(error: LesionSegError, positions_mm: tuple[float, ...]) -> None:
    if not positions_mm:
        return
    numbers = [
        float(text) for text in re.findall(r"-?\d+(?:\.\d+)?", str(error).replace("\N{MINUS SIGN}", "-"))
    ]
    near = [n for n in numbers for mm in positions_mm if abs(n - mm) <= POSITION_NAMED_WITHIN_MM]
    assert near, f"no position of {positions_mm} mm in: {error}"


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in BAD_INPUT_CASES[:3]])
def test_messages_about_folders_name_the_folder(case: SeriesCase, good: Series, tmp_path: Path) -> None:
    case.make(good, tmp_path / "trial-042")
    with pytest.raises(InputError, match="trial-042"):
        load_series(tmp_path / "trial-042")


def test_a_path_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError, match="nowhere"):
        load_series(tmp_path / "nowhere")


def test_a_file_that_cannot_be_opened_is_named(
    good: Series, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stands in for a missing permission, which root does not know."""
    import builtins
    import io

    locked = good.paths[7]

    def refuse(path: object) -> None:
        if isinstance(path, str | os.PathLike) and Path(path) == locked:
            raise PermissionError(13, "Permission denied", str(path))

    for module, name in ((builtins, "open"), (io, "open"), (os, "open")):
        real = getattr(module, name)

        def guarded(path: object, *args: object, _real: object = real, **kwargs: object) -> object:
            refuse(path)
            return _real(path, *args, **kwargs)  # type: ignore[operator]

        monkeypatch.setattr(module, name, guarded)
    with pytest.raises(InputError, match=locked.name):
        load_series(good.folder)


@pytest.fixture
def unprivileged() -> Iterator[None]:
    """Root reads every file, so become nobody for a while."""
    if os.geteuid() != 0:
        yield
        return
    try:
        os.seteuid(NOBODY)
    except OSError as error:
        pytest.skip(f"root cannot become another user here: {error}")
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_without_read_permission_is_named(unprivileged: None) -> None:
    with tempfile.TemporaryDirectory() as name:
        series = write_series(Path(name) / "series")
        series.paths[7].chmod(0)
        with pytest.raises(InputError, match=series.paths[7].name):
            load_series(series.folder)


def test_a_folder_without_read_permission_is_named(unprivileged: None) -> None:
    with tempfile.TemporaryDirectory() as name:
        series = write_series(Path(name) / "series" / "upper")
        write_series(Path(name) / "series" / "lower")
        series.folder.chmod(0)
        try:
            with pytest.raises(InputError, match="upper"):
                load_series(Path(name) / "series")
        finally:
            series.folder.chmod(0o755)


@pytest.mark.slow
def test_two_thousand_slices_are_read_exactly(tmp_path: Path) -> None:
    series = write_series(tmp_path / "series", chest_volume((2000, 16, 16), (0.25, 22.0, 22.0)))
    assert_read_right(load_series(series.folder).volume, (truth_of(series),))
