"""The header WWW-Authenticate, as registries write it."""

import pytest
from hypothesis import given, strategies as st

from bundler.oci.challenge import Challenge, choose_challenge, parse_challenges


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", []),
        ('Basic realm="a b"', [Challenge(scheme="basic", realm="a b")]),
        (
            'Bearer realm="https://auth/token",service="r",scope="repository:a/b:pull,push"',
            [Challenge(scheme="bearer", realm="https://auth/token", service="r", scope="repository:a/b:pull,push")],
        ),
        (
            'bearer realm="x" , error="insufficient_scope"',
            [Challenge(scheme="bearer", realm="x", error="insufficient_scope")],
        ),
        (
            'Basic realm="a", Bearer realm="b"',
            [Challenge(scheme="basic", realm="a"), Challenge(scheme="bearer", realm="b")],
        ),
        (
            'Basic realm="a"\nBearer realm=b',
            [Challenge(scheme="basic", realm="a"), Challenge(scheme="bearer", realm="b")],
        ),
        (r'Basic realm="a \"quoted\" one"', [Challenge(scheme="basic", realm='a "quoted" one')]),
        ("Negotiate", [Challenge(scheme="negotiate")]),
    ],
)
def test_challenges_are_read(header: str, expected: list[Challenge]) -> None:
    assert parse_challenges(header) == expected


def test_a_token_is_preferred_to_a_password_on_every_request() -> None:
    found = choose_challenge('Basic realm="a", Bearer realm="b"')
    assert found is not None
    assert found.scheme == "bearer"
    assert choose_challenge("Negotiate") is None


@given(st.text(max_size=60))
def test_whatever_comes_is_read_without_a_failure(header: str) -> None:
    assert all(challenge.scheme for challenge in parse_challenges(header))
