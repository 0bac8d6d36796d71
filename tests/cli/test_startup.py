from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

HEAVY = (
    "numpy", "pydicom", "torch", "monai", "openvino", "matplotlib", "scipy", "skimage", "SimpleITK",
    "psutil", "safetensors",
)  # fmt: skip


def loaded_after(code: str) -> set[str]:
    script = f"import sys, json\n{code}\nsys.stderr.write(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in json.loads(done.stderr)}


@pytest.mark.parametrize(
    "code",
    [
        "import lesionseg",
        "from lesionseg.cli.run import run; assert run(['--help']) == 0",
        "from lesionseg.cli.run import run; assert run(['segment', '--help']) == 0",
        "from lesionseg.cli.run import run; assert run(['--version']) == 0",
    ],
)
def test_nothing_heavy_is_loaded_for(code: str) -> None:
    assert loaded_after(code).isdisjoint(HEAVY)


def test_public_names_load_on_first_use() -> None:
    import lesionseg

    for name in lesionseg.__all__:
        assert getattr(lesionseg, name) is not None
        assert name in dir(lesionseg)
    with pytest.raises(AttributeError, match="no_such_name"):
        lesionseg.no_such_name  # noqa: B018


def test_module_and_command_say_their_version() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lesionseg", "--version"], capture_output=True, text=True, check=True
    )
    from lesionseg import __version__

    assert done.stdout.split() == ["lesionseg", __version__]


def test_consoles_without_unicode_get_plain_text() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "COLUMNS": "100", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "lesionseg", "segment", "nowhere", "-o", "out"],
        capture_output=True, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert b"there is no such file or folder" in done.stderr
    assert b"Traceback" not in done.stderr
    assert all(byte < 128 for byte in done.stderr)
