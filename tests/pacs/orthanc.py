"""A real PACS for tests: Orthanc with its DICOMweb plugin on free loopback ports, in a folder of its own."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

AE_TITLE = "ORTHANC"
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
_START_SECONDS = 60
_STOP_SECONDS = 20
_ATTEMPTS = 3


@dataclass(frozen=True)
class Orthanc:
    """A running server.

    Attributes
    ----------
    http_port, dicom_port : int
    process : subprocess.Popen
        Stopped by its id when the test is over.
    folder : Path
        Its storage, index and log.
    """

    http_port: int
    dicom_port: int
    process: subprocess.Popen[bytes]
    folder: Path
    ae_title: str = AE_TITLE

    @property
    def url(self) -> str:
        """Orthanc's own REST interface."""
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def dicomweb_url(self) -> str:
        """Where QIDO, WADO and STOW answer."""
        return f"{self.url}/dicom-web"

    def rest(self, method: str, path: str, **arguments: Any) -> Any:
        """Call Orthanc's own interface, such as ``rest("GET", "/instances")``, and return the JSON."""
        with _session() as session:
            answer = session.request(method, self.url + path, timeout=60, **arguments)
        answer.raise_for_status()
        return answer.json()

    def text(self, path: str) -> str:
        """Get a plain answer of Orthanc's own interface."""
        with _session() as session:
            answer = session.get(self.url + path, timeout=60)
        answer.raise_for_status()
        return answer.text

    def qido(self, path: str, **query: str) -> list[dict[str, Any]]:
        """Ask QIDO by hand, such as ``qido("series", Modality="SEG")``: DICOM JSON datasets."""
        with _session() as session:
            answer = session.get(
                f"{self.dicomweb_url}/{path}",
                params=query,
                timeout=60,
                headers={"Accept": "application/dicom+json"},
            )
        answer.raise_for_status()
        return answer.json() if answer.content else []

    def add_modality(self, name: str, ae_title: str, port: int) -> None:
        """Let Orthanc know another DICOM node on loopback; send to it with ``/modalities/NAME/store``."""
        settings = {"AET": ae_title, "Host": "127.0.0.1", "Port": port}
        with _session() as session:
            session.put(f"{self.url}/modalities/{name}", json=settings, timeout=60).raise_for_status()

    def clear(self) -> None:
        """Delete everything it holds."""
        for patient in self.rest("GET", "/patients"):
            self.rest("DELETE", f"/patients/{patient}")

    def store(self, path: Path, *options: str) -> None:
        """Send a file or folder with dcmtk's storescu; the test is skipped where there is none.

        Compressed files need an option that proposes their encoding, such as ``-xs`` for lossless JPEG.
        """
        tool = needed_tool("storescu")
        command = [tool, "-aet", "STORESCU", "-aec", self.ae_title, *options, "+sd", "+r"]
        command += ["127.0.0.1", str(self.dicom_port), str(path)]
        subprocess.run(command, check=True, capture_output=True, timeout=600)


def needed_tool(name: str) -> str:
    """Return where a program lies; the test is skipped, and says so, where it is not installed."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: apt-get install orthanc orthanc-dicomweb dcmtk)")
    return found


def free_port() -> int:
    """Return a loopback port that nothing listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running_orthanc(folder: Path) -> Iterator[Orthanc]:
    """Start a server that keeps everything in `folder`; stop it by its process id afterwards."""
    program = needed_tool("Orthanc")
    if not PLUGIN.is_file():
        pytest.skip(f"Orthanc's DICOMweb plugin is not installed: no {PLUGIN}")
    server = _started(program, folder)
    try:
        yield server
    finally:
        _stop(server.process)


def _started(program: str, folder: Path) -> Orthanc:
    """Start on free ports; another program may take one in between, so try again with others."""
    for _ in range(_ATTEMPTS):
        ports = free_port(), free_port()
        config = folder / "orthanc.json"
        config.write_text(json.dumps(_configuration(folder, *ports)))
        with (folder / "orthanc.log").open("ab") as log:
            process = subprocess.Popen([program, str(config)], stdout=log, stderr=log, cwd=folder)
        server = Orthanc(*ports, process, folder)
        if _answers(server):
            return server
        _stop(process)
    raise RuntimeError("Orthanc did not start:\n" + (folder / "orthanc.log").read_text()[-4000:])


def _configuration(folder: Path, http_port: int, dicom_port: int) -> dict[str, Any]:
    return {
        "Name": "lesionseg tests",
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "index"),
        "HttpPort": http_port,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomPort": dicom_port,
        "DicomAet": AE_TITLE,
        "DicomAlwaysAllowStore": True,
        "DicomAlwaysAllowEcho": True,
        "OverwriteInstances": False,
        "StableAge": 1,
        "Plugins": [str(PLUGIN)],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }


def _answers(server: Orthanc) -> bool:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            with _session() as session:
                if session.get(f"{server.dicomweb_url}/studies", timeout=5).ok:
                    return True
        except requests.ConnectionError:
            time.sleep(0.1)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.kill()  # nothing in its folder is needed any more, and leaving in good order takes it seconds
    process.wait(_STOP_SECONDS)


def _session() -> requests.Session:
    """Return a session that never goes through a proxy of the environment."""
    session = requests.Session()
    session.trust_env = False
    return session
