"""What a session sees of the objects of a release. Layer: library."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bundler import library
from bundler.actions import inspect, release as releasing
from bundler.actions.inspect import status as looking
from bundler.actions.ordering import keeping
from bundler.errors import UsageError
from bundler.model.conflicts import ConflictRule, ignoring
from bundler.model.lean import replace

if TYPE_CHECKING:
    from bundler.actions.release.correct import CorrectionOptions
    from bundler.library.scope import Scope
    from bundler.model.check_report import CheckReport
    from bundler.model.drift import Correction, ReleaseDrift
    from bundler.model.release_state import ReleaseState
    from bundler.model.site import Site


def status(scope: Scope, release: str, namespace: str) -> ReleaseState:
    """Read a release's newest revision and look at each of its objects.

    Args:
        scope: the session's cluster, files and limits.
        release: its name.
        namespace: of the release.

    Raises:
        ReleaseNotFoundError: when there is no such release.
    """
    return _with_order(scope, looking.release_state(scope.ports(), scope.namespace(namespace), release))


def _with_order(scope: Scope, state: ReleaseState) -> ReleaseState:
    summary = state.revision.summary
    orders = keeping.orders_shown(summary.namespace, summary.release, scope.ports())
    return replace(state, order=orders[0] if orders else None)


def drift(scope: Scope, release: str, namespace: str, ignored: Sequence[str], site: Site | None) -> ReleaseDrift:
    """Compare a release's newest deployed revision with its live objects; nothing is written.

    Args:
        scope: the session's cluster, files and limits.
        release: its name.
        namespace: of the release.
        ignored: fields that may differ, ``[KIND[/NAME]:]PATH``.
        site: the fields that its rules keep may differ, too.

    Raises:
        UsageError: when a field to be ignored cannot be read.
        ReleaseNotFoundError: when there is no such release, or nothing of it is deployed.
    """
    place = scope.namespace(namespace, of_site=site.namespace if site else "")
    request = inspect.drift.DriftRequest(release=release, namespace=place, ignored=_rules(ignored), site=site)
    return inspect.drift.find_drift(request, scope.ports())


def correct(
    scope: Scope,
    release: str,
    namespace: str,
    ignored: Sequence[str],
    site: Site | None,
    options: CorrectionOptions | None,
) -> Correction:
    """Put back what differs from the deployed revision of a release.

    Args:
        scope: the session's cluster, files and limits.
        release: its name.
        namespace: of the release.
        ignored: fields that may differ, ``[KIND[/NAME]:]PATH``.
        site: the site file whose policy holds.
        options: how much is put back, and who is asked; None: all of it, and no one.

    Raises:
        UsageError: when a field to be ignored cannot be read.
        BundlerError: what ended the run.
    """
    place = scope.namespace(namespace, of_site=site.namespace if site else "")
    options = options or releasing.correct.CorrectionOptions()
    request = releasing.correct.CorrectionRequest(
        release=release, namespace=place, ignored=_rules(ignored), site=site, options=options
    )
    return releasing.correct.correct(request, scope.ports(), library.releases.answer_of(options.approve))


def _rules(ignored: Sequence[str]) -> tuple[ConflictRule, ...]:
    try:
        return tuple(map(ignoring, ignored))
    except ValueError as error:
        raise UsageError(
            "reading which fields may differ",
            context=[str(error)],
            hint="write [KIND[/NAME]:]PATH, like Deployment/shop-*:.spec.replicas",
        ) from error


def check(scope: Scope, release: str, namespace: str, site: Site | None, *, lock_timeout_s: float) -> CheckReport:
    """Run the checks of a release's deployed revision.

    Args:
        scope: the session's cluster, files and limits.
        release: its name.
        namespace: of the release.
        site: the site file whose cluster and namespace hold.
        lock_timeout_s: seconds to wait for a lock that another run holds.

    Raises:
        ReleaseNotFoundError: when there is no such release, or nothing of it is deployed.
        ReleaseLockedError: when another run holds its lock.
        WrongClusterError: when the site file names another cluster.
    """
    place = scope.namespace(namespace, of_site=site.namespace if site else "")
    request = releasing.checks.CheckRequest(release=release, namespace=place, site=site, lock_timeout_s=lock_timeout_s)
    return releasing.checks.check_release(request, scope.ports())


def wait(scope: Scope, release: str, namespace: str) -> ReleaseState:
    """Wait until every object of a release is ready; nothing is changed.

    Args:
        scope: the session's cluster, files and limits.
        release: its name.
        namespace: of the release.

    Raises:
        ReleaseNotFoundError: when there is no such release.
        UnfinishedChangeError: when the run that has to write it is dead.
        ObjectFailedError, WaitTimeoutError: with the reasons.
    """
    return _with_order(scope, looking.wait_for_release(scope.ports(), scope.namespace(namespace), release))
