"""Upgrades in steps, as a bundle wants them: ``spec.upgrade.steps`` and ``gates``. Layer: loader, pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from bundler.loader.decode import Node, check_unique
from bundler.model.bundle import CHECKS_FOLDER, Bundle, StepGate, StepRules
from bundler.model.digits import parse_digits
from bundler.model.durations import parse_duration
from bundler.model.json import is_list, is_mapping
from bundler.model.rollout import ALL_PODS, PAUSES, OnFailure, Share
from bundler.model.size import counted
from bundler.values.problems import meant_or_known

if TYPE_CHECKING:
    from bundler.loader.problems import Problems

_KEYS: Final = (
    "default", "components", "soak", "pauseAfter", "required", "jobs", "onFailure", "stepTimeout",
)  # fmt: skip
_CANARY: Final = "canary"
_COMPATIBLE: Final = "compatible"
_LONGEST_S: Final = 30 * 86400


def decode_steps(upgrade: Node, components: Collection[str]) -> StepRules | None:
    """Decode ``steps``; what is wrong is reported to the node's problems.

    Args:
        upgrade: the mapping that holds it.
        components: names of the bundle's components.

    Returns:
        None where the bundle says nothing.
    """
    if upgrade.child("steps") is None:
        return None
    node = upgrade.mapping("steps", *_KEYS)
    default, named = _shares(node, "default"), node.mapping("components")
    _check_names(named, components)
    own = {name: _shares(named, name) for name in named.body}
    on_failure = node.choice("onFailure", [*OnFailure])
    return StepRules(
        default=default,
        components={name: shares for name, shares in own.items() if shares},
        soak_s=_seconds(node, "soak", least=0),
        pause_after=_pause_after(node, max(map(len, (default, *own.values())))),
        is_required=node.flag("required"),
        has_compatible_jobs=node.choice("jobs", (_COMPATIBLE,)) == _COMPATIBLE,
        on_failure=OnFailure(on_failure) if on_failure in [*OnFailure] else None,
        step_timeout_s=_seconds(node, "stepTimeout", least=1),
        source=node.source,
    )


def report_unknown_components(rules: StepRules, bundles: Mapping[str, Bundle], problems: Problems) -> None:
    """Report paths that lead to no component of a component; those that begin with none are reported while decoding.

    Args:
        rules: of a bundle.
        bundles: its components, as far as they could be loaded.
        problems: gathers what is wrong.
    """
    for path in rules.components:
        inner = bundles
        for name in path.split("/"):
            if name not in inner and inner is not bundles:
                known = ", ".join(inner) or "none"
                message = (
                    f'spec.upgrade.steps.components is about "{path}", which is not a component; known there: {known}'
                )
                problems.add(rules.source, message, field="/spec/upgrade/steps/components")
            if name not in inner:
                break
            inner = inner[name].component_bundles


def decode_gates(upgrade: Node) -> tuple[StepGate, ...]:
    """Decode ``gates``; what is wrong is reported to the node's problems."""
    nodes = upgrade.items("gates", "name", "expr", "job")
    gates = tuple(_gate(node) for node in nodes)
    check_unique(nodes, [gate.name for gate in gates], "a gate")
    return gates


def _gate(node: Node) -> StepGate:
    asks = {key: child.as_text(is_required=True) for key in ("expr", "job") if (child := node.child(key)) is not None}
    expr, job = asks.get("expr", ""), asks.get("job", "")
    gate = StepGate(name=node.named(), expr=expr, job=job, source=node.source)
    if len(asks) != 1:
        said = 'has "expr" and "job"' if asks else 'has neither "expr" nor "job"'
        node.fail(f"{said}; a gate is an expression, or the file of a check")
    elif gate.job and not gate.job.startswith(CHECKS_FOLDER):
        node.fail(f'has the job "{gate.job}", which is not a check; name a file like {CHECKS_FOLDER}smoke.yaml')
    return gate


def _check_names(node: Node, components: Collection[str]) -> None:
    """Report names that begin with no component; those further down are known once their bundles are loaded."""
    for name, child in node.members():
        first = name.partition("/")[0]
        if first not in components:
            meant = meant_or_known(first, components, "components are")
            child.fail(f'is about "{first}", which is not a component; {meant}')


def _shares(parent: Node, key: str) -> tuple[Share, ...]:
    """Return the shares of a list, or of ``{canary: SHARE}``, the last one all pods."""
    node = parent.child(key)
    if node is None:
        return ()
    if is_mapping(node.value):
        node.allow(_CANARY)
        canary = node.required(_CANARY)
        nodes = [canary] if canary is not None else []
    elif is_list(node.value):
        nodes = parent.nodes(key)
    else:
        node.fail('must be a list of shares like ["1", "25%", "100%"], or {canary: 1}')
        return ()
    if is_list(node.value) and not nodes:
        node.fail("has no share; the last one is 100%, and may be left out")
    shares = [share for one in nodes if (share := _share(one)) is not None]
    if len(shares) < len(nodes):
        return ()
    _check_growth(nodes, shares)
    return (*shares, ALL_PODS) if shares and not shares[-1].is_all else tuple(shares)


def _share(node: Node) -> Share | None:
    is_count = isinstance(node.value, int) and not isinstance(node.value, bool)
    text = str(node.value) if is_count else node.as_text(is_required=True)
    if not text:
        return None
    try:
        return Share.parse(text)
    except ValueError:
        node.fail(f'is "{text}", which is neither a number of pods from 1 nor a percentage from 1% to 100%')
        return None


def _check_growth(nodes: Sequence[Node], shares: Sequence[Share]) -> None:
    """Report shares that are not more than the one before; pods and percentages are compared once there are pods."""
    for node, (before, share) in zip(nodes[1:], pairwise(shares), strict=True):
        is_same_unit = before.is_percent is share.is_percent
        if before.is_all or (is_same_unit and share.number <= before.number):
            node.fail(f"is {share} after {before}; each step has more new pods than the one before")


def _pause_after(node: Node, steps: int) -> str:
    """Return after which step it pauses; a number is that of a step before the last.

    Args:
        node: the rules.
        steps: of the longest list of shares, the last one included; 0: there is no list.
    """
    child = node.child("pauseAfter")
    if child is None:
        return ""
    text = str(child.value) if isinstance(child.value, int) else child.as_text(is_required=True)
    number = parse_digits(text)
    if text and text not in PAUSES and not number:
        child.fail(f'is "{text}" and must be {", ".join(PAUSES)} or the number of a step')
        return ""
    if number and steps and number >= steps:
        are = "is" if steps == 2 else "are"
        child.fail(f"is {number}, and there {are} {counted(steps - 1, 'step')} before 100%")
    return text


def _seconds(node: Node, key: str, *, least: int) -> int | None:
    """Return the duration below ``key`` in whole seconds; None where it is not set."""
    child = node.child(key)
    text = child.as_text(is_required=True) if child is not None else ""
    if child is None or not text:
        return None
    if (seconds := child.read(parse_duration, text)) is None:
        return None
    if not least <= seconds <= _LONGEST_S or seconds != int(seconds):
        allowed = f"whole seconds, from {least}s to {_LONGEST_S // 86400}d"
        child.fail(f'is "{text}" and must be {allowed}')
        return None
    return int(seconds)
