"""What a bundle and its components say about upgrades in steps, put together. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import TypeVar

from bundler.model.bundle import Bundle, StepGate, StepRules, below
from bundler.model.lean import dataclass, field, replace
from bundler.model.manifest import Manifest
from bundler.model.refs import ObjectRef
from bundler.model.rollout import PAUSES, OnFailure, Rollout, RolloutRequest, Share

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPolicy:
    """How the upgrades of a bundle go in steps, its components included; what no one says is as without rules."""

    default: tuple[Share, ...] = ()
    """The shares of all components without other ones; none: only those that are named go in steps."""
    components: Mapping[str, tuple[Share, ...]] = field(default_factory=dict)
    """Path of a component -> its own shares."""
    soak_s: int = 0
    pause_after: str = "none"
    on_failure: OnFailure = OnFailure.ABORT
    says_on_failure: bool = False
    step_timeout_s: int = 600
    is_required: bool = False
    compatible_jobs: frozenset[str] = frozenset()
    """Paths of the components whose old pods can work with what their Jobs do; ``""`` is the bundle itself."""

    def is_stepped(self, component: str) -> bool:
        """Return whether the upgrades of a component go in steps, by what the bundle says."""
        return any(not share.is_all for share in self.components.get(component, self.default))

    def request(self, changed: Collection[str]) -> RolloutRequest:
        """Return the request that the bundle makes by itself; a command line may say other things.

        Args:
            changed: paths of the components that the plan changes: what is said of others is left out.
        """
        return RolloutRequest(
            steps=self.default,
            shares={path: shares for path, shares in self.components.items() if path in changed},
            pause_after=self.pause_after,
            soak_s=self.soak_s,
            step_timeout_s=self.step_timeout_s,
            on_failure=self.on_failure,
            is_by_bundle=True,
        )


def step_policy(bundle: Bundle) -> StepPolicy:
    """Return how the upgrades of a bundle go in steps.

    What a bundle says counts for its components too; where it says nothing, they say it. Where several of them say
    something of the whole, the slowest counts.
    """
    shares = dict(_shares(bundle))
    default = shares.pop("", ())
    on_failure = _said(bundle, lambda rules: rules.on_failure, min)
    return StepPolicy(
        default=default,
        components={path: own for path, own in shares.items() if own != default},
        soak_s=_said(bundle, lambda rules: rules.soak_s, max) or 0,
        pause_after=_said(bundle, lambda rules: rules.pause_after or None, _most_pauses) or "none",
        on_failure=on_failure or OnFailure.ABORT,
        says_on_failure=on_failure is not None,
        step_timeout_s=_said(bundle, lambda rules: rules.step_timeout_s, max) or StepPolicy().step_timeout_s,
        is_required=_said(bundle, lambda rules: rules.is_required, any) or False,
        compatible_jobs=frozenset(_with_compatible_jobs(bundle)),
    )


def step_gates(bundle: Bundle) -> Iterator[StepGate]:
    """Yield the gates of a bundle, then those of its components, which are about their own pods."""
    for path, component in bundle.placed():
        for gate in component.upgrade.gates:
            yield replace(gate, name=below(path, gate.name), component=path)


def gates_of(gates: Iterable[StepGate], rollout: Rollout) -> tuple[StepGate, ...]:
    """Return the gates that are asked after each step of a rollout: those of components that go in steps, if named.

    Expressions come before checks, which take their time, and hold again once these have passed.
    """
    named = [gate for gate in gates if gate.name in rollout.gates]
    about = [gate for gate in named if any(map(gate.is_about, rollout.shares))]
    return tuple(sorted(about, key=lambda gate: bool(gate.job)))


def is_check_of(gate: StepGate, manifest: Manifest) -> bool:
    """Return whether an object is printed by the file of a gate's check."""
    file = below(gate.component, gate.job)
    return bool(gate.job) and (manifest.component, manifest.source.file) == (gate.component, file)


def named_objects(gate: StepGate, refs: Mapping[ObjectRef, str]) -> Mapping[str, tuple[ObjectRef, ...]]:
    """Return which objects are meant by each name in a gate's expression: one, where all is well.

    Args:
        gate: whose expression.
        refs: the objects of the release, with the components that they belong to.
    """
    own = [ref for ref, component in refs.items() if gate.is_about(component)]
    return {name: tuple(ref for ref in own if fnmatchcase(ref.short, name)) for name in gate.objects}


def _shares(bundle: Bundle, path: str = "") -> Iterator[tuple[str, tuple[Share, ...]]]:
    """Yield the shares of each component that has some; of a component that is named twice, the latter count."""
    own = bundle.upgrade.steps
    for name, component in bundle.component_bundles.items():
        yield from _shares(component, below(path, name))
    if own is None:
        return
    if own.default:
        yield from ((one, own.default) for one, _ in bundle.placed(path))
    yield from ((below(path, name), shares) for name, shares in own.components.items())


def _said(
    bundle: Bundle, of: Callable[[StepRules], _Value | None], choose: Callable[[list[_Value]], _Value]
) -> _Value | None:
    """Return what the bundle says, or what was chosen of what its components say; None where none of them does."""
    own = bundle.upgrade.steps
    if own is not None and (value := of(own)) is not None:
        return value
    found = [value for one in bundle.component_bundles.values() if (value := _said(one, of, choose)) is not None]
    return choose(found) if found else None


def _most_pauses(found: list[str]) -> str:
    return max(found, key=lambda one: ("none", "", "canary", "each").index(one if one in PAUSES else ""))


def _with_compatible_jobs(bundle: Bundle, path: str = "") -> Iterator[str]:
    if bundle.upgrade.steps is not None and bundle.upgrade.steps.has_compatible_jobs:
        yield from (one for one, _ in bundle.placed(path))
        return
    for name, component in bundle.component_bundles.items():
        yield from _with_compatible_jobs(component, below(path, name))
