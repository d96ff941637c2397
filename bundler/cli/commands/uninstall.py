"""``bundler uninstall``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.cli.change_options import run_options
from bundler.cli.names import release_argument
from bundler.cli.returning import carry_out_removal
from bundler.cli.verb import verb

if TYPE_CHECKING:
    from bundler.cli.change_options import RunFlags
    from bundler.cli.invocation import App


@verb("uninstall")
@release_argument
@run_options
def uninstall_command(app: App, *, release: str, run: RunFlags) -> int:
    """Delete what RELEASE owns, and its records.

    Volume claims, generated secrets, namespaces and CRDs are kept, and named. Where nobody can be asked it needs --yes.
    """
    return carry_out_removal(app, release, run)
