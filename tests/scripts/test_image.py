"""The Dockerfile, as far as it can be judged by reading; its steps are run by `scripts/image/try.sh`."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def stages(repository: Path) -> dict[str, str]:
    """Text of each stage by its name, continued lines joined."""
    text = (repository / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    parts = re.split(r"^FROM \S+ AS (\S+)$", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


@pytest.mark.parametrize("target", ["cpu", "cuda"])
def test_targets_run_as_nobody_special_and_are_checked_by_doctor(stages: dict[str, str], target: str) -> None:
    assert re.search(r"^USER \d{4,}$", stages[target], re.MULTILINE)
    assert re.search(r'^HEALTHCHECK .*CMD \["lesionseg", "doctor"', stages[target], re.MULTILINE)
    assert 'ENTRYPOINT ["lesionseg"]' in stages[target]
    assert f"COPY --from={target}-installed /opt/lesionseg /opt/lesionseg" in stages[target]
    assert "pip" not in stages[target]


def test_the_cpu_image_is_what_a_plain_build_gives(stages: dict[str, str]) -> None:
    assert list(stages)[-1] == "cpu"


def test_all_that_is_copied_is_there_and_not_ignored(repository: Path, stages: dict[str, str]) -> None:
    kept = {
        line[1:]
        for line in (repository / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", "\n".join(stages.values()), re.MULTILINE)
    copied = {word for line in lines for word in line.split()}
    assert {"lesionseg", "models", "requirements.lock"} <= copied
    for name in copied:
        assert (repository / name).exists(), name
        assert any(name == part or name.startswith(f"{part}/") for part in kept), name


def test_every_script_is_sound_bash_and_is_used(repository: Path, stages: dict[str, str]) -> None:
    folder = repository / "scripts" / "image"
    callers = "\n".join(stages.values()) + (folder / "try.sh").read_text(encoding="utf-8")
    for path in sorted(folder.glob("*.sh")):
        subprocess.run(["bash", "-n", path], check=True)
        assert path.stat().st_mode & 0o100, f"{path.name} cannot be executed"
        assert path.name in callers or path.name == "try.sh", path.name
    assert "scripts/image/try.sh" in (repository / ".ci" / "run").read_text(encoding="utf-8")
