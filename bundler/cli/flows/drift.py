"""Drift: look at one release or at many, and restore one. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler import Accepted, RollbackRequest
from bundler.cli.adapters.session import open_session
from bundler.cli.flows.install import EXIT_PENDING
from bundler.cli.flows.rollback import carry_out_return
from bundler.cli.output.drift import show_drift
from bundler.cli.parsing.change_options import RunFlags, WriteFlags
from bundler.errors import BundlerError
from bundler.model.lean import dataclass
from bundler.model.release import ReleaseStatus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bundler import ReleaseDrift, Session
    from bundler.cli.parsing.change_options import RestoreFlags
    from bundler.cli.session.app import App
    from bundler.model.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftFlags:
    """What to look at, and what may differ."""

    is_everywhere: bool
    ignored: tuple[str, ...]
    site: Path | None
    is_yes: bool
    restoring: RestoreFlags
    outside_window: str
    suspends_order: bool


def carry_out_drift(app: App, release: str, flags: DriftFlags, *, is_fixed: bool) -> int:
    """Show what differs, or restore it; return the exit code, 3 where something differs and stays so.

    Args:
        app: the running command.
        release: its name; empty: all that there are.
        flags: what to look at.
        is_fixed: restore the revision.

    Raises:
        BundlerError: what could not be compared, once everything else was shown.
    """
    session = open_session(app)
    site = session.read_site(flags.site) if flags.site else None
    errors: list[BundlerError] = []
    found = [*_drifts(session, release, flags, site, errors)]
    if is_fixed and found[0].objects:
        return _fix(app, found[0], flags)
    show_drift(app, found)
    for error in errors[1:]:
        app.screen.warn(f"{error}: {'; '.join(error.context)}")
    for error in errors[:1]:
        raise error
    return EXIT_PENDING if any(one.objects for one in found) else 0


def _drifts(
    session: Session, release: str, flags: DriftFlags, site: Site | None, errors: list[BundlerError]
) -> Iterator[ReleaseDrift]:
    """Yield the drift of each release; of several, the errors are kept and the others are looked at."""
    if release:
        yield session.drift(release, ignored=flags.ignored, site=site)
        return
    namespace = None if flags.is_everywhere else ""
    for one in session.releases(namespace=namespace, on_unreadable=errors.append):
        if one.status is ReleaseStatus.UNINSTALLED:
            continue
        try:
            yield session.drift(one.release, namespace=one.namespace, ignored=flags.ignored, site=site)
        except BundlerError as error:
            errors.append(error)


def _fix(app: App, drift: ReleaseDrift, flags: DriftFlags) -> int:
    meant = flags.restoring
    back = RollbackRequest(
        release=drift.revision.release,
        revision=drift.revision.revision,
        recreates=meant.recreates,
        accepted=Accepted(crd_risk=meant.accept_crd_risk, wider_reach=meant.allow_reach),
        fixes_drift=True,
    )
    run = RunFlags(
        yes=flags.is_yes,
        accept_data_loss=meant.accept_data_loss,
        reason="drift is fixed",
        outside_window=flags.outside_window,
        suspends_order=flags.suspends_order,
    )
    return carry_out_return(app, back, flags.site, run, WriteFlags(create_namespace=False))
