"""What is said of a definition that takes less than it did. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from bundler.errors.change import DefinitionRiskError
from bundler.model.change import Action, Change, DefinitionRisk
from bundler.model.definition import is_definition, storage_of
from bundler.model.lean import replace
from bundler.model.size import counted, first_of
from bundler.planning.problem import Problem

if TYPE_CHECKING:
    from bundler.planning.observation import Observation

_SHOWN: Final = 10
_DOING = "comparing definitions with the live ones"
_ACCEPT = (
    "change these objects first, or keep the schema as wide as it is and bring a new version of the kind; pass"
    " --accept-crd-risk to write the definition all the same"
)


def risk_notes(risk: DefinitionRisk) -> Iterator[tuple[str, str]]:
    """Yield what is said of each thing that a definition no longer takes, and of each object that breaks."""
    yield from (("refused", line) for line in risk.blocked)
    yield from (("narrower", line) for line in first_of(risk.narrowed, _SHOWN))
    yield from (("breaks", line) for line in first_of(risk.broken, _SHOWN))
    if risk.narrowed and not (risk.broken or risk.blocked):
        yield "checked", f"none of {counted(risk.checked, 'live object')} breaks"


def definition_problems(changes: Iterable[Change], *, is_accepted: bool) -> Iterator[Problem]:
    """Yield why definitions are not written: the API server refuses them, or live objects would break.

    Args:
        changes: of a plan.
        is_accepted: whether objects may break.
    """
    for change in changes:
        risk, name = change.definition_risk, change.ref.short
        if risk is None:
            continue
        if risk.blocked:
            lines, hint = _lines(name, risk.blocked), _way_out(change.ref.name, risk)
            yield Problem(error=DefinitionRiskError, doing=_DOING, lines=lines, hint=hint)
        if risk.broken and not is_accepted:
            yield Problem(error=DefinitionRiskError, doing=_DOING, lines=_broken_lines(name, risk), hint=_ACCEPT)


def broken_by(changes: Iterable[Change]) -> tuple[str, ...]:
    """Return what the definitions of a plan break, as the refusal names it; nothing where all objects still fit."""
    risks = ((change.ref.short, change.definition_risk) for change in changes)
    return tuple(line for name, risk in risks if risk is not None and risk.broken for line in _broken_lines(name, risk))


def _broken_lines(name: str, risk: DefinitionRisk) -> tuple[str, ...]:
    return _lines(name, (*first_of(risk.narrowed, _SHOWN), *first_of(risk.broken, _SHOWN)))


def _lines(name: str, lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"{name}: {line}" for line in lines)


def _way_out(name: str, risk: DefinitionRisk) -> str:
    if any("may still be stored" in line for line in risk.blocked):
        return f"keep the version in this release, run `bundler migrate-storage {name}`, and drop it with the next one"
    return "keep the old value, or define another kind: what hangs on this one would go with it"


def with_definition(change: Change, observation: Observation) -> Change:
    """Return a change with what is known of the definition that it writes, or leaves as it is."""
    newer, risk = observation.newer.get(change.ref, ""), observation.risks.get(change.ref)
    said = tuple(text for text in (newer, _left_behind(change)) if text)
    if not (said or risk):
        return change
    return replace(change, definition_risk=risk, warnings=(*change.warnings, *said))


def _left_behind(change: Change) -> str:
    """Offer to store objects again where their kind gets another version to be stored in."""
    if not is_definition(change.ref) or change.before is None or change.desired is None:
        return ""
    old, new = storage_of(change.before), storage_of(change.desired.body)
    if change.action is not Action.UPDATE or not old or old == new:
        return ""
    return f"objects stay stored as {old} until `bundler migrate-storage {change.ref.name}` stores them as {new}"
