"""``bundler export``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bundler.cli import flows
from bundler.cli.parsing.arguments import bundle_argument
from bundler.cli.parsing.bundle_options import fetch_options
from bundler.cli.parsing.command import FilePath, verb
from bundler.cli.parsing.signing_options import passphrase_option
from bundler.cli.parsing.values_options import values_options
from bundler.cli.terminal.text import Line
from bundler.model.size import counted, shown_bytes
from bundler.wire.deliveries import exported_form

if TYPE_CHECKING:
    from bundler import Values
    from bundler.cli.session.app import App
    from bundler.model.results import Exported


@verb("export")
@bundle_argument
@click.option("--out", type=FilePath(), help="File or folder.  [default: NAME-VERSION.bundle]")
@click.option("--platform", "platforms", multiple=True, metavar="OS/ARCH", help="Platform to include.")
@click.option("--all-platforms", is_flag=True, help="Include every platform of every image.")
@click.option("--split", default="", metavar="SIZE", help="Write parts of this size: 4G, 700M.")
@click.option("--since", type=FilePath(), metavar="FILE", help="Leave out the layers of this delivery.")
@click.option("--layout", "layouts", multiple=True, metavar="[IMAGE=]DIR", help="OCI layout to take images from.")
@click.option("--key", type=FilePath(), metavar="FILE", help="Private key to sign with.")
@passphrase_option
@click.option("--with-tool", is_flag=True, help="Include bundler itself, as one file.")
@click.option("--tool", type=FilePath(), metavar="FILE", help="Path of that file, if it is elsewhere.")
@values_options()
@fetch_options
def export_command(app: App, bundle: str, values: Values, **options: Any) -> None:
    """Write BUNDLE, its components, every image it can need and an SBOM into one file.

    The same inputs give the same bytes. `verify` checks it, `import` and `install` use it, without internet.
    """
    exported = flows.export.carry_out_export(app, bundle, values, flows.export.ExportFlags(**options))
    if app.output == "text":
        app.screen.lines([Line(f"{path}  {shown_bytes(path.stat().st_size)}") for path in exported.paths])
        app.screen.say(_summary(exported))
    else:
        app.screen.document(exported_form(exported), app.output)


def _summary(exported: Exported) -> str:
    index = exported.index
    left_out = sum(blob.in_base for blob in index.blobs)
    delta = f", {counted(left_out, 'layer')} left to {index.base.name} {index.base.version}" if index.base else ""
    numbers = f"{counted(len(index.images), 'image')}, {counted(len(index.stored), 'blob')}"
    said = f"{numbers}, {shown_bytes(exported.size)}{delta}"
    return f"exported {index.bundle.name} {index.bundle.version}: {said}, {exported.build_id}"
