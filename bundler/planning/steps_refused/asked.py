"""Whether the steps that were asked for name what there is, and all move some pods. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bundler.model.change import Action, Change
from bundler.model.digits import parse_digits
from bundler.model.refs import ObjectRef
from bundler.model.rollout import PAUSES
from bundler.model.size import counted, first_of
from bundler.planning.order import reached
from bundler.planning.step_rules import named_objects
from bundler.planning.stepping import PACED_KINDS, Names, is_paced, replaces_pods
from bundler.planning.steps_refused.case import LEAVE_OUT, WITHOUT_STEPS, Case, Reason, found_in, replicas_of
from bundler.planning.steps_refused.workloads import why_unpaced

_SHOWN: Final = 10
_PLAIN_PAUSES: Final = frozenset({*PAUSES, ""})


def not_installed(case: Case) -> Iterator[Reason]:
    """There is nothing to go back to, and no old pod to keep."""
    if not case.is_installed:
        line = f"no revision of release {case.release} is deployed: there are no old pods to keep"
        yield Reason(line, WITHOUT_STEPS)


def unknown_names(case: Case) -> Iterator[Reason]:
    """A name that means nothing, or several things, is a mistake; a bundle may name components that are off."""
    if case.request.is_by_bundle:
        return
    names = Names(case.changes)
    for flag, name in _flags(case):
        components = sorted({meant.component for meant in names.find(name)})
        if not components:
            yield _unknown(case, flag, name)
        elif len(components) > 1:
            listed = " and ".join(components)
            yield Reason(f"{flag}: workloads of several components have this name", f"name the component: {listed}")
    yield from _named_twice(case, names)


def _unknown(case: Case, flag: str, name: str) -> Reason:
    gone = [one for one in case.changes if one.action is Action.DELETE and name in {one.component, one.ref.short}]
    if gone:
        return Reason(found_in(gone[0], f"this plan deletes it ({flag})"), LEAVE_OUT)
    known = ", ".join(first_of(Names(case.changes).known, _SHOWN)) or "none"
    return Reason(f"{flag}: there is no such component or workload", f"name one of these: {known}")


def _named_twice(case: Case, names: Names) -> Iterator[Reason]:
    """One component cannot take the steps of two names that mean it."""
    meant: dict[str, str] = {}
    for name in case.request.shares:
        for component in {one.component for one in names.find(name)}:
            first = meant.setdefault(component, name)
            if first != name:
                yield Reason(f"--canary names one component twice, as {first} and as {name}", "name it once")


def unknown_gates(case: Case) -> Iterator[Reason]:
    """A gate that does not exist would never be asked."""
    known = [gate.name for gate in case.bundle.gates]
    for name in case.request.gates:
        if name not in known:
            hint = f"name one of these: {', '.join(known)}" if known else "leave --gate out: the bundle has no gates"
            yield Reason(f"--gate {name}: the bundle has no such gate", hint)


def unclear_gates(case: Case) -> Iterator[Reason]:
    """An expression over an object that the release does not have is never true."""
    refs = {one.ref: one.component for one in case.changes if one.action is not Action.DELETE}
    for gate in case.bundle.gates:
        if case.request.gates and gate.name not in case.request.gates:
            continue
        for name, found in named_objects(gate, refs).items():
            if len(found) != 1:
                fits = f"{', '.join(sorted(ref.name for ref in found))} all fit" if found else "no object fits"
                line = gate.source.found(f"gate {gate.name} asks for {name}, and {fits}")
                yield Reason(line, "name one object of the release, with * for the name of the release")


def unreachable_pause(case: Case) -> Iterator[Reason]:
    """There is no pause after the finish, and none after a step that there is not."""
    after, steps = case.request.pause_after, max(map(len, case.shares.values()), default=0)
    number = parse_digits(after)
    if after in _PLAIN_PAUSES or not case.stepped or (number is not None and 1 <= number <= steps):
        return
    said = f"--pause-after {after}: there {'is' if steps == 1 else 'are'} {counted(steps, 'step')} before the finish"
    yield Reason(said, "name one of these steps by its number, or say canary, each or none")


def nothing_to_step(case: Case) -> Iterator[Reason]:
    """Steps would be an empty promise where no pods are replaced, or by a controller that cannot be stopped.

    Where nothing changes at all, the upgrade was made before: the same command again has nothing to do.
    """
    request = case.request
    is_made = all(one.action is Action.NONE or one.hook is not None for one in case.changes)
    if request.is_by_bundle or is_made or not case.is_installed:
        return
    if not (request.steps or request.shares):
        yield Reason("no steps are named, neither here nor by the bundle", "pass --steps, --canary or --batch")
        return
    named = [(flag, name) for flag, name in _flags(case) if not _is_override(case)]
    for flag, name in named:
        for meant in Names(case.changes).find(name):
            yield from _idle_workload(case, flag, meant.workload) if meant.workload else _idle(case, meant.component)
    if not (named or case.stepped):
        yield Reason("nothing to step: no pods of a live Deployment or StatefulSet are replaced", WITHOUT_STEPS)
        yield from (why_unpaced(change) for change in case.changes if _is_unpaced(change))


def _idle(case: Case, component: str) -> Iterator[Reason]:
    """Say why nothing of a component that was named goes in steps."""
    inside = [change for change in case.changes if change.component == component and change.hook is None]
    if any(map(is_paced, inside)):
        return
    yield Reason(f"nothing to step in component {component}: {_what_stays(inside)}", LEAVE_OUT)
    yield from (why_unpaced(change) for change in inside if _is_unpaced(change))


def _what_stays(inside: list[Change]) -> str:
    paced = sorted(one.ref.short for one in inside if (one.ref.group, one.ref.kind) in PACED_KINDS)
    if not paced:
        return "it has no Deployment and no StatefulSet"
    return f"the pods of {', '.join(first_of(paced, _SHOWN))} are new, or stay as they are"


def _idle_workload(case: Case, flag: str, ref: ObjectRef) -> Iterator[Reason]:
    change = next(one for one in case.changes if one.ref == ref)
    if (ref.group, ref.kind) not in PACED_KINDS:
        yield why_unpaced(change)
    elif change.before is None:
        yield Reason(found_in(change, f"it is new, and has no old pods ({flag})"), LEAVE_OUT)
    elif not is_paced(change):
        yield Reason(found_in(change, f"its pod template stays as it is ({flag})"), LEAVE_OUT)


def unfit_shares(case: Case) -> Iterator[Reason]:
    """A step moves some pods, and leaves some to the steps after it."""
    has_steps = case.request.steps or case.request.shares
    if has_steps and case.shares and not any(case.shares.values()):
        yield Reason(
            "a step of 100% is the finish, and there is none before it", f"add smaller steps, or {WITHOUT_STEPS}"
        )
    for change in case.stepped:
        if replicas_of(change) > 1:
            yield from _unfit(case, change)


def _unfit(case: Case, change: Change) -> Iterator[Reason]:
    replicas, before = replicas_of(change), 0
    name = change.component or change.ref.name
    hint = f"ask for other steps, or give {name} steps of its own: --canary {name}=1"
    for number, share in enumerate(case.shares[change.component], start=1):
        pods, step = share.pods(replicas), f"step {number} ({share})"
        if pods >= replicas:
            said = f"{step} comes to all of its {replicas} pods, and leaves none to the finish"
            yield Reason(found_in(change, said), hint)
        elif pods <= 0:
            yield Reason(found_in(change, f"{step} comes to no pod"), hint)
        elif pods < before:
            said = f"{step} comes to {counted(pods, 'pod')}, fewer than the {before} of the step before"
            yield Reason(found_in(change, said), hint)
        before = pods


def _flags(case: Case) -> Iterator[tuple[str, str]]:
    """Yield what was written on the command line, and the name in it."""
    yield from ((f"--steps-of {name}", name) for name in case.request.of)
    for name, steps in case.request.shares.items():
        yield f"--canary {name}={','.join(map(str, steps))}", name


def _is_override(case: Case) -> bool:
    """Return whether names say how something goes where it changes, and not that it goes in steps."""
    return bool(case.request.steps) and not case.request.of


def _is_unpaced(change: Change) -> bool:
    return (change.ref.group, change.ref.kind) not in PACED_KINDS and change.hook is None and replaces_pods(change)


def kept_waiting(case: Case) -> Iterator[Reason]:
    """What needs a stepped component is new only after the finish, so that nothing that goes in steps can need it."""
    stepped = {change.component for change in case.stepped}
    objects = (one for one in case.changes if one.hook is None)
    changing = {one.component for one in objects if one.action not in {Action.NONE, Action.DELETE}}
    for component in sorted(stepped):
        for between in sorted((reached(component, case.needs) & changing) - stepped):
            first = ", ".join(sorted(reached(between, case.needs) & stepped - {component}))
            if first:
                said = f"{component} needs {between}, which changes only in the finish: it needs {first}"
                yield Reason(said, f"name only {first}, or only {component}, with --steps-of")
