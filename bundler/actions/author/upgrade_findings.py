"""What lint finds in ``spec.upgrade``: names of what the bundle does not have. Layer: actions, pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from bundler.actions.compose.step_gates import with_objects
from bundler.model.bundle import BESIDE_TEMPLATES, Bundle, StepGate, below, is_below
from bundler.model.finding import Finding, Level
from bundler.planning.jobs import is_job
from bundler.planning.recreate import recreate_rules
from bundler.planning.step_rules import is_check_of, named_objects, step_gates
from bundler.planning.stepping import PACED_KINDS

if TYPE_CHECKING:
    from bundler.model.manifest import Manifest, Source

_JOB: Final = "kind: Job"
_NAME: Final = "`*` in it stands for the name of the release"


def upgrade_findings(bundle: Bundle, known: Sequence[Manifest]) -> Iterator[Finding]:
    """Yield what ``spec.upgrade`` of a bundle and its components names in vain.

    What some values print, and others do not, is in a template at least.

    Args:
        bundle: with its components.
        known: everything that was rendered of it.
    """
    texts = [text for one in bundle.tree() for text in one.templates.values()]
    yield from _recreate_findings(bundle, known, texts)
    bundles = dict(bundle.placed())
    for gate in step_gates(bundle):
        yield from _object_findings(gate, known, texts)
        yield from _check_findings(gate, bundles[gate.component], known)
    yield from _step_findings(bundles, known)


def _recreate_findings(bundle: Bundle, known: Sequence[Manifest], texts: Sequence[str]) -> Iterator[Finding]:
    for rule in recreate_rules(bundle):
        if not _is_spelt(rule.object, texts) and not any(rule.fits(one.ref, one.component) for one in known):
            message = f"upgrade.recreate names {rule.object}, and the bundle renders no such object"
            yield _warning(rule.source, "recreate-name", message, f"correct the name; {_NAME}")


def _object_findings(gate: StepGate, known: Sequence[Manifest], texts: Sequence[str]) -> Iterator[Finding]:
    for name, found in named_objects(with_objects(gate), {one.ref: one.component for one in known}).items():
        if len(found) > 1:
            message = f"gate {gate.name} asks for {name}, and {', '.join(ref.name for ref in sorted(found))} all fit"
        elif not found and not _is_spelt(name, texts):
            message = f"gate {gate.name} asks for {name}, and the bundle renders no such object"
        else:
            continue
        yield _warning(gate.source, "gate-object", message, f"name one object; {_NAME}")


def _check_findings(gate: StepGate, bundle: Bundle, known: Sequence[Manifest]) -> Iterator[Finding]:
    if not gate.job or _JOB in bundle.templates.get(BESIDE_TEMPLATES + gate.job, ""):
        return
    if not any(is_job(one.ref) and is_check_of(gate, one) for one in known):
        message = f"gate {gate.name} runs {gate.job}, which prints no Job: there is no such gate"
        yield _warning(gate.source, "gate-check", message, "put a Job into it, or name another check")


def _step_findings(bundles: Mapping[str, Bundle], known: Sequence[Manifest]) -> Iterator[Finding]:
    """Yield steps of components that have no pods to step."""
    able = {path for path, one in bundles.items() if _has_paced(path, one, known)}
    for path, bundle in bundles.items():
        rules = bundle.upgrade.steps
        if rules is None:
            continue
        names = [name for name in rules.components if below(path, name) not in able]
        said = [f"upgrade.steps names {name}, which has no Deployment and no StatefulSet" for name in names]
        if rules.default and not any(is_below(one, path) for one in able):
            said.append("upgrade.steps has a default, and there is no Deployment and no StatefulSet")
        for message in said:
            yield _warning(rules.source, "idle-steps", message, "leave it out: nothing else goes in steps")


def _has_paced(path: str, bundle: Bundle, known: Sequence[Manifest]) -> bool:
    is_spelt = any(f"kind: {kind}" in text for text in bundle.templates.values() for _, kind in PACED_KINDS)
    return is_spelt or any(one.component == path and (one.ref.group, one.ref.kind) in PACED_KINDS for one in known)


def _is_spelt(name: str, texts: Iterable[str]) -> bool:
    """Return whether a template may print an object: it has the kind, and the parts of the name."""
    kind, _, rest = name.partition("/")
    return any(all(part in text for part in (f"kind: {kind}", *rest.split("*"))) for text in texts)


def _warning(source: Source, rule: str, message: str, hint: str) -> Finding:
    return Finding(source.file, source.line, 0, Level.WARNING, rule, message, (), hint)
