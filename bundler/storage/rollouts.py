"""An open rollout <-> the annotation of a head that holds it. Layer: adapter, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors.change import RecordTooLargeError
from bundler.model.digits import parse_digits
from bundler.model.json import canonical_json, text_at
from bundler.model.lean import replace
from bundler.model.rollout import OnFailure, Rollout, RolloutState, Share
from bundler.model.size import cut
from bundler.storage import limits
from bundler.storage.reading import (
    DamageError,
    count_of,
    list_of,
    mapping_of,
    parse_json,
    text_of,
    texts_of,
    time_of,
    word_of,
)

if TYPE_CHECKING:
    from bundler.model.json import Body, JSONValue

_SHARES = "the shares of a component"
_PAUSES = frozenset({"canary", "each", "none"})


def rollout_text(rollout: Rollout, release: str) -> str:
    """Return the annotation for a rollout: JSON of at most 2 KiB, whatever is said of it later.

    Args:
        rollout: with the time since which it is so.
        release: whose it is, for errors.

    Raises:
        RecordTooLargeError: when its shares and gates take too much of that.
    """
    fixed = len(_text(replace(rollout, passed=rollout.gates, by="", reason="")).encode())
    if fixed > limits.ROLLOUT_FIXED_MAX_BYTES:
        raise RecordTooLargeError(
            f"recording the rollout of release {release}",
            context=[f"its steps and gates take {fixed} bytes; at most {limits.ROLLOUT_FIXED_MAX_BYTES} are allowed"],
            hint="give it fewer steps or gates, or name the components that go in steps (--steps-of)",
        )
    by, reason = _words(rollout.by, limits.SHORT_MAX_BYTES), _words(rollout.reason, limits.ROLLOUT_REASON_MAX_BYTES)
    return _text(replace(rollout, by=by, reason=reason))


def _words(text: str, max_bytes: int) -> str:
    """Return a text on one line, so that JSON at most doubles it."""
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    return cut(" ".join(plain.split()), max_bytes)


def _text(rollout: Rollout) -> str:
    content: Body = {
        "shares": {component: [*map(str, shares)] for component, shares in rollout.shares.items()},
        "step": rollout.step,
        "done": rollout.is_done,
        "state": rollout.state.value,
        "since": rollout.since.isoformat(timespec="seconds") if rollout.since else "",
        "by": rollout.by,
        "pauseAfter": rollout.pause_after,
        "soak": rollout.soak_s,
        "timeout": rollout.step_timeout_s,
        "onFailure": rollout.on_failure.value,
        "gates": [*rollout.gates],
        "passed": [*rollout.passed],
        "startBroken": rollout.start_broken,
        "batches": not rollout.has_canary,
        "reason": rollout.reason,
    }
    return canonical_json({key: value for key, value in content.items() if value not in ("", 0, [], False)}).decode()


def read_rollout(text: str) -> Rollout | None:
    """Read the annotation; None where it is empty.

    Raises:
        DamageError: when it is not a rollout, or one that cannot be.
    """
    if not text:
        return None
    if len(text.encode(errors="replace")) > limits.ROLLOUT_MAX_BYTES:
        raise DamageError(f"its rollout is larger than {limits.ROLLOUT_MAX_BYTES} bytes")
    content = mapping_of(parse_json(text.encode(errors="replace")), "its rollout")
    found = Rollout(
        shares=_shares(content.get("shares")),
        step=count_of(content.get("step"), "the step of its rollout"),
        is_done=content.get("done") is True,
        state=word_of(RolloutState, text_at(content, "state"), "the state of its rollout"),
        since=time_of(text_at(content, "since")),
        by=text_at(content, "by"),
        pause_after=text_at(content, "pauseAfter") or "none",
        soak_s=count_of(content.get("soak", 0), "the soak of its rollout"),
        step_timeout_s=count_of(content.get("timeout", 0), "the time limit of its rollout"),
        on_failure=word_of(OnFailure, text_at(content, "onFailure"), "what follows a failure of its rollout"),
        gates=texts_of(content.get("gates", []), "the gates of its rollout", limits.READ_GATES_MAX),
        passed=texts_of(content.get("passed", []), "the gates passed", limits.READ_GATES_MAX),
        start_broken=count_of(content.get("startBroken", 0), "startBroken of its rollout"),
        has_canary=content.get("batches") is not True,
        reason=text_at(content, "reason"),
    )
    _check(found)
    return found


def _shares(value: JSONValue) -> dict[str, tuple[Share, ...]]:
    content = mapping_of(value, "the shares of its rollout")
    return {
        component: tuple(map(_share, list_of(shares, _SHARES, limits.READ_STEPS_MAX)))
        for component, shares in content.items()
    }


def _share(value: JSONValue) -> Share:
    text = text_of(value, "a share")
    try:
        return Share.parse(text)
    except ValueError as error:
        raise DamageError(f"a share of its rollout cannot be read: {text[:40]!r}") from error


def _check(rollout: Rollout) -> None:
    """Check what no single value shows.

    Raises:
        DamageError
    """
    lengths = {len(shares) for shares in rollout.shares.values()}
    if len(lengths) != 1 or not min(lengths):
        raise DamageError("its rollout has no steps, or another number of them for each component")
    if not 1 <= rollout.step <= rollout.steps:
        raise DamageError(f"its rollout is at step {rollout.step} of {rollout.steps}")
    if rollout.pause_after not in _PAUSES and not parse_digits(rollout.pause_after):
        raise DamageError(f"its rollout pauses after {rollout.pause_after[:40]!r}")
    if not {*rollout.passed} <= {*rollout.gates}:
        raise DamageError("its rollout has passed gates that it does not have")
