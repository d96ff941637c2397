"""Judge signatures by what a site trusts. Layer: signing, adapter of the Verifier port; computes only."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bundler import signing
from bundler.errors.delivery import DeliveryPolicyError, UnsignedError, UntrustedKeyError, WrongSignatureError
from bundler.model.trust import SHORT_KEY_ID_CHARS, Evidence, pre_authentication

if TYPE_CHECKING:
    from datetime import datetime

    from bundler.model.trust import Envelope, Signature, TrustedKey, TrustPolicy
    from bundler.ports import Clock

_DOING = "checking signatures"
_HINT_KEYS = "get the sender's .pub file by a way you trust, and name it with --key or under keys: in the site file"
_HINT_CLOCK = (
    "check the clock of this machine, and the dates under keys: in the site file; else ask for a file that is signed "
    "with a key of today"
)
_HINT_CHANGED = "do not use it; get it again from where it was made"


@dataclass(slots=True)
class _Findings:
    """What was seen of the signatures so far."""

    good: dict[str, TrustedKey] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    is_out_of_time: bool = False
    """A key that is trusted at another time signed it."""


class PolicyVerifier:
    """Judges signatures by a policy and the time of day."""

    def __init__(self, policy: TrustPolicy, clock: Clock) -> None:
        self._policy, self._clock = policy, clock

    def __call__(self, payload_type: str, payload: bytes, envelopes: Sequence[Envelope]) -> Evidence:
        """Return who signed; see bundler.ports.Verifier."""
        policy = self._policy
        pairs = [(one, sig) for one in envelopes if one.payload_type == payload_type for sig in one.signatures]
        if not pairs and policy.asks_for_signature:
            found = f"there is no signature, and {policy.source or 'the policy'} asks for one"
            hint = "ask the sender for the signed file; `bundler sign` adds a signature"
            raise UnsignedError(_DOING, context=[found], hint=hint)
        if not policy.asks_for_signature:
            self._refuse_revoked([sig for _, sig in pairs])
            return Evidence(signers=())
        return self._judged(self._looked_at(payload_type, payload, pairs))

    def _refuse_revoked(self, signatures: Sequence[Signature]) -> None:
        """Refuse what revoked keys alone have signed; without trusted keys nothing else is asked of signatures."""
        revoked = sorted({one.key_id for one in signatures if self._is_revoked(one.key_id)})
        if revoked and all(one.key_id in revoked for one in signatures):
            found = [f"signed by key id {key_id[:SHORT_KEY_ID_CHARS]}, which is revoked" for key_id in revoked]
            raise DeliveryPolicyError(_DOING, context=found, hint="get a file signed with another key")

    def _is_revoked(self, key_id: str) -> bool:
        return bool({key_id, key_id[:SHORT_KEY_ID_CHARS]} & self._policy.revoked)

    def _looked_at(self, payload_type: str, payload: bytes, pairs: Sequence[tuple[Envelope, Signature]]) -> _Findings:
        digest, signed = hashlib.sha256(payload).hexdigest(), pre_authentication(payload_type, payload)
        keys = {key.key_id: key for key in self._policy.keys}
        findings, now = _Findings(), self._clock.now()
        for envelope, signature in pairs:
            key = keys.get(signature.key_id)
            if why := self._why_not(key, signature, now):
                findings.ignored.append(why)
                findings.is_out_of_time |= key is not None and bool(_untimely(key, now))
            elif (
                key is not None
                and envelope.payload_sha256 == digest
                and signing.library.is_signature(key.public, signed, signature.value)
            ):
                findings.good[key.key_id] = key
            elif key is not None:
                findings.wrong.append(f"the signature by {key.shown} does not fit: what it signed was changed")
        return findings

    def _why_not(self, key: TrustedKey | None, signature: Signature, now: datetime) -> str:
        """Return why a signature counts for nothing; empty where it has to hold."""
        short = signature.key_id[:SHORT_KEY_ID_CHARS]
        if {short, signature.key_id} & self._policy.revoked:
            return f"key id {short} is revoked"
        return f"key id {short} is not known here" if key is None else self._spent(key, now)

    def _spent(self, key: TrustedKey, now: datetime) -> str:
        """Return why a trusted key counts for nothing here and now; empty where it counts."""
        if self._is_revoked(key.key_id):
            return f"{key.shown} is revoked"
        return _untimely(key, now)

    def _judged(self, findings: _Findings) -> Evidence:
        if findings.wrong:
            raise WrongSignatureError(_DOING, context=sorted(set(findings.wrong)), hint=_HINT_CHANGED)
        ignored = sorted(set(findings.ignored))
        if not findings.good:
            now = self._clock.now()
            counting = [key for key in self._policy.keys if not self._spent(key, now)]
            trusted = [f"trusted is {key.shown}" for key in counting] or ["no key is trusted here and now"]
            clock = [f"the clock of this machine says {now:%Y-%m-%d %H:%M} UTC"] if findings.is_out_of_time else []
            hint = _HINT_CLOCK if findings.is_out_of_time else _HINT_KEYS
            raise UntrustedKeyError(_DOING, context=[*ignored, *clock, *sorted(trusted)], hint=hint)
        signers = tuple(sorted(findings.good.values(), key=lambda key: (key.name, key.key_id)))
        if len(signers) < self._policy.threshold:
            said = f"{self._policy.source or 'the policy'} asks for {self._policy.threshold} signatures"
            found = [f"{said}, and {len(signers)} count", *(f"signed by {key.shown}" for key in signers), *ignored]
            raise DeliveryPolicyError(_DOING, context=found, hint="ask the other holders of keys to sign it too")
        return Evidence(signers=signers)


def _untimely(key: TrustedKey, now: datetime) -> str:
    """Return how a key is trusted at another time than now; empty where its time is now."""
    if key.not_before is not None and now < key.not_before:
        return f"{key.shown} is trusted only from {key.not_before:%Y-%m-%d %H:%M} UTC"
    if key.not_after is not None and now > key.not_after:
        return f"{key.shown} was trusted only until {key.not_after:%Y-%m-%d %H:%M} UTC"
    return ""
