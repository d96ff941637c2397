"""Deployment windows of a site: what changes a release waits for them, or says why it does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from bundler.actions.release.rollback import RollbackRequest, propose_rollback
from bundler.actions.release.terms import Accepted
from bundler.actions.release.uninstall import UninstallRequest, propose_uninstall, uninstall
from bundler.errors.change import ClosedWindowError, DowngradeError, RolledBackError, SitePolicyError
from bundler.model.events import Warned
from bundler.model.lean import replace
from bundler.model.site import Site
from bundler.model.values import LayerKind
from bundler.model.windows import DeploymentWindows, Freeze
from bundler.values.merge import make_layer
from tests.lib.clocks import FakeClock

if TYPE_CHECKING:
    from tests.scenario.conftest import World

NOW = FakeClock().now()
REASON = "the shop is down"


def closed(since_s: float = -3600, until_s: float = 3600, now: datetime = NOW) -> Site:
    """A site that is frozen for an hour around the time at which a test begins."""
    freeze = Freeze(since=now + timedelta(seconds=since_s), until=now + timedelta(seconds=until_s), reason="audit")
    rules = DeploymentWindows(zone=UTC, zone_name="UTC", freezes=(freeze,))
    return Site(name="acme", values=make_layer({}, LayerKind.SITE, ""), deployment=rules)


def test_every_change_is_refused_while_plans_only_warn(sandbox_world: World) -> None:
    operator, menu = sandbox_world.operator, sandbox_world.menu
    operator.install(menu)
    operator.upgrade(menu, text="two")
    operator.site, before = closed(), operator.statuses()
    with pytest.raises(ClosedWindowError, match="checking the deployment windows of site acme") as raised:
        operator.upgrade(menu, text="three")
    assert raised.value.exit_code == SitePolicyError.exit_code
    assert raised.value.context == (
        "changes are frozen until Sun 2026-11-01 13:00 (UTC): audit",
        "the next window opens Sun 2026-11-01 13:00 (UTC), in 1 h",
    )
    assert "--outside-window REASON" in raised.value.hint
    with pytest.raises(ClosedWindowError):
        operator.rollback()
    with pytest.raises(ClosedWindowError):
        operator.uninstall()
    shown = len(operator.shown)
    with pytest.raises(ClosedWindowError):
        operator.install(menu, "other")
    assert len(operator.shown) == shown, "no one is asked about what is refused"
    assert operator.statuses() == before

    place = {"release": "shop", "namespace": operator.namespace, "site": operator.site}
    operator.diff(menu, text="three")
    propose_rollback(RollbackRequest(**place), operator.ports())  # type: ignore[arg-type]
    propose_uninstall(UninstallRequest(**place), operator.ports())  # type: ignore[arg-type]
    warned = [event.text for event in operator.events if isinstance(event, Warned)]
    assert sum("would be refused now: changes are frozen" in text for text in warned) == 3
    assert operator.upgrade(menu).revision is None, "what changes nothing is done at any time"


def test_a_plan_that_is_only_shown_fails_for_what_is_wrong_with_it_and_not_for_the_time(sandbox_world: World) -> None:
    operator, menu = sandbox_world.operator, sandbox_world.menu
    operator.install(menu)
    operator.site = closed()
    definition = menu / "bundle.yaml"
    definition.write_text(definition.read_text().replace("1.0.0", "0.9.0"))
    with pytest.raises(DowngradeError) as raised:
        operator.diff(menu)
    assert not any("frozen" in str(line) for line in raised.value.context)
    assert "--outside-window" not in raised.value.hint


def test_a_reason_opens_the_window_and_is_kept_with_the_revision(sandbox_world: World) -> None:
    operator, menu = sandbox_world.operator, sandbox_world.menu
    urgent = Accepted(losses=True, outside_window=REASON)
    operator.site = closed()
    operator.install(menu, request={"accepted": urgent})
    operator.upgrade(menu, text="two", request={"accepted": urgent})
    operator.rollback(accepted=urgent)
    words = f"outside the deployment windows: {REASON}"
    assert [one.description for one in operator.history()] == [words, words, f"rolled back to revision 1; {words}"]
    store = operator.ports().store
    assert {store.load(one).authorship.outside_window for one in operator.history()} == {REASON}
    gone = UninstallRequest(
        release="shop",
        namespace=operator.namespace,
        site=operator.site,
        accepted=Accepted(losses=True, removal=True, outside_window=REASON),
        keeps_history=True,
    )
    uninstall(gone, operator.ports(), lambda _proposal: True)
    assert operator.history()[-1].description == words

    operator.site = closed(until_s=-1)
    operator.install(menu, "other", request={"accepted": urgent})
    (one,) = operator.history("other")
    assert (one.description, store.load(one).authorship.outside_window) == ("", ""), "no window was closed"


def test_a_window_that_closes_before_the_release_is_locked_is_closed(sandbox_world: World) -> None:
    operator, menu = sandbox_world.operator, sandbox_world.menu
    operator.install(menu)
    operator.site = closed(since_s=60, until_s=1200, now=operator.clock.now())
    operator.before_apply = lambda _proposal: operator.clock.advance(90)  # type: ignore[attr-defined, func-returns-value]
    with pytest.raises(ClosedWindowError, match="deployment windows"):
        operator.upgrade(menu, text="two")
    assert operator.statuses() == ["deployed"]


def test_a_failed_change_goes_back_by_itself_although_its_window_has_closed(sandbox_world: World) -> None:
    operator, menu = sandbox_world.operator, sandbox_world.menu
    operator.install(menu)
    operator.site = closed(since_s=0.01, until_s=9999, now=operator.clock.now())
    broken = sandbox_world.break_web()

    def mend(event: object) -> None:
        operator.events.append(event)  # type: ignore[arg-type]
        if "rolling back" in str(event):
            sandbox_world.mend_web()

    ports = operator.ports
    operator.ports = lambda: replace(ports(), report=mend)  # type: ignore[method-assign]
    with pytest.raises(RolledBackError):
        operator.upgrade(menu, image=broken, request={"rollback_s": 60.0})
    assert operator.history()[-1].status == "deployed"
    assert operator.clock.now() > operator.site.deployment.freezes[0].since  # type: ignore[union-attr]
