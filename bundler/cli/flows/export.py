"""From the options of ``bundler export`` to a request. Layer: cli."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from bundler import library
from bundler._version import __version__
from bundler.actions.delivery.export import ExportRequest, Tool, export_bundle
from bundler.actions.delivery.image_inventory import take_inventory
from bundler.actions.delivery.image_sources import SourceChain
from bundler.cli.adapters.session import open_session
from bundler.cli.adapters.signing_keys import open_signer
from bundler.delivery.layout import LayoutSource
from bundler.delivery.reader import Delivery
from bundler.delivery.sibling_deliveries import open_neighbours
from bundler.errors import UsageError
from bundler.model.lean import dataclass
from bundler.model.oci import DEFAULT_PLATFORM, PLATFORM, normal_platform
from bundler.model.size import parse_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bundler import Session, Values
    from bundler.cli.session.app import App
    from bundler.model.bundle import Bundle
    from bundler.model.results import Exported
    from bundler.ports import ImageSource

TOOL_NAME = "bundler.pyz"
_LEAST_PART_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFlags:
    """Options of ``bundler export``, as typed."""

    out: Path | None
    platforms: tuple[str, ...]
    all_platforms: bool
    split: str
    since: Path | None
    layouts: tuple[str, ...]
    key: Path | None
    passphrase_file: Path | None
    with_tool: bool
    tool: Path | None


def carry_out_export(app: App, bundle: str, given: Values, flags: ExportFlags) -> Exported:
    """Export as the options say.

    Args:
        app: the running command: its settings, output and clock.
        bundle: path, name or address.
        given: values, as typed on the command line.
        flags: options of export.

    Raises:
        BundlerError: when it cannot be done; nothing gets its final name then.
    """
    session = open_session(app)
    taken = session.acquire(bundle)
    platforms = platforms_of(app, flags.platforms, is_all=flags.all_platforms)
    target, part_bytes = target_of(taken.bundle, flags.out), part_bytes_of(flags.split)
    base = app.closing.enter_context(Delivery.open(flags.since)) if flags.since else None
    refuse_overwriting(target, [base, taken.delivery.delivery if taken.delivery else None])
    signers = [open_signer(app, flags.key, flags.passphrase_file)] if flags.key else []
    request = ExportRequest(
        bundle=taken.bundle,
        inventory=take_inventory(library.bundles.render_request(session.scope, taken, given)),
        platforms=platforms,
        target=target,
        part_bytes=part_bytes,
        base=base,
        at_hand=tuple(map(app.closing.enter_context, open_neighbours(target, taken.bundle.metadata.name))),
        tool=take_tool(flags.tool) if flags.with_tool or flags.tool else None,
        archive_time_s=app.settings.environment.archive_time_s,
    )
    source = open_sources(session, flags.layouts)
    # The first signal lets requests end and says what is kept; after the second the next run continues all the same.
    with app.stop.careful():
        return export_bundle(request, source, signers=signers, report=app.telling, is_stopped=app.stop.is_asked)


def open_sources(session: Session, layouts: Sequence[str]) -> ImageSource:
    """Return where images are taken from: the layouts that are named, then registries.

    Raises:
        ExportError: when a layout cannot be read.
        RegistryError: when the settings of registries cannot be read.
    """
    opened = [_layout(text) for text in layouts]
    return SourceChain([*opened, library.registries.open_registry(session.scope)])


def target_of(bundle: Bundle, out: Path | None) -> Path:
    """Return the file to write: ``--out``, in a folder ``NAME-VERSION.bundle``.

    Raises:
        UsageError: when the name is not that of a delivery.
    """
    name = f"{bundle.metadata.name}-{bundle.metadata.version}.bundle"
    target = (out / name if out.is_dir() else out) if out else Path(name)
    if target.suffix != ".bundle":
        hint = f"use --out {target}.bundle; a delivery is recognized by this suffix"
        raise UsageError("reading --out", context=[f"{target} does not end in .bundle"], hint=hint)
    return target


def refuse_overwriting(target: Path, read: Iterable[Delivery | None]) -> None:
    """Keep what is read: the base of a delta, or the delivery that a bundle is taken from.

    Raises:
        UsageError: when the target is one of them.
    """
    if any(one is not None and Path(one.name).resolve() == target.resolve() for one in read):
        hint = "raise metadata.version in bundle.yaml, or name another file with --out"
        raise UsageError("reading --out", context=[f"{target} would be written over, and is read for this"], hint=hint)


def part_bytes_of(split: str) -> int:
    """Return the size of parts in bytes; 0 where there are none.

    Raises:
        UsageError: when it is not a size, or too small.
    """
    if not split:
        return 0
    try:
        size = parse_bytes(split)
    except ValueError as error:
        raise UsageError("reading --split", context=[str(error)], hint="use --split 4G") from error
    if size < _LEAST_PART_BYTES:
        raise UsageError("reading --split", context=[f"{split} is less than 1M"], hint="use --split 4G")
    return size


def platforms_of(app: App, given: Sequence[str], *, is_all: bool) -> tuple[str, ...]:
    """Return the platforms to carry; nothing is all.

    Args:
        app: the running command: its settings, output and clock.
        given: as typed.
        is_all: every platform of every image.

    Raises:
        UsageError: when one is none, or both options were given.
    """
    wrong = [one for one in given if not PLATFORM.fullmatch(one)]
    if wrong or (given and is_all):
        found = [f"{one!r} is not a platform" for one in wrong] or ["--platform and --all-platforms exclude each other"]
        raise UsageError("reading platforms", context=found, hint="use --platform linux/amd64, or --all-platforms")
    if given or is_all:
        return tuple(sorted({normal_platform(one) for one in given}))
    app.screen.say(f"platform {DEFAULT_PLATFORM}; --platform and --all-platforms choose others", "dim")
    return (DEFAULT_PLATFORM,)


def take_tool(given: Path | None) -> Tool:
    """Return bundler as one file: the one that is named, the one that runs, or what ``make dist`` built.

    Raises:
        UsageError: when there is none.
    """
    running, built = Path(sys.argv[0]), Path(__file__).parents[3] / "dist" / TOOL_NAME
    for path in [given] if given else [running, built]:
        if path.is_file() and zipfile.is_zipfile(path):
            return Tool(content=path.read_bytes(), version=__version__)
    found = (
        f"{given} is not bundler as one file, which is a zip that Python runs"
        if given
        else "this bundler is installed in parts and not as one file, and none was built beside it"
    )
    hint = f"run `make dist` in a checkout of bundler, and name what it makes: --tool dist/{TOOL_NAME}"
    raise UsageError("including bundler", context=[found], hint=hint)


def _layout(text: str) -> LayoutSource:
    image, sign, folder = text.rpartition("=")
    return LayoutSource(Path(folder).expanduser(), image=image if sign else "")
