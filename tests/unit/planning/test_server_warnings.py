"""What the API server warned of, said once."""

from __future__ import annotations

from bundler.model.change import Action, Change
from bundler.model.refs import ObjectRef
from bundler.planning.server_warnings import warning_lines

OLD = "policy/v1beta1 PodDisruptionBudget is deprecated in v1.21+"


def change(name: str, *warnings: str) -> Change:
    return Change(ref=ObjectRef("policy", "PodDisruptionBudget", "prod", name), action=Action.CREATE, warnings=warnings)


def test_a_warning_about_many_objects_is_one_line() -> None:
    changes = [change("c", OLD), change("a", OLD, OLD), change("b", OLD, "odd")]
    assert warning_lines(changes) == [
        f"PodDisruptionBudget/a and 2 more: {OLD}",
        "PodDisruptionBudget/b: odd",
    ]
