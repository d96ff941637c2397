"""What a plan is said to do is what its lines show."""

from __future__ import annotations

from bundler.cli.output.plan import PlanView, count_line, plan_lines
from bundler.model.change import Action, Change, Plan
from bundler.model.refs import ObjectRef


def config(name: str, action: Action) -> Change:
    return Change(ref=ObjectRef("", "ConfigMap", "shop", name), action=action)


def test_an_object_whose_name_changes_with_its_content_counts_once_as_it_is_shown() -> None:
    names = (("settings-e4d1b190", Action.CREATE), ("settings-29d0427e", Action.DELETE), ("other", Action.NONE))
    plan = Plan(changes=tuple(config(name, action) for name, action in names))
    shown, count = plan_lines(plan, PlanView(namespace="shop", has_diffs=False))
    assert shown.text.startswith("~ update ConfigMap/settings-e4d1b190")
    assert count.text == count_line(plan) == "plan: 1 to update, 1 unchanged"
