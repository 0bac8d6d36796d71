"""Who or what observed and measured."""

from __future__ import annotations

import re
from typing import Any, Final

from highdicom import sr
from pydicom.sr.codedict import codes

from lesionseg.dicom.uids import derived_uid
from lesionseg.export.codes import ARTIFICIAL_INTELLIGENCE, MANUAL_PROCESSING
from lesionseg.export.derived import MANUFACTURER, MODEL_NAME
from lesionseg.export.origin import Origin

ALGORITHM_NAME: Final = "lesionseg"
_NO_NAME: Final = re.compile(r"[\\=\x00-\x1f]")  # delimiters and control characters, PS3.5 6.2


def algorithm(origin: Origin) -> Any:
    """Return name, version and parameters of what measured, and of the model where one drew (TID 4019)."""
    parameters = [f"label map SHA-256: {origin.labels_sha256}"]
    if origin.bundle:
        parameters += [f"model bundle: {origin.bundle}", f"model bundle SHA-256: {origin.bundle_sha256}"]
    if origin.solid_convention:
        parameters.append(f"solid component: {origin.solid_convention}")
    family = MANUAL_PROCESSING if origin.by_reader else ARTIFICIAL_INTELLIGENCE
    return sr.AlgorithmIdentification(
        name=ALGORITHM_NAME,
        version=origin.software_version,
        parameters=parameters,
        family=family.as_code(),
        manufacturer=MANUFACTURER,
    )


def observation_context(origin: Origin) -> Any:
    """Return the device that observed, or the reader who drew with the device that measured (TID 1001)."""
    device = sr.ObserverContext(codes.DCM.Device, _device(origin))
    if not origin.by_reader:
        return sr.ObservationContext(observer_device_context=device)
    person = sr.PersonObserverIdentifyingAttributes(name=person_name(origin.reader))
    return sr.ObservationContext(
        observer_person_context=sr.ObserverContext(codes.DCM.Person, person),
        observer_device_context=device,
    )


def person_name(reader: str) -> str:
    """Return a reader's name as a PN value; a name without carets is taken as the family name."""
    name = _NO_NAME.sub(" ", reader).strip()[:64]
    return name if "^" in name else f"{name[:63]}^"


def _device(origin: Origin) -> Any:
    made_by = (origin.software_version, origin.bundle, origin.bundle_sha256)
    return sr.DeviceObserverIdentifyingAttributes(
        uid=derived_uid("device", *made_by),
        name=ALGORITHM_NAME,
        manufacturer_name=MANUFACTURER,
        model_name=MODEL_NAME,
        serial_number=origin.bundle_sha256 or None,
    )
