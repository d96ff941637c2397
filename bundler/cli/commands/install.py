"""``bundler install``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler import ReleaseRequest
from bundler.cli.flows.install import carry_out_install
from bundler.cli.parsing.arguments import offers
from bundler.cli.parsing.bundle_options import fetch_or_offline_options
from bundler.cli.parsing.change_options import (
    accepting,
    path_options,
    preflight_option,
    run_options,
    starting_options,
    write_options,
)
from bundler.cli.parsing.command import gathered, verb
from bundler.cli.parsing.values_options import kube_version_option, values_options
from bundler.library.name_rules import check_name
from bundler.model.lean import replace

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from bundler import RunOptions
    from bundler.cli.parsing.change_options import RunFlags
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
@accepting
@gathered("asked", ReleaseRequest, bundle="")
def install_command(
    app: App, *, asked: ReleaseRequest, words: tuple[str, ...], run: RunFlags, options: RunOptions
) -> int:
    """Install BUNDLE as RELEASE, or upgrade the release that is there; RELEASE defaults to the bundle's name.

    BUNDLE is a name (redis, redis@^7), a folder, a .tgz archive, a .bundle delivery or an oci:// address; `bundler
    search` finds names. Images of a delivery are pinned at the registry of --site and looked for there first. The plan
    is shown first; the namespace is made where it is missing.
    """
    if len(words) > 2:
        raise click.UsageError(f"install takes a release and a bundle, not {len(words)} words")
    release = check_name(words[0]) if len(words) == 2 else ""
    return carry_out_install(app, replace(asked, bundle=words[-1], release=release), run, options)
