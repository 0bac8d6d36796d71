from __future__ import annotations

import errno
import stat
import warnings
import zipfile
from pathlib import Path

import pytest

from lesionseg.core.errors import BundleError, LesionSegError, OutputError, OutputExistsError
from lesionseg.segmentation import ModelBundle, bundle_archive, install_bundle, load_bundle
from lesionseg.segmentation.bundle_files import SUMS_NAME
from lesionseg.segmentation.bundle_search import list_bundles, user_bundle_folder
from tests.segmentation.archives import mutated, rename_inside, set_central, zip_folder, zip_with
from tests.segmentation.builders import tiny_metadata
from tests.segmentation.conftest import write_tiny_bundle

MUTATIONS = 200


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of bundles, named in LESIONSEG_MODELS; does not exist yet."""
    monkeypatch.setenv("LESIONSEG_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own folder of bundles beside those of the checkout; does not exist yet."""
    monkeypatch.delenv("LESIONSEG_MODELS", raising=False)
    folder = tmp_path / "home" / "lesionseg" / "models"
    monkeypatch.setattr("lesionseg.segmentation.bundle_search.user_bundle_folder", lambda: folder)
    return folder


@pytest.fixture
def archive(tiny_bundle: ModelBundle, tmp_path: Path) -> Path:
    return zip_folder(tiny_bundle.folder, tmp_path / "tiny.zip")


@pytest.fixture(scope="session")
def other_bundle(tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    """The same name, other content."""
    folder = tmp_path_factory.mktemp("other") / "tiny"
    return write_tiny_bundle(folder, tiny_metadata(version="2"), seed=1)


def refused(archive: Path, place: Path, word: str) -> BundleError:
    """The refusal, which must leave nothing behind."""
    with pytest.raises(BundleError, match=word) as caught:
        install_bundle(archive)
    assert not place.exists()
    assert caught.value.case
    return caught.value


@pytest.mark.parametrize("top", ["", "lung-lesion-0.2/"])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_sound_archive_is_installed_under_the_name_in_its_metadata(
    tiny_bundle: ModelBundle, place: Path, tmp_path: Path, top: str, method: int
) -> None:
    done = install_bundle(zip_folder(tiny_bundle.folder, tmp_path / "a.zip", top=top, method=method))
    assert done.bundle.folder == place / "tiny"
    assert done.bundle.sha256 == tiny_bundle.sha256
    assert (done.was_there, done.replaced, done.found_by_name) == (False, False, True)
    assert [path.name for path in place.iterdir()] == ["tiny"]
    assert load_bundle("tiny").weights == tiny_bundle.weights


def test_folder_entry_of_the_archive_is_no_file(
    tiny_bundle: ModelBundle, place: Path, tmp_path: Path
) -> None:
    zip_folder(tiny_bundle.folder, tmp_path / "a.zip", top="top/")
    with zipfile.ZipFile(tmp_path / "a.zip", "a") as writer:
        writer.mkdir("top")
    assert install_bundle(tmp_path / "a.zip").bundle.sha256 == tiny_bundle.sha256


@pytest.mark.parametrize(
    "name",
    [
        "../outside.md", "/outside.md", "a/../outside.md", "top/deep/note.md", "./note.md", "a//note.md",
        "..\\outside.md", "C:\\outside.md", "C:outside.md", ".hidden.md", "__MACOSX/._note.md", "nul.md",
        "note\n.md", "nöte.md", "note.md.", "..", "-rf.md",
    ],
)  # fmt: skip
def test_name_that_could_leave_the_folder_is_refused(
    tiny_bundle: ModelBundle, place: Path, tmp_path: Path, name: str
) -> None:
    entry = zipfile.ZipInfo("x")
    entry.filename = name
    error = refused(zip_with(tiny_bundle.folder, tmp_path / "a.zip", (entry, b"x")), place, "not allowed")
    assert repr(name) in error.found
    assert not (tmp_path / "outside.md").exists()


def test_name_with_a_nul_is_refused_although_zipfile_would_cut_it(archive: Path, place: Path) -> None:
    rename_inside(archive, b"MODEL_CARD.md", b"MODEL.md\0.exe")
    refused(archive, place, "not allowed")


@pytest.mark.parametrize("name", ["weights.pt", "run.py", "net.bin", "NOTE.MD", "SHA256SUMS.sig", "note"])
def test_other_kind_of_file_is_refused(
    tiny_bundle: ModelBundle, place: Path, tmp_path: Path, name: str
) -> None:
    error = refused(zip_with(tiny_bundle.folder, tmp_path / "a.zip", (name, b"x")), place, "carry code")
    assert name in error.case


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
@pytest.mark.parametrize("system", [3, 0])
def test_link_or_device_is_refused_whatever_system_wrote_it(
    tiny_bundle: ModelBundle, place: Path, tmp_path: Path, kind: int, system: int
) -> None:
    entry = zipfile.ZipInfo("link.md")
    entry.create_system = system
    entry.external_attr = (kind | 0o777) << 16
    archive = zip_with(tiny_bundle.folder, tmp_path / "a.zip", (entry, b"/etc/passwd"))
    assert "link.md" in refused(archive, place, "not a plain file").case


@pytest.mark.parametrize("name", ["MODEL_CARD.md", "model_card.md", "METADATA.json"])
def test_name_twice_or_twice_but_for_capitals_is_refused(
    tiny_bundle: ModelBundle, place: Path, tmp_path: Path, name: str
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile's own, about the duplicate
        archive = zip_with(tiny_bundle.folder, tmp_path / "a.zip", (name, b"x"))
    refused(archive, place, "twice")


def test_files_in_two_folders_are_refused(tiny_bundle: ModelBundle, place: Path, tmp_path: Path) -> None:
    archive = zip_with(tiny_bundle.folder, tmp_path / "a.zip", ("more/note.md", b"x"))
    refused(archive, place, "more than one folder")


@pytest.mark.parametrize("flag", [0x1, 0x41, 0x2000])
def test_encrypted_archive_is_refused(archive: Path, place: Path, flag: int) -> None:
    set_central(archive, "metadata.json", 8, "H", flag)
    error = refused(archive, place, "encrypted")
    assert "password" in error.remedy


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_packing_is_refused(tiny_bundle: ModelBundle, place: Path, tmp_path: Path, method: int) -> None:
    refused(zip_folder(tiny_bundle.folder, tmp_path / "a.zip", method=method), place, "method")


def test_bomb_is_refused_before_it_is_unpacked(
    tiny_bundle: ModelBundle, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = zipfile.ZipInfo("bomb.txt")
    bomb.compress_type = zipfile.ZIP_DEFLATED
    archive = zip_with(tiny_bundle.folder, tmp_path / "a.zip", (bomb, bytes(64 << 20)))
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("unpacked"))
    assert "times the packed size" in refused(archive, place, "more than a bundle can need").expected


def test_bomb_that_lies_about_its_size_is_refused(
    tiny_bundle: ModelBundle, place: Path, tmp_path: Path
) -> None:
    bomb = zipfile.ZipInfo("bomb.txt")
    bomb.compress_type = zipfile.ZIP_DEFLATED
    archive = zip_with(tiny_bundle.folder, tmp_path / "a.zip", (bomb, bytes(8 << 20)))
    refused(set_central(archive, "bomb.txt", 24, "I", 1000), place, "no intact zip file|differ")


@pytest.mark.parametrize(
    ("limit", "value", "words"),
    [("MOST_FILES", 3, "files"), ("LARGEST_TOTAL_BYTES", 1000, "bytes unpacked")],
)
def test_limits_on_number_and_size_hold(
    archive: Path, place: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, words: str
) -> None:
    monkeypatch.setattr(bundle_archive, limit, value)
    assert words in refused(archive, place, "more than a bundle can need").expected


def test_directory_of_countless_entries_is_refused_before_it_is_read(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle_archive, "LARGEST_DIRECTORY_BYTES", 4096)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as writer:
        for number in range(100):
            writer.writestr(f"{number}.txt", b"")
    refused(tmp_path / "a.zip", place, "directory is too long")


def test_overlapping_entries_are_refused(archive: Path, place: Path) -> None:
    """Two names for the same packed bytes, as in bombs whose ratio is fair for each file."""
    content = archive.read_bytes()
    start = content.rindex(b"weights.safetensors") - 46
    offset = int.from_bytes(content[start + 42 : start + 46], "little")
    refused(set_central(archive, "metadata.json", 42, "I", offset), place, "no intact zip file")


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all" * 10])
def test_file_that_is_no_zip_is_refused(tmp_path: Path, place: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    refused(tmp_path / "a.zip", place, "no intact zip file")


def test_missing_archive_and_folder_in_its_place_are_refused(tmp_path: Path, place: Path) -> None:
    refused(tmp_path / "none.zip", place, "cannot be read")
    refused(tmp_path, place, "cannot be read")


def test_truncated_archive_is_refused(archive: Path, place: Path) -> None:
    archive.write_bytes(archive.read_bytes()[:-200])
    refused(archive, place, "no intact zip file")


def test_archive_without_its_hashes_is_refused(bundle_copy: Path, place: Path, tmp_path: Path) -> None:
    (bundle_copy / SUMS_NAME).unlink()
    error = refused(zip_folder(bundle_copy, tmp_path / "a.zip"), place, "missing")
    assert SUMS_NAME in error.case


@pytest.mark.parametrize("name", ["weights.safetensors", "metadata.json"])
def test_altered_file_is_refused_before_anything_is_parsed(
    bundle_copy: Path, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    import safetensors.torch

    from lesionseg.segmentation import ModelMetadata

    monkeypatch.setattr(safetensors.torch, "load", lambda _: pytest.fail("weights were parsed"))
    monkeypatch.setattr(ModelMetadata, "model_validate_json", lambda _: pytest.fail("metadata were parsed"))
    (bundle_copy / name).write_bytes((bundle_copy / name).read_bytes() + b"\n")
    assert name in refused(zip_folder(bundle_copy, tmp_path / "a.zip"), place, "altered").case


def test_weights_that_do_not_fit_are_refused_with_the_archive_named(
    bundle_copy: Path, place: Path, tmp_path: Path
) -> None:
    from tests.segmentation.builders import TINY_ARGUMENTS
    from tests.segmentation.test_bundle import edit_metadata

    arguments = dict(TINY_ARGUMENTS, filters=[4, 8, 16])
    edit_metadata(bundle_copy, network={"class_name": "DynUNet", "arguments": arguments})
    error = refused(zip_folder(bundle_copy, tmp_path / "a.zip"), place, "do not belong")
    assert "a.zip" in error.case


def test_same_bundle_again_changes_nothing(archive: Path, place: Path) -> None:
    install_bundle(archive)
    before = {path.name: path.stat().st_mtime_ns for path in (place / "tiny").iterdir()}
    again = install_bundle(archive)
    assert again.was_there
    assert {path.name: path.stat().st_mtime_ns for path in (place / "tiny").iterdir()} == before


def test_other_bundle_of_that_name_is_kept_and_both_are_named(
    archive: Path, other_bundle: ModelBundle, place: Path, tmp_path: Path
) -> None:
    install_bundle(archive)
    with pytest.raises(OutputExistsError, match="other content") as caught:
        install_bundle(zip_folder(other_bundle.folder, tmp_path / "b.zip"))
    assert "tiny 2" in caught.value.expected
    assert "tiny 1" in caught.value.found
    assert "--overwrite" in caught.value.remedy
    assert load_bundle("tiny").metadata.version == "1"
    assert [path.name for path in place.iterdir()] == ["tiny"]


def test_other_bundle_of_that_name_is_replaced_when_asked(
    archive: Path, other_bundle: ModelBundle, place: Path, tmp_path: Path
) -> None:
    install_bundle(archive)
    (place / "tiny" / "weights.safetensors").write_bytes(b"damaged")
    done = install_bundle(zip_folder(other_bundle.folder, tmp_path / "b.zip"), overwrite=True)
    assert done.replaced
    assert load_bundle("tiny").sha256 == other_bundle.sha256
    assert [path.name for path in place.iterdir()] == ["tiny"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_folder_that_is_no_bundle_is_never_touched(archive: Path, place: Path, overwrite: bool) -> None:
    (place / "tiny").mkdir(parents=True)
    (place / "tiny" / "thesis.txt").write_text("keep")
    with pytest.raises(OutputExistsError, match="no model bundle"):
        install_bundle(archive, overwrite=overwrite)
    assert (place / "tiny" / "thesis.txt").read_text() == "keep"


def test_full_disk_leaves_nothing(archive: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if path.name == "weights.safetensors":
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="could not be written"):
        install_bundle(archive)
    assert list(place.iterdir()) == []


def test_into_a_folder_outside_the_search_must_be_named(
    archive: Path, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = install_bundle(archive, into=Path("elsewhere"))
    assert not done.found_by_name
    assert done.bundle.folder == tmp_path / "elsewhere" / "tiny"
    assert load_bundle(done.bundle.folder).sha256 == done.bundle.sha256


def test_bundle_in_the_users_folder_is_found_by_name_and_default_stays(archive: Path, home: Path) -> None:
    default = load_bundle().folder
    done = install_bundle(archive)
    assert done.found_by_name
    assert done.bundle.folder == home / "tiny"
    assert load_bundle("tiny").folder == home / "tiny"
    assert home / "tiny" in list_bundles()
    assert load_bundle().folder == default


def test_name_that_ships_is_not_taken_by_another_bundle(
    home: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shipped = load_bundle()
    name = shipped.metadata.name
    impostor = write_tiny_bundle(tmp_path / name, tiny_metadata(name=name))
    archive = zip_folder(impostor.folder, tmp_path / "a.zip")
    with pytest.raises(BundleError, match="found first") as caught:
        install_bundle(archive, overwrite=True)
    assert shipped.name in caught.value.found
    assert not home.exists()
    assert not install_bundle(archive, into=tmp_path / "elsewhere").found_by_name


def test_bundle_that_ships_is_not_installed_a_second_time(home: Path, tmp_path: Path) -> None:
    shipped = load_bundle()
    done = install_bundle(zip_folder(shipped.folder, tmp_path / "a.zip"))
    assert (done.was_there, done.found_by_name) == (True, True)
    assert done.bundle.folder == shipped.folder
    assert not home.exists()


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {}, "/h/.local/share/lesionseg/models"),
        ("linux", {"XDG_DATA_HOME": "/data"}, "/data/lesionseg/models"),
        ("linux", {"XDG_DATA_HOME": "relative"}, "/h/.local/share/lesionseg/models"),
        ("darwin", {"XDG_DATA_HOME": "/data"}, "/h/Library/Application Support/lesionseg/models"),
        ("win32", {}, "/h/AppData/Local/lesionseg/models"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/lesionseg/models"),
    ],
)
def test_users_folder_follows_the_platform(platform: str, environment: dict[str, str], expected: str) -> None:
    assert user_bundle_folder(environment, platform=platform, home=Path("/h")) == Path(expected)


def attempt(archive: Path, into: Path) -> ModelBundle | LesionSegError:
    try:
        return install_bundle(archive, into=into).bundle
    except LesionSegError as error:
        return error


def test_damaged_archives_never_write_elsewhere_and_fail_by_name_or_give_the_bundle(
    tiny_bundle: ModelBundle, archive: Path, place: Path, tmp_path: Path
) -> None:
    sound, damaged = archive.read_bytes(), tmp_path / "damaged.zip"
    archive.unlink()
    accepted = 0
    for seed in range(MUTATIONS):
        damaged.write_bytes(mutated(sound, seed))
        into = place / str(seed)
        done = attempt(damaged, into)
        if isinstance(done, LesionSegError):
            assert done.case, seed
            assert not into.exists(), seed
        else:
            accepted += 1
            assert done.sha256 == tiny_bundle.sha256, seed
            assert {path.name for path in into.iterdir()} == {"tiny"}, seed
    assert accepted < MUTATIONS / 2
    written = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert all(path == damaged or path.parent.parent.parent == place for path in written)
