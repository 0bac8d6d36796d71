"""Objects and settings for the DICOMweb tests."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from lesionseg.pacs.settings import Web
from lesionseg.pacs.web import Archive
from tests.pacs.fake_archive import FakeArchive, Held

CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"


def uid(*words: object) -> str:
    return str(generate_uid(entropy_srcs=[" ".join(map(str, words))]))


def dicom_bytes(study_uid: str, series_uid: str, sop_uid: str, *, pixels: int = 200) -> bytes:
    """A small object with the identifiers that matter here."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = CT_IMAGE_STORAGE
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = sop_uid
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study_uid, series_uid
    dataset.Modality = "CT"
    dataset.PixelData = b"\r\n--" * (pixels // 4)  # as much like a delimiter as pixels can be
    dataset["PixelData"].VR = "OW"
    stream = BytesIO()
    dcmwrite(stream, dataset, enforce_file_format=True)
    return stream.getvalue()


def held_series(
    name: str = "a",
    *,
    count: int = 3,
    pixels: int = 200,
    patient_id: str = "P1",
    study: str = "1",
    **facts: str,
) -> list[Held]:
    """The objects of one series of a patient."""
    study_uid, series_uid = uid("study", patient_id, study), uid("series", patient_id, study, name)
    sop_uids = [uid("instance", series_uid, number) for number in range(count)]
    return [
        Held(content, patient_id, study_uid, series_uid, sop, **facts)
        for sop in sop_uids
        for content in [dicom_bytes(study_uid, series_uid, sop, pixels=pixels)]
    ]


def changed(held: Held, **parts: str) -> bytes:
    """The bytes of an object that says another UID of itself than QIDO does."""
    other = replace(held, **parts)
    return dicom_bytes(other.study_uid, other.series_uid, other.sop_uid)


def connect(fake: FakeArchive, **settings: object) -> Archive:
    """A client that does not wait between attempts."""
    web = Web.model_validate({"url": fake.url, "read_seconds": 5, "attempts": 3, **settings})
    return Archive(web, environment={}, sleep=lambda _: None)


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
