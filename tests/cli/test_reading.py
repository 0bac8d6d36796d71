from __future__ import annotations

from pathlib import Path

import pytest

from lesionseg.volume.files import read_label_map
from tests.cli.conftest import Cli
from tests.support.ct_series import Series
from tests.workflow.builders import RuleSegmenter
from tests.workflow.reading.builders import add_voxels, save

SCAN = "scan"


@pytest.fixture
def case(cli: Cli, good_series: Series, rule: RuleSegmenter, quick_picture: None, tmp_path: Path) -> Path:
    assert cli("segment", good_series.folder, "-o", tmp_path / "case").code == 0
    return tmp_path / "case"


@pytest.fixture
def edited(case: Path, tmp_path: Path) -> Path:
    """The model's mask with 40 voxels more of solid lesion."""
    model = read_label_map(case / "labels.nii.gz")
    return save(model, add_voxels(model.labels, 40, 3), tmp_path / "edited.nii.gz")


@pytest.fixture
def readings(tmp_path: Path) -> Path:
    return tmp_path / "readings"


def added(cli: Cli, case: Path, mask: Path, readings: Path, reader: str, *more: object) -> dict[str, object]:
    words = ("reading", "add", case, mask, "--readings", readings, "--reader", reader, "--why", "as I see it")
    outcome = cli(*words, "--json", *more)
    assert outcome.code == 0, outcome.err
    return outcome.json


def test_two_readers_from_the_mask_to_the_final_table(
    cli: Cli, case: Path, edited: Path, readings: Path, tmp_path: Path
) -> None:
    first = added(cli, case, case / "labels.nii.gz", readings, "Ono")
    assert first["audit"]["record"] == 2  # type: ignore[index]
    added(cli, case, edited, readings, "Ruiz")
    listed = cli("reading", "list", readings, "--json").json["readings"]
    assert [(row["scan_id"], row["reader"]) for row in listed] == [(SCAN, "Ono"), (SCAN, "Ruiz")]
    assert listed[1]["lesion_ml"] > listed[0]["lesion_ml"]

    plan, scans = tmp_path / "plan.yaml", tmp_path / "scans.csv"
    plan.write_text(
        "trial: {identifier: T}\narms: {treatment: a, control: b}\n"
        "endpoints: [{name: lesion, parameter: LESPCT, visit: day 28, role: primary}]\n"
        "readings: {largest_difference: 0.01}\n"
    )
    scans.write_text(
        "subject,scan_id,visit_given,status,lung_ml,lesion_ml,lesion_proportion_pct\n"
        f"A,{SCAN},baseline,measured,5000,500,10\n"
    )
    agreed = cli("reading", "agree", readings, "-o", tmp_path / "agreement", "--plan", plan, "--json")
    assert agreed.json["scans"] == 1
    finalize = (
        "reading",
        "finalize",
        scans,
        "--readings",
        readings,
        "--plan",
        plan,
        "-o",
        tmp_path / "final",
    )
    refused = cli(*finalize)
    assert refused.code == 1
    assert "adjudicator's reading is missing" in refused.err
    added(cli, case, edited, readings, "Chief", "--role", "adjudicator")
    done = cli(*finalize, "--json")
    assert done.json["counts"] == {"adjudicator": 1}
    changed = cli(
        "change", tmp_path / "final" / "scans.csv", "--plan", plan, "-o", tmp_path / "visits", "--json"
    )
    assert changed.code == 0
    assert '"adjudicator"' in (tmp_path / "visits" / "adlesion.csv").read_text()
    assert cli("audit", "verify", readings, "--json").json["records"] == 6


def test_the_screen_shows_the_reader_beside_the_model(
    cli: Cli, case: Path, edited: Path, readings: Path
) -> None:
    outcome = cli(
        "reading",
        "add",
        case,
        edited,
        "--readings",
        readings,
        "--reader",
        "Ono",
        "--why",
        "missed at the base",
    )
    assert outcome.code == 0
    assert "difference" in outcome.out
    assert "+7.56" in outcome.out  # 40 voxels of 0.189 ml
    shown = cli("audit", "show", readings)
    assert "missed at the base" in shown.out
    log = readings / "audit.jsonl"
    log.write_bytes(log.read_bytes().replace(b"missed", b"Missed"))
    verified = cli("audit", "verify", log, "--json")
    assert (verified.code, verified.json["ok"]) == (1, False)
    assert (verified.json["fault"]["line"], verified.json["fault"]["code"]) == (2, "changed")
    assert "line 2" in cli("audit", "verify", log).out


def test_a_reading_is_corrected_and_withdrawn(cli: Cli, case: Path, edited: Path, readings: Path) -> None:
    first = added(cli, case, case / "labels.nii.gz", readings, "Ono")["reading_id"]
    second = added(cli, case, edited, readings, "Ono", "--supersedes", first)["reading_id"]
    standing = cli("reading", "list", readings, "--json").json["readings"]
    assert [row["reading_id"] for row in standing] == [second]
    assert len(cli("reading", "list", readings, "--all", "--json").json["readings"]) == 2
    assert cli("reading", "withdraw", readings, second, "--by", "DM", "--why", "wrong scan").code == 0
    standing = cli("reading", "list", readings, "--json").json["readings"]
    assert [row["reading_id"] for row in standing] == [first]
    assert first in cli("reading", "list", readings).out


def test_a_key_goes_with_the_log(cli: Cli, case: Path, readings: Path, tmp_path: Path) -> None:
    key = tmp_path / "audit.key"
    key.write_text("0123456789abcdef" * 4 + "\n")
    added(cli, case, case / "labels.nii.gz", readings, "Ono", "--key-file", key)
    assert cli("audit", "verify", readings, "--key-file", key, "--json").json["key_checked"] is True
    assert "was not checked" in cli("audit", "verify", readings).out
    key.write_text("another key, as long as the first")
    outcome = cli("audit", "verify", readings, "--key-file", key, "--json")
    assert (outcome.code, outcome.json["fault"]["code"]) == (1, "other-key")


def test_misuse_is_told(cli: Cli, case: Path, readings: Path) -> None:
    words = ("reading", "add", case, case / "labels.nii.gz", "--readings", readings, "--reader", "Ono")
    assert cli(*words, "--why", "x", "--role", "boss").code == 2
    assert cli(*words).code == 2
    assert cli("reading", "list", readings).code == 1
    assert cli("audit", "recover", readings, "--by", "Admin", "--why", "crash").code == 1
    assert not readings.exists()
