"""Options of the verbs that change a release, each group handed over as one object. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler import Accepted, RunOptions
from bundler.cli.parsing.command import Duration, FilePath, gathered
from bundler.model.conflicts import OnConflict
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.cli.parsing.command import Decorator, Function

_HISTORY_MAX = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFlags:
    """What a changing verb does beside the change."""

    yes: bool = False
    dry_run: bool = False
    junit: Path | None = None
    show_secrets: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _RollbackFlags:
    """What happens after a failure."""

    rollback_on_failure: bool
    rollback_timeout_s: float


def _negated(context: click.Context, parameter: click.Parameter, value: bool) -> bool:  # noqa: FBT001 - as click calls it
    """Return what a flag like ``--no-wait`` says of waiting."""
    del context, parameter
    return not value


def _policy(context: click.Context, parameter: click.Parameter, value: str) -> OnConflict:
    """Return a policy by its name."""
    del context, parameter
    return OnConflict(value)


def starting_options(function: Function) -> Function:
    """Add where the values of an upgrade start."""
    resets = click.option("--reset-values", "resets_values", is_flag=True, help="Start from the bundle's defaults.")
    reuses = click.option(
        "--reuse-values", "reuses_values", is_flag=True, help="Start from the recorded values, files on top."
    )
    return resets(reuses(function))


accepting: Decorator = gathered("accepted", Accepted)
"""Hands over what is meant although it is refused by default, by whichever options it is said."""

yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask; the answer is yes.")

data_loss_option = click.option(
    "--accept-data-loss",
    "losses",
    is_flag=True,
    help="Continue where data or an address may be lost; the plan shows where.",
)

reason_option = click.option("-m", "--reason", default="", help="Why; kept in the history.")

lock_timeout_option = click.option(
    "--lock-timeout",
    "lock_timeout_s",
    type=Duration(),
    default=0.0,
    help="Time to wait for a lock that is held.  [default: 0]",
)

outside_window_option = click.option(
    "--outside-window",
    default="",
    metavar="REASON",
    help="Change the release although the site's deployment windows are closed; REASON is recorded.",
)

no_backup_option = click.option(
    "--no-backup", is_flag=True, help="Lose data without the backup that the bundle asks for."
)

suspend_option = click.option(
    "--suspend",
    "suspends_order",
    is_flag=True,
    help="Where an order keeps the release: suspend the order first.",
)

run_options: Decorator = gathered(
    "run",
    RunFlags,
    [
        yes_option,
        data_loss_option,
        click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing."),
        lock_timeout_option,
        reason_option,
        outside_window_option,
        no_backup_option,
        suspend_option,
    ],
)

create_namespace_option = click.option(
    "--create-namespace/--no-create-namespace",
    "may_create_namespace",
    default=True,
    help="Make the namespace if it does not exist, or fail.  [default: make it]",
)

watch_option = click.option(
    "--watch-for",
    "watch_s",
    type=Duration(),
    default=0.0,
    help="Time for which everything must stay ready; a restart then fails the change.",
)

no_hooks_option = click.option(
    "--no-hooks", "skips_hooks", is_flag=True, help="Run no hooks; for those that cannot succeed any more."
)

orphan_orders_option = click.option(
    "--orphan-orders",
    "orphans_orders",
    is_flag=True,
    help="Of the controller: release all orders; their releases stay.",
)

hook_logs_option = click.option(
    "--hook-logs", "tells_hook_logs", is_flag=True, help="Print the logs of hooks that succeed, too."
)

test_option = click.option(
    "--test",
    "runs_checks",
    is_flag=True,
    help="Run the bundle's checks once all is ready; if one fails, the change fails.",
)

junit_option = click.option(
    "--junit", type=FilePath(), metavar="FILE", help="Write what the checks of --test showed as JUnit XML."
)

no_wait_option = click.option(
    "--no-wait", "waits", is_flag=True, callback=_negated, help="Do not wait until objects are ready."
)

history_max_option = click.option(
    "--history-max",
    type=click.IntRange(min=1),
    default=_HISTORY_MAX,
    show_default=True,
    help="Revisions to keep.",
)

write_options: Decorator = gathered(
    "options",
    RunOptions,
    [
        no_wait_option,
        hook_logs_option,
        test_option,
        junit_option,
        watch_option,
        create_namespace_option,
        history_max_option,
        click.option(
            "--force-revision", "forces_revision", is_flag=True, help="Record a revision even if nothing changes."
        ),
        click.option("--show-secrets", is_flag=True, help="Show sensitive values in plain text."),
    ],
)


def _one_object_each(context: click.Context, parameter: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    """Take the names of objects, never a pattern: what is lost is decided for each."""
    del context, parameter
    for name in names:
        kind, _, rest = name.partition("/")
        if not (kind and rest) or "*" in name:
            raise click.BadParameter(f"{name} names no single object; write KIND/NAME, like Deployment/shop-web")
    return names


conflict_option = click.option(
    "--on-conflict",
    type=click.Choice([policy.value for policy in OnConflict]),
    default=OnConflict.FAIL.value,
    show_default=True,
    callback=_policy,
    help="Fields that others set: stop, take them over, or keep what is live.",
)

adopt_option = click.option(
    "--adopt",
    "adopts",
    multiple=True,
    metavar="KIND/NAME",
    help="Take over an object that nothing manages; can be repeated, `*` fits any.",
)

recreate_option = click.option(
    "--recreate",
    "recreates",
    multiple=True,
    metavar="KIND/NAME",
    callback=_one_object_each,
    help="Delete an object and create it again where it cannot be changed; the plan says what is lost.",
)

crd_risk_option = click.option(
    "--accept-crd-risk", "crd_risk", is_flag=True, help="Write CRDs that live objects would no longer fit."
)

reach_option = click.option(
    "--allow-reach", "wider_reach", is_flag=True, help="Accept recorded reach that is not live."
)

path_options: Decorator = gathered(
    "rollback_s",
    _RollbackFlags,
    [
        click.option("--allow-downgrade", "downgrade", is_flag=True, help="Accept an older version of the bundle."),
        click.option(
            "--replace-bundle", "other_bundle", is_flag=True, help="Accept another bundle under this release's name."
        ),
        crd_risk_option,
        click.option("--rollback-on-failure", is_flag=True, help="Roll back if the change fails."),
        click.option(
            "--rollback-timeout",
            "rollback_timeout_s",
            type=Duration(),
            default=300.0,
            help="Time for the rollback.  [default: 5m]",
        ),
        adopt_option,
        recreate_option,
        conflict_option,
        no_hooks_option,
    ],
    make=lambda typed: typed.rollback_timeout_s if typed.rollback_on_failure else 0.0,
)

preflight_option = click.option(
    "--no-preflight",
    "skips_preflight",
    is_flag=True,
    help="Skip the preflight checks.",
)

policy_option = click.option(
    "--site", "site_file", type=FilePath(), metavar="FILE", help="Site file whose policy, cluster and namespace hold."
)
