"""Which components come first. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bundler.errors.change import PlanError
from bundler.fields.kinds import kind_info
from bundler.model.refs import ObjectRef


def is_custom(ref: ObjectRef) -> bool:
    """Return whether a kind is none of Kubernetes' own: an operator may have to act before such an object can go."""
    return kind_info(ref.group, ref.kind) is None


def component_ranks(needs: Mapping[str, tuple[str, ...]]) -> Mapping[str, int]:
    """Return for each component in which wave it comes; see :func:`component_order`."""
    waves = component_order(frozenset(needs), needs)
    return {name: number for number, wave in enumerate(waves) for name in wave}


def with_implied_needs(
    needs: Mapping[str, tuple[str, ...]], implied: Iterable[tuple[str, str]]
) -> Mapping[str, tuple[str, ...]]:
    """Add needs that follow from what components hold, but for those that would close a circle.

    Args:
        needs: of every component.
        implied: pairs of a component and one that it needs.
    """
    found = {name: set(others) for name, others in needs.items()}
    pairs = {(name, other) for name, need in implied for other in needs if _is_within(other, need)}
    for name, need in sorted(pairs):
        if name in found and name not in reached(need, found):
            found[name].add(need)
    return {name: tuple(sorted(others)) for name, others in found.items()}


def reached(start: str, needs: Mapping[str, Iterable[str]]) -> set[str]:
    """Return ``start`` and all that it needs, and what that needs."""
    found: set[str] = set()
    left = [start]
    while left:
        if (one := left.pop()) not in found:
            found.add(one)
            left += needs.get(one, ())
    return found


def component_order(components: frozenset[str], needs: Mapping[str, tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """Return the components in waves: each wave needs only earlier ones. Pure and stable.

    Raises:
        PlanError: when components need each other in a circle.
    """
    left = set(components)
    waves: list[tuple[str, ...]] = []
    while left:
        wave = tuple(sorted(name for name in left if not set(needs.get(name, ())) & left - {name}))
        if not wave:
            raise PlanError(
                "ordering components",
                context=[f"{name} needs {', '.join(needs.get(name, ()))}" for name in sorted(left)],
                hint="break the circle in `needs` of bundle.yaml",
            )
        waves.append(wave)
        left -= set(wave)
    return tuple(waves)


def effective_needs(components: frozenset[str], needs: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
    """Return for each component every component that must be ready first.

    A need on ``db`` covers what is nested in it (``db/exporter``); what nests in ``web`` inherits the needs of ``web``,
    but for those of its own objects on what nests in it.
    """
    return {name: tuple(sorted(_needed(name, components, needs))) for name in sorted(components)}


def _needed(name: str, components: frozenset[str], needs: Mapping[str, tuple[str, ...]]) -> set[str]:
    lineage = [name[:cut] for cut, letter in enumerate(name) if letter == "/"] + [name]
    wanted = {
        need
        for ancestor in lineage
        for need in needs.get(ancestor, ())
        if ancestor == name or not _is_within(need, ancestor)
    }
    within = {other for other in components for need in wanted if _is_within(other, need)}
    return within - {name}


def _is_within(name: str, ancestor: str) -> bool:
    return name == ancestor or name.startswith(ancestor + "/")
