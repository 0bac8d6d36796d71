from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Text

from lesionseg.core.confidence import Confidence, ProportionDoubt, ScanFigure
from lesionseg.core.labels import DEFAULT_SCHEME, Label
from lesionseg.reports.caption import BRACKETS, Caption, CaptionFlag, CaptionRow, ScanLine, caption_of
from lesionseg.reports.overview import compose_overview, draw_captioned, draw_overview
from lesionseg.volume import CTVolume, LabelMap, VolumeGeometry
from lesionseg.volumetry import measure
from tests.support.ct_series import chest_volume
from tests.workflow.builders import RuleSegmenter

LONG = "The lung reaches the lowest slice, where 12 cm² of it are cut: about 3 % may lie outside the scan."


def caption(name: str = "scan", flags: int = 0, *, lesion_pct: float | None = 3.2) -> Caption:
    severities = itertools.cycle(("critical", "warning", "info"))
    return Caption(
        name=name,
        lesion_pct=lesion_pct,
        solid_pct=lesion_pct,
        rows=tuple(
            CaptionRow(words, 5283.4, 22.04) for words in ("Lung", "Right", "Left", "Lesion", "Solid")
        ),
        flags=tuple(CaptionFlag(next(severities), f"{number}: {LONG}") for number in range(flags)),
        source="Labels: test " + 80 * "1.",
        detail="40 x 64 x 64 voxels of 6.25 x 5.50 x 5.50 mm, series " + 6 * "1.2.826.0.1.3680043.",
        lesion_interval="(< 0.01 to 100.0)",
        solid_interval="(< 0.01 to 100.0)",
    )


def confidence(score: float) -> Confidence:
    """Eight figures as far outside their range as `score` says, the first one most."""
    names = ("slice_step_ratio", "slice_jumps_pct", "noise_hu", "lung_hu", "tissue_hu", "lung_roughness",
             "unsure_lesion_mm", "unsure_border_mm")  # fmt: skip
    figures = tuple(
        ScanFigure(name, 100.0 + score, 98.0, 100.0, score - 0.01 * number)
        for number, name in enumerate(names)
    )
    return Confidence(ProportionDoubt(0.5, 0.75), ProportionDoubt(50.0, 0.25), figures, "sensitivity")


def written(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.texts]


@pytest.fixture(scope="module")
def scan() -> tuple[CTVolume, LabelMap]:
    volume = chest_volume()
    return volume, RuleSegmenter().segment(volume)


def text_boxes(figure: Figure) -> dict[str, tuple[float, float, float, float]]:
    """Left, bottom, right, top in pixels of every piece of text on the picture."""
    figure.canvas.draw()
    texts = [artist for artist in figure.findobj(Text) if artist.get_text() and artist.get_visible()]
    inside_axes = {text for axes in figure.axes for text in axes.texts}
    shown = [text for text in texts if text in inside_axes or text in figure.texts]
    boxes = [(text.get_text(), text.get_window_extent()) for text in shown]
    return {f"{number} {words}": (*box.min, *box.max) for number, (words, box) in enumerate(boxes)}


def overlapping(boxes: dict[str, tuple[float, float, float, float]], slack_px: float = 1.0) -> list[str]:
    return [
        f"{first} / {second}"
        for (first, a), (second, b) in itertools.combinations(boxes.items(), 2)
        if min(a[2], b[2]) - max(a[0], b[0]) > slack_px and min(a[3], b[3]) - max(a[1], b[1]) > slack_px
    ]


@pytest.mark.parametrize(
    ("name", "flags"),
    [("scan", 0), ("scan", 30), ("a very long name " * 12, 30), ("x" * 400, 1)],
)
def test_no_text_overlaps_another_or_leaves_the_picture(
    scan: tuple[CTVolume, LabelMap], name: str, flags: int
) -> None:
    figure = compose_overview(*scan, caption(name, flags))
    boxes = text_boxes(figure)
    width, height = figure.get_size_inches() * figure.dpi
    assert len(boxes) > 30
    assert overlapping(boxes) == []
    assert all(left >= 0 and right <= width and low >= 0 and high <= height
               for left, low, right, high in boxes.values())  # fmt: skip


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 3, 4), (300, 40, 12), (3, 400, 20), (3, 20, 400)])
def test_odd_shapes_still_make_a_readable_picture(shape: tuple[int, int, int]) -> None:
    geometry = VolumeGeometry.from_axes(shape, (2.0, 1.0, 1.0))
    volume = CTVolume(np.full(shape, -700, np.int16), geometry)
    label_map = LabelMap(np.ones(shape, np.uint8), geometry)
    figure = compose_overview(volume, label_map, caption(flags=2))
    assert overlapping(text_boxes(figure)) == []


def test_flags_that_do_not_fit_are_counted(scan: tuple[CTVolume, LabelMap]) -> None:
    figure = compose_overview(*scan, caption(flags=30))
    words = [text.get_text() for text in figure.texts]
    shown = sum(word == "■" for word in words)
    assert 1 <= shown < 30
    assert f"and {30 - shown} more, see measurements.json" in words


def test_one_mm_is_one_mm_in_every_panel(scan: tuple[CTVolume, LabelMap]) -> None:
    figure = compose_overview(*scan, caption())
    for axes in figure.axes:
        across = axes.bbox.width / abs(np.diff(axes.get_xlim())[0])
        down = axes.bbox.height / abs(np.diff(axes.get_ylim())[0])
        assert across == pytest.approx(down, rel=0.01)


def test_scale_bar_has_the_length_it_states(scan: tuple[CTVolume, LabelMap]) -> None:
    figure = compose_overview(*scan, caption())
    barred = 0
    for axes in figure.axes:
        stated = [text.get_text() for text in axes.texts if text.get_text().endswith(" mm")]
        if stated:
            length_mm = float(stated[0].removesuffix(" mm"))
            drawn = [abs(np.diff(line.get_xdata())[0]) for line in axes.lines]
            assert length_mm == pytest.approx(drawn[-1])
            barred += 1
    assert barred >= 5


def test_same_scan_gives_the_same_bytes_however_it_was_acquired(
    scan: tuple[CTVolume, LabelMap], tmp_path: Path
) -> None:
    volume, label_map = scan
    draw_captioned(volume, label_map, caption(), tmp_path / "axial.png")
    draw_captioned(volume, label_map, caption(), tmp_path / "again.png")
    # the same patient stored as sagittal slices, rows upwards
    hu = np.ascontiguousarray(volume.hu.transpose(2, 0, 1)[:, ::-1])
    labels = np.ascontiguousarray(label_map.labels.transpose(2, 0, 1)[:, ::-1])
    affine = np.array(volume.geometry.affine)[:, [2, 0, 1, 3]]
    affine[:3, 3] += affine[:3, 1] * (hu.shape[1] - 1)
    affine[:3, 1] *= -1
    geometry = VolumeGeometry(hu.shape, affine)
    draw_captioned(CTVolume(hu, geometry), LabelMap(labels, geometry), caption(), tmp_path / "sagittal.png")
    axial = (tmp_path / "axial.png").read_bytes()
    assert (tmp_path / "again.png").read_bytes() == axial
    assert (tmp_path / "sagittal.png").read_bytes() == axial


def test_file_says_neither_when_nor_by_which_software_it_was_drawn(
    scan: tuple[CTVolume, LabelMap], tmp_path: Path
) -> None:
    draw_captioned(*scan, caption(), tmp_path / "overview.png")
    content = (tmp_path / "overview.png").read_bytes()
    assert content.startswith(b"\x89PNG")
    assert b"tEXt" not in content
    assert b"tIME" not in content


def marked_panels(lesion: tuple[slice, slice, slice]) -> dict[str, np.ndarray]:
    """The non-solid paint of each panel, by its letters, for a lesion in one part of a big lung."""
    shape = (20, 40, 60)
    geometry = VolumeGeometry.from_axes(shape, (8.0, 5.0, 5.0))
    labels = np.ones(shape, np.uint8)
    labels[lesion] = Label.NON_SOLID
    volume = CTVolume(np.full(shape, -850, np.int16), geometry)
    figure = compose_overview(volume, LabelMap(labels, geometry), caption())
    panels = {}
    for axes in figure.axes:
        letters = "".join(text.get_text() for text in axes.texts if len(text.get_text()) == 1)
        paint = [image.get_array() for image in axes.images if image.get_array().ndim == 3]
        if paint and paint[0][..., 3].any():
            panels[letters] = paint[0][..., 3] > 0
    return panels


def test_patients_right_is_at_the_left_and_the_feet_at_the_bottom() -> None:
    # standard order: slices from foot to head, rows from front to back, columns from right to left
    right_low_back = (slice(1, 6), slice(30, 38), slice(2, 12))
    panels = marked_panels(right_low_back)
    assert set(panels) == {"ALPR", "SLIR", "SPIA"}

    def quadrant(mask: np.ndarray) -> tuple[bool, bool]:
        rows, columns = np.nonzero(mask)
        return bool(rows.mean() > mask.shape[0] / 2), bool(columns.mean() > mask.shape[1] / 2)

    assert quadrant(panels["ALPR"]) == (True, False)  # back is down, right is left
    assert quadrant(panels["SLIR"]) == (True, False)  # feet are down, right is left
    assert quadrant(panels["SPIA"]) == (True, True)  # feet are down, back is right


def test_colours_are_those_of_the_label_scheme(scan: tuple[CTVolume, LabelMap], tmp_path: Path) -> None:
    draw_captioned(*scan, caption(), tmp_path / "overview.png")
    pixels = np.rint(imread(tmp_path / "overview.png")[..., :3] * 255).astype(int).reshape(-1, 3)
    for label in (Label.LUNG, Label.NON_SOLID, Label.SOLID):
        assert (np.abs(pixels - DEFAULT_SCHEME.colours[label]).max(axis=1) <= 1).sum() > 50  # the legend


def test_single_right_lung_is_called_right() -> None:
    volume = chest_volume()
    labels = RuleSegmenter().segment(volume).labels.copy()
    labels[:, :, 32:] = 0
    label_map = LabelMap(labels, volume.geometry)
    figure = compose_overview(volume, label_map, caption())
    titles = {text.get_text() for text in figure.texts if text.get_text().startswith("Sagittal")}
    assert titles == {"Sagittal, right lung"}


def test_map_without_lung_is_drawn_and_said(tmp_path: Path) -> None:
    volume = chest_volume()
    label_map = LabelMap(np.zeros(volume.hu.shape, np.uint8), volume.geometry)
    words = caption_of(volume, measure(volume, label_map), ScanLine("empty"))
    assert words.lesion_pct is None
    figure = compose_overview(volume, label_map, words)
    written = [text.get_text() for text in figure.texts]
    assert written.count("no lung") >= 2
    assert any("No lung was found" in text for text in written)


def test_caption_carries_the_measured_figures(scan: tuple[CTVolume, LabelMap], tmp_path: Path) -> None:
    volume, label_map = scan
    measured = measure(volume, label_map)
    words = caption_of(volume, measured, ScanLine("P01", "1.2.3", "Labels: rule 1"))
    assert words.lesion_pct == measured.whole.lesion_proportion_pct
    assert {row.name: row.volume_ml for row in words.rows}["Solid component"] == measured.whole.solid_ml
    assert [flag.sentence for flag in words.flags] == [flag.sentence for flag in measured.flags]
    assert "series 1.2.3" in words.detail
    draw_overview(volume, label_map, measured, tmp_path / "overview.png")
    assert imread(tmp_path / "overview.png").shape[1] == 1600


def test_intervals_stand_under_the_proportions_and_are_explained(scan: tuple[CTVolume, LabelMap]) -> None:
    measured = measure(*scan, confidence=confidence(0.5))
    lesion_pct, solid_pct = measured.whole.lesion_proportion_pct, measured.whole.solid_proportion_pct
    assert lesion_pct is not None
    assert solid_pct is not None
    words = written(compose_overview(*scan, caption_of(scan[0], measured, ScanLine("P01"))))
    assert f"({lesion_pct - 0.5:.1f} to {lesion_pct + 0.75:.1f})" in words
    assert f"(0.0 to {solid_pct + 0.25:.1f})" in words
    assert any(BRACKETS in text for text in words)


def test_without_an_interval_nothing_is_said_of_one(scan: tuple[CTVolume, LabelMap]) -> None:
    words = written(compose_overview(*scan, caption_of(scan[0], measure(*scan), ScanLine("P01"))))
    assert not any(text.startswith("(") or BRACKETS in text or "None" in text for text in words)


def test_map_without_lung_has_no_interval_whatever_the_segmenter_says() -> None:
    volume = chest_volume()
    label_map = LabelMap(np.zeros(volume.hu.shape, np.uint8), volume.geometry)
    words = caption_of(volume, measure(volume, label_map, confidence=confidence(0.5)), ScanLine("empty"))
    assert (words.lesion_interval, words.solid_interval) == ("", "")


def test_score_is_told_once_and_only_with_its_flag(scan: tuple[CTVolume, LabelMap]) -> None:
    def sentences(score: float) -> list[str]:
        measured = measure(*scan, confidence=confidence(score))
        return [flag.sentence for flag in caption_of(scan[0], measured, ScanLine("P01")).flags]

    assert sum("Score 2.1 (reference scans: up to 1)." in sentence for sentence in sentences(2.1)) == 1
    assert not any("core" in sentence for sentence in sentences(1.4))


@pytest.mark.parametrize("slices", [6, 40])
def test_all_critical_flags_are_drawn_whole(slices: int) -> None:
    volume = chest_volume((slices, 64, 64), (250 / slices, 5.5, 5.5))
    label_map = RuleSegmenter().segment(volume)
    words = caption_of(volume, measure(volume, label_map, confidence=confidence(9.9)), ScanLine("P01"))
    unusual = next(flag for flag in words.flags if "unsure lung border" in flag.sentence)
    words = replace(words, flags=(CaptionFlag("critical", LONG), unusual, CaptionFlag("info", LONG)))
    figure = compose_overview(volume, label_map, words)
    assert f"{LONG} {unusual.sentence}" in " ".join(text for text in written(figure) if text != "■")
    boxes = text_boxes(figure)
    assert overlapping(boxes) == []
    assert min(low for _, low, _, _ in boxes.values()) >= 0
