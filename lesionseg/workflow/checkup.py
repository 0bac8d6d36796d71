"""What ``lesionseg doctor`` looks at, finding by finding, so that the first lines show at once."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lesionseg.core.errors import LesionSegError
from lesionseg.core.provenance import package_versions

Kind = Literal["good", "hint", "bad"]
_GIB = 2**30
_LEAST_MEMORY_GIB = 6.0
TRANSFER_SYNTAXES = (
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.4.201",
    "1.2.840.10008.1.2.5",
)
"""Encodings that CT archives use (PS3.5 section 10 and PS3.6 annex A)."""


@dataclass(frozen=True)
class Finding:
    """One line of the check-up.

    Attributes
    ----------
    topic : str
    kind : str
        ``good``; ``hint``: works without it; ``bad``: segment will fail.
    text, remedy : str
    """

    topic: str
    kind: Kind
    text: str
    remedy: str = ""


def checkup() -> Iterator[Finding]:
    """Look at everything in turn; an error in one part does not hide the others."""
    yield from _machine()
    for topic, look in (
        ("DICOM encodings", _encodings),
        ("Inference", _inference),
        ("Model bundles", _bundles),
        ("Self-test", _self_test),
    ):
        yield from _guarded(topic, look)


def _guarded(topic: str, look: Callable[[str], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from look(topic)
    except LesionSegError as error:
        yield _refusal(topic, error)
    except (ImportError, OSError, RuntimeError) as error:
        yield Finding(topic, "bad", f"{type(error).__name__}: {error}", "Reinstall lesionseg")


def _refusal(topic: str, error: LesionSegError) -> Finding:
    return Finding(topic, "bad", str(error).removesuffix(f" {error.remedy}"), error.remedy)


def _machine() -> Iterator[Finding]:
    import psutil

    topic = "Machine and packages"
    yield Finding(topic, "good", f"{platform.platform()}, Python {platform.python_version()}")
    memory_gib = psutil.virtual_memory().total / _GIB
    enough = memory_gib >= _LEAST_MEMORY_GIB
    yield Finding(
        topic,
        "good" if enough else "hint",
        f"{os.cpu_count()} CPU threads, {memory_gib:.0f} GiB of memory",
        "" if enough else f"Long scans need {_LEAST_MEMORY_GIB:.0f} GiB",
    )
    versions = package_versions()
    yield Finding(topic, "good", ", ".join(f"{name} {version}" for name, version in versions.items()))


def _encodings(topic: str) -> Iterator[Finding]:
    from lesionseg.dicom.decoding import check_decodable
    from lesionseg.dicom.transfer_syntaxes import name_of

    readable = []
    for syntax in TRANSFER_SYNTAXES:
        try:
            check_decodable(syntax, "")
        except LesionSegError as error:
            yield Finding(topic, "hint", f"not readable here: {name_of(syntax)}", error.remedy)
        else:
            readable.append(name_of(syntax).removesuffix(f" ({syntax})"))
    yield Finding(
        topic, "good", f"{len(readable)} of {len(TRANSFER_SYNTAXES)} readable: {'; '.join(readable)}"
    )


def _inference(topic: str) -> Iterator[Finding]:
    from lesionseg.segmentation import describe_runtimes, resolve

    for runtime in describe_runtimes():
        if runtime.installed:
            yield Finding(topic, "good", f"{runtime.name} {runtime.version} on {', '.join(runtime.devices)}")
        else:
            yield Finding(topic, "hint", f"{runtime.name} is not installed", runtime.remedy)
    placement = resolve()
    yield Finding(topic, "good", f"by default: {placement.runtime} on {placement.device}")


def _bundles(topic: str) -> Iterator[Finding]:
    from lesionseg.segmentation import bundle_folders, list_bundles, load_bundle

    found = list_bundles()
    if not found:
        folders = " or ".join(map(str, bundle_folders()))
        yield Finding(topic, "bad", f"none in {folders}", "Reinstall lesionseg, or set LESIONSEG_MODELS")
    for path in found:
        yield _verified(topic, path)
    if found:
        yield Finding(topic, "good", f"by default: {load_bundle().name}")


def _verified(topic: str, path: Path) -> Finding:
    from lesionseg.segmentation import load_bundle

    try:
        bundle = load_bundle(path)
    except LesionSegError as error:
        return _refusal(topic, error)
    return Finding(topic, "good", f"{bundle.name} verified, SHA-256 {bundle.sha256[:16]}…, {path}")


def _self_test(topic: str) -> Iterator[Finding]:
    from lesionseg.segmentation import open_segmenter
    from lesionseg.workflow.selftest import SelfTest, network_self_test, volumetry_self_test

    def lines(name: str, test: SelfTest) -> Iterator[Finding]:
        for line in test.lines:
            judged = "" if line.tolerance_pct is None else f", at most {line.tolerance_pct:g} % allowed"
            text = (
                f"{name}: {line.name} {line.measured_ml:.1f} ml, true {line.true_ml:.1f} ml, "
                f"error {line.error_pct:+.2f} %{judged}"
            )
            remedy = "" if line.passed else "Do not use this installation; reinstall, then report it"
            yield Finding(topic, "good" if line.passed else "bad", text, remedy)
        yield Finding(topic, "good", f"{name}: took {test.seconds:.1f} s")

    yield from lines("volumetry", volumetry_self_test())
    yield from lines("network", network_self_test(open_segmenter()))
