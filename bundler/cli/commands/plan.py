"""``bundler plan``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler import ReleaseRequest, RollbackRequest, UninstallRequest, Values
from bundler.cli.flows.install import attended
from bundler.cli.flows.saved_plan import PlanFlags, make_plan
from bundler.cli.parsing.arguments import offers, release_argument
from bundler.cli.parsing.bundle_options import fetch_or_offline_options
from bundler.cli.parsing.change_options import (
    accepting,
    data_loss_option,
    no_backup_option,
    orphan_orders_option,
    path_options,
    preflight_option,
    reason_option,
    starting_options,
)
from bundler.cli.parsing.command import Duration, FilePath, gathered, verb
from bundler.cli.parsing.plan_options import max_bytes_option, require_markdown
from bundler.cli.parsing.rollout_options import rollout_options
from bundler.cli.parsing.values_options import kube_version_option, values_options
from bundler.model.lean import replace

if TYPE_CHECKING:
    from bundler.cli.session.app import App


@verb("plan", outputs=("text", "json", "yaml", "markdown", "html"))
@release_argument
@click.argument("bundle", required=False, default="", metavar="[BUNDLE|REVISION]", shell_complete=offers("bundles"))
@click.option("--out", type=FilePath(), metavar="FILE", help="Save the plan, for `bundler apply FILE`.")
@click.option(
    "--expires", "expires_s", type=Duration(is_positive=True), default=0.0, help="Time that the saved plan is good for."
)
@click.option("--rollback", "is_rollback", is_flag=True, help="Plan `rollback RELEASE [REVISION]`.")
@click.option("--uninstall", "is_removal", is_flag=True, help="Plan `uninstall RELEASE`.")
@values_options(can_unset=True)
@starting_options
@path_options
@rollout_options
@data_loss_option
@no_backup_option
@click.option(
    "--allow-reach", "wider_reach", is_flag=True, help="Of a rollback: accept recorded reach that is not live."
)
@click.option("--keep-history", "keeps_history", is_flag=True, help="Of an uninstall: keep the records.")
@click.option(
    "--delete-crds", "crd_deletion", is_flag=True, help="Of an uninstall: delete CRDs, too, that no one else uses."
)
@orphan_orders_option
@reason_option
@max_bytes_option
@click.option("--exit-code", "exits_pending", is_flag=True, help="Exit with 3 if changes are pending.")
@kube_version_option
@fetch_or_offline_options
@preflight_option
@accepting
@gathered("flags", PlanFlags)
@gathered("asked", ReleaseRequest)
def plan_command(
    app: App, *, asked: ReleaseRequest, flags: PlanFlags, is_rollback: bool, is_removal: bool, keeps_history: bool
) -> int:
    """Plan what `install` or `upgrade` of RELEASE to BUNDLE would do, and save the plan; nothing else is written.

    The file holds every object and step, who made it, and on what: the cluster, the revision, the digest of the bundle.
    No secret is in it. `show FILE` shows it, `sign FILE` signs it, `apply FILE` carries out exactly that, or refuses
    and lists what has moved since. With --rollback or --uninstall it is a plan of those.
    """
    require_markdown(app.output, flags.max_bytes)
    word, given = str(asked.bundle), asked.values
    assert isinstance(given, Values)  # noqa: S101 - as typed: nothing is read yet
    if is_rollback and is_removal:
        raise click.UsageError("--rollback and --uninstall are two plans; give one of them")
    if (is_rollback or is_removal) and (given.files or given.assignments or given.unset):
        verb_said = "--rollback" if is_rollback else "--uninstall"
        raise click.UsageError(f"{verb_said} takes no values: what a revision recorded is taken as it is")
    if (is_rollback or is_removal) and asked.steps:
        raise click.UsageError("steps are for an upgrade: a rollback and an uninstall are made at once")
    if is_rollback:
        back = RollbackRequest(
            release=asked.release,
            revision=_revision(word),
            reason=asked.reason,
            accepted=asked.accepted,
            adopts=asked.adopts,
            recreates=asked.recreates,
            skips_hooks=asked.skips_hooks,
            on_conflict=asked.on_conflict,
        )
        return make_plan(app, back, flags, site=given.site)
    if is_removal:
        if word:
            raise click.UsageError(f"--uninstall takes a release alone, and no {word}")
        gone = UninstallRequest(
            release=asked.release,
            reason=asked.reason,
            accepted=replace(asked.accepted, removal=True),
            keeps_history=keeps_history,
            skips_hooks=asked.skips_hooks,
        )
        return make_plan(app, gone, flags, site=given.site)
    if not word:
        raise click.UsageError("name the BUNDLE to install or upgrade to; or give --rollback, or --uninstall")
    accepted = replace(asked.accepted, fewer_steps=True)
    return make_plan(app, replace(asked, steps=attended(asked.steps, app), accepted=accepted), flags)


def _revision(word: str) -> int:
    if not word:
        return 0
    if not word.isdecimal() or not int(word):
        raise click.UsageError(f"--rollback takes the number of a revision, not {word}")
    return int(word)
