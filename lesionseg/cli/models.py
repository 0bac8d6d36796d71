"""``lesionseg models``: list, verify and install model bundles."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lesionseg.cli.options import JsonOption, QuietOption, VerboseOption
from lesionseg.cli.screen import BAD, GOOD, HINT, Screen

if TYPE_CHECKING:
    from lesionseg.core.errors import LesionSegError
    from lesionseg.segmentation import BundleEntry, InstalledBundle, ModelBundle

models = typer.Typer(
    name="models",
    help="List, verify and install model bundles.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@models.command("list")
def list_models(
    *, as_json: JsonOption = False, quiet: QuietOption = False, verbose: VerboseOption = False
) -> None:
    """List the bundles that --model finds by name, the default one, licences and folders."""
    del verbose
    from lesionseg.segmentation import bundle_folders, describe_bundles

    screen = Screen("models list", as_json=as_json, quiet=quiet)
    entries = describe_bundles()
    for entry in entries:
        _show(screen, entry)
    folders = [str(folder) for folder in bundle_folders()]
    screen.show(f"Searched, in this order: {', '.join(folders)}")
    screen.result({"bundles": [_entry_dict(entry) for entry in entries], "folders": folders})


@models.command("verify")
def verify_models(
    bundles: Annotated[
        list[str],
        typer.Argument(metavar="[NAME|FOLDER]...", show_default=False, help="All that are found if none."),
    ] = [],  # noqa: B006 - Typer makes a new list for every call
    *,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Compare every hash, read the metadata, and fill the network with the weights.

    Exit code 1 if any bundle fails, or there is none.
    """
    del verbose
    from lesionseg.core.errors import LesionSegError
    from lesionseg.segmentation import list_bundles, verify_bundle

    screen = Screen("models verify", as_json=as_json, quiet=quiet)
    verdicts: list[dict[str, Any]] = []
    for wanted in bundles or [str(folder) for folder in list_bundles()]:
        try:
            bundle = verify_bundle(wanted)
        except LesionSegError as error:
            verdicts.append(_failed(screen, wanted, error))
        else:
            screen.mark(GOOD, f"{bundle.name}: hashes, metadata, network and weights are sound")
            verdicts.append({"asked": wanted, "ok": True, **_bundle_dict(bundle)})
    healthy = bool(verdicts) and all(verdict["ok"] for verdict in verdicts)
    if not verdicts:
        screen.mark(BAD, "There is no model bundle to verify.")
    screen.result({"bundles": verdicts}, ok=healthy)
    if not healthy:
        raise typer.Exit(1)


@models.command("install")
def install_model(
    archive: Annotated[
        Path, typer.Argument(metavar="FILE.zip", show_default=False, help="A zipped model bundle.")
    ],
    *,
    into: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            show_default=False,
            help="Folder of bundles to put it in; default: LESIONSEG_MODELS, else your own data folder.",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", metavar="", help="Replace another bundle of the same name.")
    ] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Install a zipped bundle after checking it; what is refused leaves nothing behind.

    The hashes show that a bundle is whole, not who made it: take bundles from where you trust.
    """
    del verbose
    from lesionseg.cli.licence import note_licence
    from lesionseg.segmentation import install_bundle

    screen = Screen("models install", as_json=as_json, quiet=quiet)
    done = install_bundle(archive, into=into, overwrite=overwrite)
    _report_installed(screen, done)
    note_licence(screen, done.bundle)


def _report_installed(screen: Screen, done: InstalledBundle) -> None:
    bundle = done.bundle
    did = "was there already" if done.was_there else "replaced another" if done.replaced else "installed"
    screen.mark(GOOD, f"{bundle.name} {did}: {bundle.folder}")
    screen.show(f"Use it with --model {bundle.folder.name if done.found_by_name else bundle.folder}")
    screen.result(
        {
            **_bundle_dict(bundle),
            "was_there": done.was_there,
            "replaced": done.replaced,
            "found_by_name": done.found_by_name,
        }
    )


def _failed(screen: Screen, wanted: str, error: LesionSegError) -> dict[str, Any]:
    screen.mark(BAD, str(error) if wanted in str(error) else f"{wanted}: {error}")
    return {"asked": wanted, "ok": False, "error": error.as_dict()}


def _show(screen: Screen, entry: BundleEntry) -> None:
    size = f"{entry.size_bytes / 1e6:.1f} MB"
    if entry.bundle is None:
        screen.show(f"{entry.folder.name} ({size})", "bold")
        screen.mark(BAD, f"refused: {entry.error}")
        return
    facts = entry.bundle.metadata
    screen.show(f"{entry.bundle.name} ({'default, ' if entry.is_default else ''}{size})", "bold")
    screen.show(f"  {facts.summary}")
    screen.show(f"  Licence: {_licence(entry.bundle).removesuffix('.')}. Use: {facts.intended_use}")
    screen.show(f"  {entry.folder}")
    if not entry.found_by_name:
        screen.mark(HINT, "not found by its name, which an earlier folder has too: give --model the folder")


def _licence(bundle: ModelBundle) -> str:
    words = bundle.metadata.license
    return words if bundle.metadata.commercial_use else f"NON-COMMERCIAL: {words}"


def _entry_dict(entry: BundleEntry) -> dict[str, Any]:
    return {
        "folder": str(entry.folder),
        "default": entry.is_default,
        "found_by_name": entry.found_by_name,
        "size_bytes": entry.size_bytes,
        **(_bundle_dict(entry.bundle) if entry.bundle else {"name": entry.folder.name}),
        "error": entry.error.as_dict() if entry.error else None,
    }


def _bundle_dict(bundle: ModelBundle) -> dict[str, Any]:
    facts = bundle.metadata
    return {
        "name": facts.name,
        "version": facts.version,
        "folder": str(bundle.folder),
        "sha256": bundle.sha256,
        "summary": facts.summary,
        "license": facts.license,
        "commercial_use": facts.commercial_use,
        "intended_use": facts.intended_use,
    }
