from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bundler.errors.delivery import (
    DeliveryPolicyError,
    SignatureError,
    UnsignedError,
    UntrustedKeyError,
    WrongSignatureError,
)
from bundler.model.trust import (
    BUNDLE_PAYLOAD,
    INDEX_PAYLOAD,
    Envelope,
    Signature,
    TrustPolicy,
    is_sound_point,
    make_key,
    pre_authentication,
)
from bundler.signing.keys import generate_key
from bundler.signing.sign import KeySigner
from bundler.signing.verify import PolicyVerifier
from tests.lib.clocks import START, FakeClock

ACME, OTHER, THIRD = (KeySigner(generate_key(name)) for name in ("acme", "other", "third"))
PAYLOAD = b'{"some":"index"}'
DAY = timedelta(days=1)


def policy(*signers: KeySigner, **more: object) -> TrustPolicy:
    return TrustPolicy(keys=tuple(signer.key for signer in signers), source="acme.yaml", **more)


def judge(policy: TrustPolicy, *envelopes: Envelope, payload: bytes = PAYLOAD, payload_type: str = INDEX_PAYLOAD):
    return PolicyVerifier(policy, FakeClock())(payload_type, payload, envelopes)


def test_the_signed_bytes_are_those_of_dsse() -> None:
    # The example of DSSE's protocol.md.
    assert pre_authentication("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_a_signature_by_a_trusted_key_holds() -> None:
    assert judge(policy(ACME), ACME.sign(INDEX_PAYLOAD, PAYLOAD)).signers == (ACME.key,)


def test_all_trusted_signers_are_named_once() -> None:
    envelopes = [signer.sign(INDEX_PAYLOAD, PAYLOAD) for signer in (OTHER, ACME, ACME, THIRD)]
    assert judge(policy(ACME, OTHER), *envelopes).signers == (ACME.key, OTHER.key)


@pytest.mark.parametrize(
    ("case", "error"),
    [
        (lambda: judge(policy(ACME)), UnsignedError),
        (lambda: judge(TrustPolicy(requires_signature=True)), UnsignedError),
        (lambda: judge(policy(ACME), ACME.sign(BUNDLE_PAYLOAD, PAYLOAD)), UnsignedError),
        (lambda: judge(policy(ACME), OTHER.sign(INDEX_PAYLOAD, PAYLOAD)), UntrustedKeyError),
        (lambda: judge(TrustPolicy(requires_signature=True), ACME.sign(INDEX_PAYLOAD, PAYLOAD)), UntrustedKeyError),
        (lambda: judge(policy(ACME), ACME.sign(INDEX_PAYLOAD, PAYLOAD), payload=PAYLOAD + b" "), WrongSignatureError),
        (lambda: judge(policy(ACME, threshold=2), ACME.sign(INDEX_PAYLOAD, PAYLOAD)), DeliveryPolicyError),
        (
            lambda: judge(policy(ACME, threshold=2), *[ACME.sign(INDEX_PAYLOAD, PAYLOAD)] * 2),
            DeliveryPolicyError,
        ),
        (
            lambda: judge(policy(ACME, revoked=frozenset({ACME.key.key_id})), ACME.sign(INDEX_PAYLOAD, PAYLOAD)),
            UntrustedKeyError,
        ),
        (
            lambda: judge(policy(ACME, revoked=frozenset({ACME.key.key_id[:16]})), ACME.sign(INDEX_PAYLOAD, PAYLOAD)),
            UntrustedKeyError,
        ),
    ],
)
def test_what_is_not_enough_is_refused_by_its_own_error(case, error: type[SignatureError]) -> None:
    with pytest.raises(error) as caught:
        case()
    assert type(caught.value) is error
    assert caught.value.context
    assert caught.value.hint


def test_two_keys_meet_a_threshold_of_two() -> None:
    envelopes = [ACME.sign(INDEX_PAYLOAD, PAYLOAD), OTHER.sign(INDEX_PAYLOAD, PAYLOAD)]
    assert len(judge(policy(ACME, OTHER, threshold=2), *envelopes).signers) == 2


@pytest.mark.parametrize(
    ("not_before", "not_after", "is_trusted"),
    [
        (None, None, True),
        (START - DAY, START + DAY, True),
        (START, START, True),
        (START + DAY, None, False),
        (None, START - DAY, False),
    ],
)
def test_a_key_counts_only_in_its_time(not_before, not_after, is_trusted: bool) -> None:
    key = replace(ACME.key, not_before=not_before, not_after=not_after)
    trusted = TrustPolicy(keys=(key,))
    envelope = ACME.sign(INDEX_PAYLOAD, PAYLOAD)
    if is_trusted:
        assert judge(trusted, envelope).signers == (key,)
    else:
        with pytest.raises(UntrustedKeyError) as caught:
            judge(trusted, envelope)
        assert '"acme"' in caught.value.context[0]
        assert caught.value.context[1] == f"the clock of this machine says {START:%Y-%m-%d %H:%M} UTC"
        assert caught.value.hint.startswith("check the clock of this machine")


def test_a_key_that_is_not_known_has_nothing_to_do_with_the_clock() -> None:
    with pytest.raises(UntrustedKeyError) as caught:
        judge(policy(ACME), OTHER.sign(INDEX_PAYLOAD, PAYLOAD))
    assert "clock" not in " ".join((*caught.value.context, caught.value.hint))


def test_a_revoked_key_does_not_spoil_the_signature_of_another() -> None:
    envelopes = [ACME.sign(INDEX_PAYLOAD, PAYLOAD), OTHER.sign(INDEX_PAYLOAD, PAYLOAD)]
    judged = judge(policy(ACME, OTHER, revoked=frozenset({ACME.key.key_id})), *envelopes)
    assert judged.signers == (OTHER.key,)


def test_every_flipped_bit_of_a_signature_is_seen() -> None:
    envelope = ACME.sign(INDEX_PAYLOAD, PAYLOAD)
    value = envelope.signatures[0].value
    for bit in range(0, 512, 7):
        changed = bytearray(value)
        changed[bit // 8] ^= 1 << bit % 8
        forged = replace(envelope, signatures=(Signature(key_id=ACME.key.key_id, value=bytes(changed)),))
        with pytest.raises(WrongSignatureError):
            judge(policy(ACME), forged)


def test_a_lie_about_the_payload_does_not_help() -> None:
    import hashlib

    other = b"another index"
    forged = replace(ACME.sign(INDEX_PAYLOAD, PAYLOAD), payload_sha256=hashlib.sha256(other).hexdigest())
    with pytest.raises(WrongSignatureError):
        judge(policy(ACME), forged, payload=other)


def test_without_keys_and_without_a_demand_nothing_is_judged() -> None:
    assert judge(TrustPolicy(), ACME.sign(INDEX_PAYLOAD, PAYLOAD)).signers == ()


def test_a_key_that_counts_no_more_is_not_called_trusted() -> None:
    old = replace(OTHER.key, not_after=START - DAY)
    given = replace(policy(ACME, THIRD, revoked=frozenset({ACME.key.key_id[:16]})), keys=(ACME.key, THIRD.key, old))
    with pytest.raises(UntrustedKeyError) as caught:
        judge(given, ACME.sign(INDEX_PAYLOAD, PAYLOAD), OTHER.sign(INDEX_PAYLOAD, PAYLOAD))
    assert [line for line in caught.value.context if "trusted is" in line] == [f"trusted is {THIRD.key.shown}"]


P = 2**255 - 19
SMALL_ORDER = (
    (0).to_bytes(32, "little"),
    (1).to_bytes(32, "little"),
    (P - 1).to_bytes(32, "little"),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
)


@pytest.mark.parametrize("point", SMALL_ORDER)
@pytest.mark.parametrize("sign", [0, 0x80])
def test_a_key_of_small_order_is_refused_because_anyone_can_sign_for_it(point: bytes, sign: int) -> None:
    with pytest.raises(ValueError, match="anyone can sign"):
        make_key(point[:-1] + bytes([point[-1] | sign]), "evil")


@pytest.mark.parametrize("y", [P, P + 1, P + 5, 2**255 - 1])
def test_a_key_in_a_second_spelling_is_refused(y: int) -> None:
    for sign in (0, 1 << 255):
        with pytest.raises(ValueError, match="second way"):
            make_key((y | sign).to_bytes(32, "little"), "twice")


def test_honest_keys_are_sound() -> None:
    assert all(is_sound_point(generate_key("honest").key.public) for _ in range(50))


@pytest.mark.parametrize("chars", [16, 64])
def test_what_revoked_keys_alone_signed_is_refused_without_trusted_keys_too(chars: int) -> None:
    revoking = TrustPolicy(revoked=frozenset({ACME.key.key_id[:chars]}))
    with pytest.raises(DeliveryPolicyError) as caught:
        judge(revoking, ACME.sign(INDEX_PAYLOAD, PAYLOAD))
    assert "which is revoked" in caught.value.context[0]
    assert judge(revoking, ACME.sign(INDEX_PAYLOAD, PAYLOAD), OTHER.sign(INDEX_PAYLOAD, PAYLOAD)).signers == ()
    assert judge(revoking).signers == ()
