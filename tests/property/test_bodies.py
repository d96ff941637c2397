"""What is sent is the rendered body and nothing else."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self

import pytest
from hypothesis import given, settings, strategies as st

from bundler.errors.change import FieldConflictError, RejectedObjectsError
from bundler.model.refs import ObjectRef
from bundler.sandbox.client import SandboxClient
from tests.lib.clocks import FakeClock
from tests.lib.laws import examples
from tests.lib.menus import small_bundle
from tests.lib.operator import Operator
from tests.lib.rendered import additions, leaves, rendered_bodies
from tests.lib.sandboxes import closed_when_dropped

if TYPE_CHECKING:
    from bundler.model.cluster import Answer, Payload

TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="\x7f\x85"), max_size=20)
ORDERS = st.fixed_dictionaries(
    {},
    optional={
        "text": TEXTS,
        "token": TEXTS,
        "replicas": st.integers(0, 5).map(str),
        "step": st.sampled_from(["migrate", "again"]),
        "extra": st.sampled_from(["true", "false"]),
        "autoscale": st.sampled_from(["true", "false"]),
    },
)
MEANWHILE = ("nothing", "scaled", "labelled")


class Recording:
    """Keeps every payload of apply, dry-runs included."""

    def __init__(self, inner: SandboxClient) -> None:
        self._inner = inner
        self.applied: list[Payload] = []

    def guarded(self, held: object) -> Self:
        """Go on without a lock: none is lost here."""
        del held
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def apply(self, payload: Payload, **options: bool) -> Answer:
        self.applied.append(payload)
        return self._inner.apply(payload, **options)


def disturb(client: SandboxClient, what: str) -> None:
    """What controllers and colleagues do between two upgrades."""
    web = ObjectRef("apps", "Deployment", "prod", "shop-web")
    if what == "scaled" and client.get(web) is not None:
        client.scale("Deployment", "shop-web", 7, namespace="prod")
    if what == "labelled" and client.get(web) is not None:
        client.edit(web, {"metadata": {"annotations": {"team": "web"}}, "spec": {"paused": False}})


@pytest.mark.slow
@settings(max_examples=examples(25), deadline=None)
@given(orders=st.lists(st.tuples(ORDERS, st.sampled_from(MEANWHILE)), min_size=1, max_size=4))
def test_no_body_holds_a_field_that_the_render_did_not(orders: list[tuple[dict[str, str], str]]) -> None:
    with TemporaryDirectory() as folder:
        menu = small_bundle(Path(folder))
        clock = FakeClock()
        client = closed_when_dropped(SandboxClient.open(None, clock))
        seen = 0
        recorded: dict[str, str] = {}
        for sets, what in orders:
            cluster = Recording(client)
            operator = Operator(cluster, "prod", clock=clock, timeout_s=600)  # type: ignore[arg-type]
            asked = {**recorded, **sets}
            # Others scaled the Deployment, or an autoscaler is to go down to no replica, which no server takes.
            with contextlib.suppress(FieldConflictError, RejectedObjectsError):
                operator.install(menu, **sets)
                recorded = asked
            rendered = rendered_bodies(operator.request(menu, "shop", asked))
            for payload in cluster.applied:
                assert additions(payload.content, rendered) == [], payload.ref
            seen += len(cluster.applied)
            disturb(client, what)
        assert seen, "nothing was sent"


def test_the_check_itself_finds_what_was_added() -> None:
    rendered = {("ConfigMap", "a"): {"kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "v"}}}
    sent: dict[str, Any] = {"kind": "ConfigMap", "metadata": {"name": "a", "uid": "1"}, "data": {"k": "w", "more": ""}}
    found = additions(json.dumps(sent).encode(), rendered)
    assert found == ["('data', 'k'): rendered 'v', sent 'w'", "('data', 'more'): only in the body"]
    assert dict(leaves({"a": [], "b": {"c": 1}})) == {("a",): [], ("b", "c"): 1}
