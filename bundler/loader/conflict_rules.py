"""What is done about fields that others set, in bundle.yaml and in site files. Layer: loader, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bundler.model.conflicts import ConflictRule, OnConflict, path_problem

if TYPE_CHECKING:
    from bundler.loader.decode import Node

_KEYS: Final = ("policy", "kind", "name", "path", "manager")


def decode_conflict_rules(spec: Node) -> tuple[ConflictRule, ...]:
    """Decode ``conflicts``; what is wrong is reported to the node's problems."""
    return tuple(rule for node in spec.items("conflicts", *_KEYS) if (rule := _rule(node)) is not None)


def _rule(node: Node) -> ConflictRule | None:
    policy = node.choice("policy", [*OnConflict], is_required=True)
    path, manager = node.text("path"), node.text("manager")
    if not (path or manager):
        node.fail('needs "path" or "manager"')
    elif path and (why := path_problem(path)):
        node.fail(f'has a "path" that fits nothing: {why}')
    if policy not in [*OnConflict]:
        return None
    return ConflictRule(
        policy=OnConflict(policy),
        kind=node.text("kind"),
        name=node.text("name"),
        path=path,
        manager=manager,
        source=node.source,
    )
