"""Drift: look at one release or at many, and restore one. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler import RollbackRequest, RunOptions
from bundler.cli.adapters.session import named_site, open_session
from bundler.cli.flows.install import EXIT_PENDING
from bundler.cli.flows.rollback import carry_out_return
from bundler.cli.output.drift import show_drift
from bundler.cli.parsing.change_options import RunFlags
from bundler.errors import BundlerError
from bundler.errors.change import ReleaseNotFoundError
from bundler.model.lean import dataclass
from bundler.model.release import ReleaseStatus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bundler import Accepted, ReleaseDrift, Session
    from bundler.cli.session.app import App
    from bundler.model.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftFlags:
    """What to look at, and what may differ."""

    is_everywhere: bool
    ignored: tuple[str, ...]
    accepted: Accepted
    adopts: tuple[str, ...]
    recreates: tuple[str, ...]
    site_file: Path | None = None
    yes: bool = False


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
    site = named_site(session, flags.site_file)
    errors: list[BundlerError] = []
    found = [*_drifts(app, session, release, flags, site, errors)]
    if is_fixed and found[0].objects:
        return _fix(app, found[0], flags)
    show_drift(app, found)
    for error in errors[1:]:
        _warn(app, error)
    for error in errors[:1]:
        raise error
    return EXIT_PENDING if any(one.objects for one in found) else 0


def _drifts(
    app: App, session: Session, release: str, flags: DriftFlags, site: Site | None, errors: list[BundlerError]
) -> Iterator[ReleaseDrift]:
    """Yield the drift of each release; of several, the errors are kept and the others are looked at.

    Of several, one of which nothing is deployed has nothing that could drift: that is said, and not a failure.
    """
    if release:
        yield session.drift(release, ignored=flags.ignored, site=site)
        return
    namespace = None if flags.is_everywhere else ""
    for one in session.releases(namespace=namespace, on_unreadable=errors.append):
        if one.status is ReleaseStatus.UNINSTALLED:
            continue
        try:
            yield session.drift(one.release, namespace=one.namespace, ignored=flags.ignored, site=site)
        except ReleaseNotFoundError as error:
            _warn(app, error)
        except BundlerError as error:
            errors.append(error)


def _warn(app: App, error: BundlerError) -> None:
    app.screen.warn(f"{error}: {'; '.join(error.context)}")


def _fix(app: App, drift: ReleaseDrift, flags: DriftFlags) -> int:
    back = RollbackRequest(
        release=drift.revision.release,
        revision=drift.revision.revision,
        reason="drift is fixed",
        adopts=flags.adopts,
        recreates=flags.recreates,
        accepted=flags.accepted,
        fixes_drift=True,
    )
    return carry_out_return(app, back, flags.site_file, RunFlags(yes=flags.yes), RunOptions(may_create_namespace=False))
