"""Options of the verbs that change a release, each group handed over as one object. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler.cli.parsing.command import Duration, FilePath, gathered
from bundler.model.conflicts import OnConflict
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.cli.parsing.command import Decorator

_HISTORY_MAX = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class StartingPoint:
    """Where the values of an upgrade start."""

    resets: bool
    reuses: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFlags:
    """How a change is carried out."""

    yes: bool = False
    accept_data_loss: bool = False
    dry_run: bool = False
    lock_timeout_s: float = 0.0
    reason: str = ""
    outside_window: str = ""
    no_backup: bool = False
    suspends_order: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteFlags:
    """How a revision is written and waited for."""

    no_wait: bool = False
    hook_logs: bool = False
    tests: bool = False
    junit: Path | None = None
    watch_for_s: float = 0.0
    create_namespace: bool = True
    history_max: int = _HISTORY_MAX
    force_revision: bool = False
    show_secrets: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PathFlags:
    """What may follow what, and what happens after a failure."""

    allow_downgrade: bool
    replace_bundle: bool
    accept_crd_risk: bool
    rollback_on_failure: bool
    rollback_timeout_s: float
    adopts: tuple[str, ...]
    recreates: tuple[str, ...]
    on_conflict: str
    no_hooks: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreFlags:
    """What is meant although it is refused by default, where a recorded revision is restored."""

    recreates: tuple[str, ...]
    accept_data_loss: bool
    accept_crd_risk: bool
    allow_reach: bool


starting_options: Decorator = gathered(
    "start",
    StartingPoint,
    [
        click.option("--reset-values", "resets", is_flag=True, help="Start from the bundle's defaults."),
        click.option("--reuse-values", "reuses", is_flag=True, help="Start from the recorded values, files on top."),
    ],
)

yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask; the answer is yes.")

data_loss_option = click.option(
    "--accept-data-loss", is_flag=True, help="Continue where data or an address may be lost; the plan shows where."
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
    default=True,
    help="Make the namespace if it does not exist, or fail.  [default: make it]",
)

watch_option = click.option(
    "--watch-for",
    "watch_for_s",
    type=Duration(),
    default=0.0,
    help="Time for which everything must stay ready; a restart then fails the change.",
)

no_hooks_option = click.option("--no-hooks", is_flag=True, help="Run no hooks; for those that cannot succeed any more.")

orphan_orders_option = click.option(
    "--orphan-orders", is_flag=True, help="Of the controller: let all orders go; their releases stay."
)

hook_logs_option = click.option("--hook-logs", is_flag=True, help="Print the logs of hooks that succeed, too.")

test_option = click.option(
    "--test", "tests", is_flag=True, help="Run the bundle's checks once all is ready; one that fails fails the change."
)

junit_option = click.option(
    "--junit", type=FilePath(), metavar="FILE", help="Write what the checks of --test showed as JUnit XML."
)

no_wait_option = click.option("--no-wait", is_flag=True, help="Do not wait until objects are ready.")

history_max_option = click.option(
    "--history-max",
    type=click.IntRange(min=1),
    default=_HISTORY_MAX,
    show_default=True,
    help="Revisions to keep.",
)

write_options: Decorator = gathered(
    "write",
    WriteFlags,
    [
        no_wait_option,
        hook_logs_option,
        test_option,
        junit_option,
        watch_option,
        create_namespace_option,
        history_max_option,
        click.option("--force-revision", is_flag=True, help="Record a revision even if nothing changes."),
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
    help="Fields that others set: stop, take them over, or keep what is live.",
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
    "--accept-crd-risk", is_flag=True, help="Write CRDs that live objects would no longer fit."
)

reach_option = click.option("--allow-reach", is_flag=True, help="Accept recorded reach that is not live.")

restore_options: Decorator = gathered(
    "restoring",
    RestoreFlags,
    [recreate_option, data_loss_option, crd_risk_option, reach_option],
)

path_options: Decorator = gathered(
    "path",
    PathFlags,
    [
        click.option("--allow-downgrade", is_flag=True, help="Accept an older version of the bundle."),
        click.option("--replace-bundle", is_flag=True, help="Accept another bundle under this release's name."),
        crd_risk_option,
        click.option("--rollback-on-failure", is_flag=True, help="Roll back if the change fails."),
        click.option(
            "--rollback-timeout",
            "rollback_timeout_s",
            type=Duration(),
            default=300.0,
            help="Time for the rollback.  [default: 5m]",
        ),
        click.option(
            "--adopt",
            "adopts",
            multiple=True,
            metavar="KIND/NAME",
            help="Take over an object that no one looks after; can be repeated, `*` fits any.",
        ),
        recreate_option,
        conflict_option,
        no_hooks_option,
    ],
)

preflight_option = click.option(
    "--no-preflight",
    is_flag=True,
    help="Skip the preflight checks.",
)

policy_option = click.option(
    "--site", type=FilePath(), metavar="FILE", help="Site file whose policy, cluster and namespace hold."
)
