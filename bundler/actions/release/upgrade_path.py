"""Which bundle may follow which. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors.change import DowngradeError, UpgradePathError
from bundler.model.lean import dataclass
from bundler.resolve.versions import parse_range, parse_version

if TYPE_CHECKING:
    from bundler.model.bundle import Bundle
    from bundler.model.release import Revision


@dataclass(frozen=True, slots=True, kw_only=True)
class PathRules:
    """What the command line allows."""

    may_downgrade: bool = False
    may_replace_bundle: bool = False


def check_upgrade_path(bundle: Bundle, recorded: Revision | None, rules: PathRules) -> None:
    """Hold a bundle against what is recorded.

    Raises:
        DowngradeError: for an older version, or another bundle, without the flag that allows it.
        UpgradePathError: when the bundle says that it does not upgrade from the recorded version.
    """
    if recorded is None:
        return
    before = recorded.summary.bundle
    if before.name != bundle.metadata.name:
        _refuse_other_bundle(bundle, recorded, rules)
        return
    now, then = parse_version(bundle.metadata.version), parse_version(before.version)
    if now < then and not rules.may_downgrade:
        raise DowngradeError(
            f"upgrading release {recorded.summary.release}",
            context=[f"{before.name} {before.version} is recorded, the bundle is {bundle.metadata.version}"],
            hint="pass --allow-downgrade when an older version is meant; `bundler rollback` goes back as recorded",
        )
    accepted = bundle.upgrade.from_versions
    if accepted and now != then and not parse_range(accepted).admits(then):
        raise UpgradePathError(
            f"upgrading release {recorded.summary.release}",
            context=[
                f"{bundle.metadata.name} {bundle.metadata.version} upgrades from {accepted}, not {before.version}"
            ],
            hint=f"upgrade to a version in {accepted} first",
        )


def _refuse_other_bundle(bundle: Bundle, recorded: Revision, rules: PathRules) -> None:
    if rules.may_replace_bundle:
        return
    raise DowngradeError(
        f"upgrading release {recorded.summary.release}",
        context=[f"bundle {recorded.summary.bundle.name} is recorded, {bundle.metadata.name} is given"],
        hint="choose another release name, or pass --replace-bundle when the release shall become another bundle",
    )
