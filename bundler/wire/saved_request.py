"""What a saved plan was asked for, as JSON, and back. Layer: wire, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NotRequired, TypedDict

from bundler.model.conflicts import OnConflict
from bundler.model.digits import parse_digits
from bundler.model.rollout import PAUSES, OnFailure, RolloutRequest, Share
from bundler.model.saved_plan import PlannedVerb, SavedRequest
from bundler.wire.parts import MalformedError

if TYPE_CHECKING:
    from bundler.wire.parts import Part

_UNSAID: Final = ("pauseAfter", "soakSeconds", "stepTimeoutSeconds", "onFailure")
"""What a rollout has where the command line says it."""


class RolloutRequestForm(TypedDict):
    """How an upgrade in steps was asked for."""

    steps: list[str]
    """The share of every component in each step: `1` or `25%`."""
    shares: dict[str, list[str]]
    """Component, or workload of it, and its own steps."""
    of: list[str]
    """Which components go in steps; none: every changed one whose pods are replaced."""
    pauseAfter: NotRequired[str]
    """`canary`, `each`, `none`, or the number of a step; what is not given here and below, the bundle says."""
    soakSeconds: NotRequired[int]
    stepTimeoutSeconds: NotRequired[int]
    onFailure: NotRequired[Literal["abort", "pause"]]
    gates: list[str]
    canary: bool
    """The new pods of the first step come on top of the old ones."""
    sharedConfig: bool
    """Old pods that restart may get the new settings."""
    inOneStep: bool
    """Without steps, whatever the bundle says."""


class RequestForm(TypedDict):
    """What was asked for, as far as carrying it out needs it."""

    bundle: str
    """As it was named."""
    revision: int
    """Of a rollback: where it goes back to."""
    kubeVersion: str
    accepts: list[str]
    """What is meant although it is refused by default: `downgrade`, `losses` …"""
    adopts: list[str]
    """Objects in the way that are taken over."""
    recreates: list[str]
    """Objects that are deleted and created again where they cannot be changed."""
    onConflict: Literal["fail", "take", "keep"]
    """What is done about fields that others set."""
    rollbackSeconds: float
    keepsHistory: bool
    skipsHooks: bool
    """Of a rollback or an uninstall: no hooks are run."""
    skipsPreflight: bool
    reason: str
    site: str
    siteDigest: str
    rollout: NotRequired[RolloutRequestForm]
    """Of an upgrade in steps."""


def request_form(request: SavedRequest) -> RequestForm:
    """Return what was asked for as JSON."""
    form: RequestForm = {
        "bundle": request.bundle,
        "revision": request.revision,
        "kubeVersion": request.kube_version,
        "accepts": list(request.accepts),
        "adopts": list(request.adopts),
        "recreates": list(request.recreates),
        "onConflict": request.on_conflict.value,
        "rollbackSeconds": request.rollback_s,
        "keepsHistory": request.keeps_history,
        "skipsHooks": request.skips_hooks,
        "skipsPreflight": request.skips_preflight,
        "reason": request.reason,
        "site": request.site,
        "siteDigest": request.site_digest,
    }
    return {**form, "rollout": _rollout_form(request.rollout)} if request.rollout else form


def _rollout_form(rollout: RolloutRequest) -> RolloutRequestForm:
    form: RolloutRequestForm = {
        "steps": list(map(str, rollout.steps)),
        "shares": {name: list(map(str, steps)) for name, steps in rollout.shares.items()},
        "of": list(rollout.of),
        "gates": list(rollout.gates),
        "canary": rollout.has_canary,
        "sharedConfig": rollout.accepts_shared_config,
        "inOneStep": rollout.in_one_step,
    }
    if rollout.pause_after:
        form["pauseAfter"] = rollout.pause_after
    if rollout.soak_s is not None:
        form["soakSeconds"] = rollout.soak_s
    if rollout.step_timeout_s is not None:
        form["stepTimeoutSeconds"] = rollout.step_timeout_s
    if rollout.on_failure is not None:
        form["onFailure"] = rollout.on_failure.value
    return form


def read_request(whole: Part, part: Part) -> SavedRequest:
    """Return what was asked for.

    Args:
        whole: the saved plan.
        part: its request.

    Raises:
        MalformedError: when anything in it is not as it was made.
    """
    part.require(*(key for key in RequestForm.__annotations__ if key != "rollout"), may=["rollout"])
    return SavedRequest(
        verb=whole.one_of("verb", PlannedVerb),
        release=whole.text("release"),
        namespace=whole.text("namespace"),
        bundle=part.text("bundle"),
        revision=part.count("revision"),
        kube_version=part.text("kubeVersion"),
        accepts=part.texts("accepts"),
        adopts=part.texts("adopts"),
        recreates=part.texts("recreates"),
        on_conflict=part.one_of("onConflict", OnConflict),
        rollback_s=part.number("rollbackSeconds"),
        keeps_history=part.flag("keepsHistory"),
        skips_hooks=part.flag("skipsHooks"),
        skips_preflight=part.flag("skipsPreflight"),
        reason=part.text("reason"),
        site=part.text("site"),
        site_digest=part.digest("siteDigest"),
        rollout=_rollout(part.part("rollout")) if "rollout" in part.body else None,
    )


def _rollout(part: Part) -> RolloutRequest:
    known = RolloutRequestForm.__annotations__
    part.require(*(key for key in known if key not in _UNSAID), may=_UNSAID)
    shares, said = part.part("shares"), part.body
    return RolloutRequest(
        steps=_steps(part, "steps"),
        shares={name: _steps(shares, name) for name in shares.body},
        of=part.texts("of"),
        pause_after=part.one_of("pauseAfter", _pause) if "pauseAfter" in said else "",
        soak_s=part.count("soakSeconds") if "soakSeconds" in said else None,
        step_timeout_s=part.count("stepTimeoutSeconds") if "stepTimeoutSeconds" in said else None,
        on_failure=part.one_of("onFailure", OnFailure) if "onFailure" in said else None,
        gates=part.texts("gates"),
        has_canary=part.flag("canary"),
        accepts_shared_config=part.flag("sharedConfig"),
        in_one_step=part.flag("inOneStep"),
    )


def _steps(part: Part, key: str) -> tuple[Share, ...]:
    try:
        return tuple(map(Share.parse, part.texts(key)))
    except ValueError as error:
        raise MalformedError(f"{part.place}.{key}: {error}") from error


def _pause(text: str) -> str:
    if text not in PAUSES and not parse_digits(text):
        raise ValueError(f"{text!r} is not one of {', '.join(PAUSES)} or the number of a step")
    return text
