"""Check a release: run the checks that its deployed revision has recorded. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.change.checks import checks_of_record, checks_wanted, run_checks
from bundler.actions.change.run_control import Guard
from bundler.actions.change.wait import WaitRules
from bundler.actions.release.history import load_existing_history
from bundler.actions.release.kept_secrets import learn_kept_secrets
from bundler.actions.release.proposal import require_cluster
from bundler.actions.release.restoring import deployed_of
from bundler.actions.release.terms import Terms
from bundler.model.check_report import CheckReport
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from bundler.model.site import Site
    from bundler.ports import Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRequest:
    """Which release is checked."""

    release: str
    namespace: str
    site: Site | None = None
    """The site file whose cluster holds; checks change nothing of the release, and may run outside of its windows."""
    lock_timeout_s: float = 0.0


def check_release(request: CheckRequest, ports: Ports) -> CheckReport:
    """Run the checks of a release's deployed revision, under its lock; the bundle is not needed.

    Args:
        request: which release.
        ports: the cluster, records, clock and reporter of the run.

    Raises:
        ReleaseNotFoundError: when there is no such release, or nothing of it is deployed.
        ReleaseLockedError: when another run holds its lock.
        WrongClusterError: when the site file names another cluster.
        BundlerError: when a check cannot be written.
    """
    require_cluster(Terms(site=request.site), ports.cluster)
    place = (request.namespace, request.release)
    deployed_of(load_existing_history(ports, *place))
    with ports.lock.hold(*place, doing="test", timeout_s=request.lock_timeout_s) as held:
        ports = ports.under(held)
        history = load_existing_history(ports, *place)
        revision = ports.store.load(deployed_of(history), with_sensitive=True)
        ports.redactor.learn(*revision.sensitive)
        learn_kept_secrets(history, ports)
        began = ports.clock.now()
        wanted = checks_wanted(checks_of_record(revision), revision, run=f"test-at-{began:%Y%m%dT%H%M%S%fZ}")
        runs = run_checks(wanted, ports, WaitRules(uid=wanted.uid), Guard(ports, held))
    return CheckReport(revision=revision.summary, began=began, runs=runs)
