"""Locks that an operator breaks, through the port alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.actions.release.unlock import unlock
from bundler.errors import ConfirmationRequiredError
from tests.scenario.conftest import IN_MEMORY

if TYPE_CHECKING:
    from bundler.model.lock import LockState
    from tests.scenario.conftest import World


@IN_MEMORY
def test_a_free_lock_is_not_asked_about(world: World):
    lock, namespace = world.operator.ports().lock, world.operator.namespace
    result = unlock(lock, namespace, "shop", may_break=True, approve=lambda _: pytest.fail("no one holds it"))
    assert (result.state, result.is_broken) == (None, False)


def test_a_held_lock_is_shown_and_broken_only_with_an_answer(world: World):
    world.operator.install(world.menu)
    lock, namespace = world.operator.ports().lock, world.operator.namespace
    shown: list[LockState] = []

    def decline(state: LockState) -> bool:
        shown.append(state)
        return False

    with lock.hold(namespace, "shop", doing="upgrade", timeout_s=0):
        with pytest.raises(ConfirmationRequiredError) as raised:
            unlock(lock, namespace, "shop", may_break=False, approve=decline)
        assert "holds its lock, doing upgrade" in raised.value.context[0]
        assert unlock(lock, namespace, "shop", may_break=True, approve=decline).is_declined
        assert [state.doing for state in shown] == ["upgrade", "upgrade"]
        assert lock.state(namespace, "shop") is not None
        assert unlock(lock, namespace, "shop", may_break=True, approve=lambda _: True).is_broken
        assert lock.state(namespace, "shop") is None
