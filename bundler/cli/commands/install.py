"""``bundler install``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler import ReleaseRequest
from bundler.cli.flows.install import carry_out_install, with_flags
from bundler.cli.parsing.arguments import offers
from bundler.cli.parsing.bundle_options import fetch_or_offline_options
from bundler.cli.parsing.change_options import (
    path_options,
    preflight_option,
    run_options,
    starting_options,
    write_options,
)
from bundler.cli.parsing.command import verb
from bundler.cli.parsing.values_options import kube_version_option, values_options
from bundler.library.name_rules import check_name

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from bundler import Values
    from bundler.cli.parsing.change_options import PathFlags, RunFlags, StartingPoint, WriteFlags
    from bundler.cli.session.app import App


def _offer_bundles(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer bundles for either word: one alone is a bundle, and the name of a release is free."""
    return [] if len(ctx.params["words"] or ()) > 1 else offers("bundles")(ctx, param, incomplete)


@verb("install")
@click.argument("words", nargs=-1, required=True, metavar="[RELEASE] BUNDLE", shell_complete=_offer_bundles)
@values_options(can_unset=True)
@starting_options
@run_options
@write_options
@path_options
@kube_version_option
@fetch_or_offline_options
@preflight_option
def install_command(
    app: App,
    *,
    words: tuple[str, ...],
    given: Values,
    start: StartingPoint,
    run: RunFlags,
    write: WriteFlags,
    path: PathFlags,
    kube_version: str,
    no_preflight: bool,
) -> int:
    """Install BUNDLE as RELEASE, or upgrade the release that is there; RELEASE defaults to the bundle's name.

    BUNDLE is a name (redis, redis@^7), a folder, a .tgz archive, a .bundle delivery or an oci:// address; `bundler
    search` finds names. Images of a delivery are pinned at the registry of --site and looked for there first. The plan
    is shown first; the namespace is made where it is missing.
    """
    if len(words) > 2:
        raise click.UsageError(f"install takes a release and a bundle, not {len(words)} words")
    release = check_name(words[0]) if len(words) == 2 else ""
    asked = ReleaseRequest(
        bundle=words[-1], release=release, values=given, kube_version=kube_version, skips_preflight=no_preflight
    )
    asked = with_flags(asked, start, path)
    return carry_out_install(app, asked, run, write)
