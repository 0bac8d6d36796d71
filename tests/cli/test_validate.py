from __future__ import annotations

from pathlib import Path

import pytest

from lesionseg.volumetry.agreement.pooled import Resampling
from tests.cli.conftest import Cli
from tests.cli.test_startup import HEAVY, loaded_after
from tests.workflow.test_validation import save


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "lesionseg.volumetry.agreement.Resampling", lambda seed: Resampling(seed=seed, resamples=20)
    )


@pytest.fixture
def quick_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "lesionseg.reports.validation.page.write_validation_page", lambda _, path, __: path.write_text("page")
    )


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for number in (1, 2):
        save(tmp_path / "pred" / f"P00{number}" / "labels.nii.gz", number)
        save(tmp_path / "ref" / f"P00{number}.nii.gz", number + 1)
    return tmp_path / "pred", tmp_path / "ref"


def test_table_and_report_are_named(cli: Cli, folders: tuple[Path, Path], output: Path) -> None:
    done = cli("validate", *folders, "-o", output)
    assert done.code == 0, done.err
    for words in ("2 cases compared", "Whole lesion", "surface Dice at 2 mm", str(output / "report.html")):
        assert words in done.out
    assert (output / "report.html").is_file()


@pytest.mark.usefixtures("quick_page")
def test_json_holds_the_summary(cli: Cli, folders: tuple[Path, Path], output: Path) -> None:
    done = cli(
        "validate", *folders, "-o", output, "--json", "--regions", "lesion,solid", "--tolerance-mm", "1"
    )
    assert (done.code, done.json["ok"]) == (0, True)
    assert {row["region"] for row in done.json["summary"]} == {"lesion", "solid"}
    assert done.json["settings"]["tolerance_mm"] == 1
    assert done.json["cases"]["compared"] == 2
    (mean,) = [
        row for row in done.json["summary"]
        if (row["region"], row["measure"], row["statistic"]) == ("lesion", "dice", "mean")
    ]  # fmt: skip
    assert mean["value"] == pytest.approx((2 / 3 + 4 / 5) / 2)


@pytest.mark.usefixtures("quick_page")
def test_a_reference_that_cannot_be_compared_gives_exit_code_three(
    cli: Cli, folders: tuple[Path, Path], output: Path
) -> None:
    save(folders[1] / "P002.nii.gz", 1, origin_mm=4.0)
    done = cli("validate", *folders, "-o", output, "--json")
    assert (done.code, done.json["ok"]) == (3, False)
    (left,) = done.json["left_out"]
    assert (left["case"], left["status"], left["code"]) == ("P002", "failed", "geometry")
    assert (output / "cases.csv").is_file()
    shown = cli("validate", *folders, "-o", output, "--overwrite")
    assert shown.code == 3
    assert "P002: prediction and reference lie at different places" in shown.out


@pytest.mark.usefixtures("quick_page")
def test_a_reference_without_prediction_gives_exit_code_three_and_the_reverse_does_not(
    cli: Cli, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    save(folders[0] / "extra.nii.gz", 1)
    assert cli("validate", *folders, "-o", tmp_path / "a").code == 0
    save(folders[1] / "lost.nii.gz", 1)
    assert cli("validate", *folders, "-o", tmp_path / "b").code == 3


@pytest.mark.usefixtures("quick_page")
def test_lesion_masks_are_named_on_the_command_line(
    cli: Cli, folders: tuple[Path, Path], tmp_path: Path, output: Path
) -> None:
    for number in (1, 2):
        save(tmp_path / "masks" / f"P00{number}.nii.gz", number, lung=0, lesion=1)
    done = cli(
        "validate", folders[0], tmp_path / "masks", "-o", output, "--reference-labels", "lesion=1", "--json"
    )
    assert {row["region"] for row in done.json["summary"]} == {"lesion"}
    assert done.json["summary"][0]["value"] == 1
    assert done.json["notes"] == []


@pytest.mark.parametrize(
    "words",
    [
        ("--reference-labels", "lobe=1"),
        ("--reference-labels", "lesion=1", "--regions", "solid"),
        ("--regions", "everything"),
        ("--tolerance-mm", "-1"),
        ("--seed", "-1"),
    ],
)
def test_misuse_gives_exit_code_two(cli: Cli, folders: tuple[Path, Path], output: Path, words) -> None:
    done = cli("validate", *folders, "-o", output, *words, "--json")
    assert (done.code, done.json["error"]["code"]) == (2, "usage")
    assert not output.exists()


def test_absent_input_and_filled_output_are_refused(
    cli: Cli, folders: tuple[Path, Path], tmp_path: Path, output: Path
) -> None:
    done = cli("validate", tmp_path / "nowhere", folders[1], "-o", output, "--json")
    assert (done.code, done.json["error"]["code"]) == (1, "input-not-found")
    output.mkdir()
    (output / "mine.txt").write_text("keep")
    done = cli("validate", *folders, "-o", output, "--overwrite", "--json")
    assert (done.code, done.json["error"]["code"]) == (1, "output-exists")
    assert (output / "mine.txt").read_text() == "keep"


def test_help_loads_nothing_heavy() -> None:
    loaded = loaded_after("from lesionseg.cli.run import run; assert run(['validate', '--help']) == 0")
    assert loaded.isdisjoint({*HEAVY, "jinja2"})
