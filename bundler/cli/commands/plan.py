"""``bundler plan``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler import Accepted, OnConflict, ReleaseRequest, RollbackRequest, UninstallRequest
from bundler.cli.flows.install import attended, with_flags
from bundler.cli.flows.saved_plan import PlanFlags, make_plan
from bundler.cli.parsing.arguments import offers, release_argument
from bundler.cli.parsing.bundle_options import fetch_or_offline_options
from bundler.cli.parsing.change_options import (
    data_loss_option,
    no_backup_option,
    orphan_orders_option,
    path_options,
    preflight_option,
    reason_option,
    starting_options,
)
from bundler.cli.parsing.command import Duration, FilePath, verb
from bundler.cli.parsing.plan_options import max_bytes_option, require_markdown
from bundler.cli.parsing.rollout_options import rollout_options
from bundler.cli.parsing.values_options import kube_version_option, values_options
from bundler.model.lean import replace

if TYPE_CHECKING:
    from pathlib import Path

    from bundler import Values
    from bundler.cli.parsing.change_options import PathFlags, StartingPoint
    from bundler.cli.session.app import App
    from bundler.model.rollout import RolloutRequest


@verb("plan", outputs=("text", "json", "yaml", "markdown", "html"))
@release_argument
@click.argument("word", required=False, default="", metavar="[BUNDLE|REVISION]", shell_complete=offers("bundles"))
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
@click.option("--allow-reach", is_flag=True, help="Of a rollback: accept recorded reach that is not live.")
@click.option("--keep-history", is_flag=True, help="Of an uninstall: keep the records.")
@click.option("--delete-crds", is_flag=True, help="Of an uninstall: delete CRDs, too, that no one else uses.")
@orphan_orders_option
@reason_option
@max_bytes_option
@click.option("--exit-code", is_flag=True, help="Exit with 3 if changes are pending.")
@kube_version_option
@fetch_or_offline_options
@preflight_option
def plan_command(
    app: App,
    *,
    release: str,
    word: str,
    out: Path | None,
    expires_s: float,
    is_rollback: bool,
    is_removal: bool,
    given: Values,
    start: StartingPoint,
    path: PathFlags,
    stepping: RolloutRequest | None,
    accept_data_loss: bool,
    no_backup: bool,
    allow_reach: bool,
    keep_history: bool,
    delete_crds: bool,
    orphan_orders: bool,
    reason: str,
    max_bytes: int,
    exit_code: bool,
    kube_version: str,
    no_preflight: bool,
) -> int:
    """Plan what `install` or `upgrade` of RELEASE to BUNDLE would do, and save the plan; nothing else is written.

    The file holds every object and step, who made it, and on what: the cluster, the revision, the digest of the bundle.
    No secret is in it. `show FILE` shows it, `sign FILE` signs it, `apply FILE` carries out exactly that, or refuses
    and lists what has moved since. With --rollback or --uninstall it is a plan of those.
    """
    require_markdown(app.output, max_bytes)
    flags = PlanFlags(out=out, expires_s=expires_s, max_bytes=max_bytes, exits_pending=exit_code, site=given.site)
    if is_rollback and is_removal:
        raise click.UsageError("--rollback and --uninstall are two plans; give one of them")
    if (is_rollback or is_removal) and (given.files or given.assignments or given.unset):
        verb_said = "--rollback" if is_rollback else "--uninstall"
        raise click.UsageError(f"{verb_said} takes no values: what a revision recorded is taken as it is")
    if (is_rollback or is_removal) and stepping:
        raise click.UsageError("steps are for an upgrade: a rollback and an uninstall are made at once")
    if is_rollback:
        accepted = Accepted(
            losses=accept_data_loss,
            no_backup=no_backup,
            wider_reach=allow_reach,
            downgrade=path.allow_downgrade,
            crd_risk=path.accept_crd_risk,
        )
        back = RollbackRequest(
            release=release,
            revision=_revision(word),
            reason=reason,
            accepted=accepted,
            recreates=path.recreates,
            skips_hooks=path.no_hooks,
            on_conflict=OnConflict(path.on_conflict),
        )
        return make_plan(app, back, flags)
    if is_removal:
        if word:
            raise click.UsageError(f"--uninstall takes a release alone, and no {word}")
        accepted = Accepted(
            losses=accept_data_loss,
            no_backup=no_backup,
            removal=True,
            crd_deletion=delete_crds,
            orphans_orders=orphan_orders,
        )
        gone = UninstallRequest(
            release=release, accepted=accepted, keeps_history=keep_history, skips_hooks=path.no_hooks, reason=reason
        )
        return make_plan(app, gone, flags)
    if not word:
        raise click.UsageError("name the BUNDLE to install or upgrade to; or give --rollback, or --uninstall")
    asked = ReleaseRequest(
        bundle=word,
        release=release,
        values=given,
        kube_version=kube_version,
        skips_preflight=no_preflight,
        reason=reason,
        steps=attended(stepping, app),
    )
    asked = with_flags(asked, start, path)
    accepted = replace(asked.accepted, losses=accept_data_loss, no_backup=no_backup, fewer_steps=True)
    asked = replace(asked, accepted=accepted)
    return make_plan(app, asked, flags)


def _revision(word: str) -> int:
    if not word:
        return 0
    if not word.isdecimal() or not int(word):
        raise click.UsageError(f"--rollback takes the number of a revision, not {word}")
    return int(word)
