"""Which bundle may follow which, and how far a release may go back. Layer: actions, pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bundler.errors.change import DowngradeError, UpgradePathError
from bundler.planning.problem import Problem
from bundler.resolve.versions import parse_range, parse_version

if TYPE_CHECKING:
    from bundler.actions.release.history import History
    from bundler.actions.release.terms import Accepted
    from bundler.model.release import BundleReference, RevisionSummary


def path_problems(
    release: str, bundle: BundleReference, recorded: BundleReference | None, *, upgrades_from: str, accepted: Accepted
) -> Iterator[Problem]:
    """Check a bundle against the recorded one.

    Args:
        release: its name.
        bundle: that is to be deployed.
        recorded: the one that is deployed; None where there is none.
        upgrades_from: the range of versions that the bundle upgrades from; empty: any.
        accepted: what the user accepts.
    """
    if recorded is None:
        return
    doing = f"upgrading release {release}"
    if recorded.name != bundle.name:
        if not accepted.other_bundle:
            yield Problem(
                error=DowngradeError,
                doing=doing,
                lines=(f"bundle {recorded.name} is recorded, {bundle.name} is given",),
                hint="choose another release name, or pass --replace-bundle to install another bundle",
            )
        return
    now, then = parse_version(bundle.version), parse_version(recorded.version)
    if now < then and not accepted.downgrade:
        yield Problem(
            error=DowngradeError,
            doing=doing,
            lines=(f"{recorded.name} {recorded.version} is recorded, the bundle is {bundle.version}",),
            hint="pass --allow-downgrade to install an older version; `bundler rollback` goes back as recorded",
        )
    elif upgrades_from and now != then and not parse_range(upgrades_from).admits(then):
        yield Problem(
            error=UpgradePathError,
            doing=doing,
            lines=(f"{bundle.name} {bundle.version} upgrades from {upgrades_from}, not {recorded.version}",),
            hint=f"upgrade to a version in {upgrades_from} first",
        )


def downgrade_line(deployed: RevisionSummary, wanted: RevisionSummary) -> str:
    """Say that a bundle would become older than the deployed one; empty where it would not."""
    now, then = wanted.bundle, deployed.bundle
    if now.name != then.name or parse_version(now.version) >= parse_version(then.version):
        return ""
    return f"{then.name} {then.version} is deployed, and would become {now.version}"


def barrier_problems(history: History, target: BundleReference, number: int, accepted: Accepted) -> Iterator[Problem]:
    """Check a revision to go back to against every revision that may have changed the data.

    That is the deployed one, and those tried since: an upgrade that failed may have come as far as its migration.

    Args:
        history: of the release.
        target: the bundle of the revision to go back to.
        number: of that revision.
        accepted: what the user accepts.
    """
    if accepted.downgrade:
        return
    since = max(history.deployed.revision if history.deployed else 0, number + 1)
    lines = [
        f"revision {one.revision} ({one.status}) says noRollbackBelow: {history.barriers[one.revision]}"
        for one in history.summaries
        if one.revision >= since and not is_at_least(target.version, history.barriers.get(one.revision, ""))
    ]
    lines += [
        f"{damage.line}; whether it says noRollbackBelow is not known"
        for damage in history.damaged
        if damage.revision > number
    ]
    if lines:
        yield Problem(
            error=DowngradeError,
            doing=f"rolling release {history.release} back to revision {number}",
            lines=(f"revision {number} is {target.name} {target.version}", *lines),
            hint="choose a newer revision, or pass --allow-downgrade when you know the data allows it",
        )


def is_at_least(version: str, barrier: str) -> bool:
    """Return whether a version is not below a barrier; an empty barrier holds nothing back."""
    return not barrier or parse_version(version) >= parse_version(barrier)
