"""A release whose own webhook is down, on the real control plane: its upgrade and its uninstall get through."""

from __future__ import annotations

import time
import uuid
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from bundler.model.refs import ObjectRef
from tests.lib.judged import judged_bundle
from tests.lib.operator import Operator
from tests.lib.real import open_client
from tests.lib.widgets import DEFINITIONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lib.controlplane import ControlPlane

pytestmark = pytest.mark.controlplane
QUICK_S = 45.0
"""A server retries a webhook for a minute and more before it gives up."""


@pytest.fixture
def group(control_plane: ControlPlane) -> Iterator[str]:
    name = f"g{uuid.uuid4().hex[:8]}.example"
    yield name
    with closing(open_client(control_plane.kubeconfig("admin"))) as client:
        client.delete(ObjectRef(DEFINITIONS, "CustomResourceDefinition", "", f"widgets.{name}"))


@pytest.fixture
def operator(control_plane: ControlPlane, namespace: str) -> Iterator[Operator]:
    with closing(open_client(control_plane.kubeconfig("admin"), budget=lambda: 8.0)) as client:
        yield Operator(client, namespace)


def test_a_release_with_a_webhook_that_nothing_answers_is_upgraded_and_uninstalled(
    operator: Operator, group: str, tmp_path: Path
) -> None:
    menu = judged_bundle(tmp_path, group)
    operator.install(menu, "op", policy="Ignore")
    operator.upgrade(menu, "op", policy="Fail", replicas="0")

    began = time.monotonic()
    (widget,) = [one for one in operator.diff(menu, "op", size="2").plan.changes if one.ref.kind == "Widget"]
    assert widget.awaits_webhook
    assert time.monotonic() - began < QUICK_S

    # The server calls no one here: that the webhook is asked once it is ready shows in that the plan got so far.
    operator.upgrade(menu, "op", policy="Ignore", replicas="1", size="2")
    assert operator.live("Widget", "main", group)["spec"]["size"] == 2
    operator.upgrade(menu, "op", policy="Fail", replicas="0")

    began = time.monotonic()
    operator.uninstall("op")
    assert time.monotonic() - began < QUICK_S
    assert operator.live("Widget", "main", group) is None
    assert operator.history("op") == ()
