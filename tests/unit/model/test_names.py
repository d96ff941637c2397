"""What a release is known by."""

from __future__ import annotations

import uuid

from hypothesis import given, strategies as st

from bundler.model.names import release_uid

SPACE = uuid.UUID("5d1d3c0e-7a0b-5b53-9d5f-0f2c7a4be001")


@given(st.text(), st.text())
def test_a_release_uid_is_the_version_5_uuid_of_namespace_and_name(namespace: str, name: str) -> None:
    assert release_uid(namespace, name) == str(uuid.uuid5(SPACE, f"{namespace}/{name}"))


def test_the_uid_of_a_release_never_changes() -> None:
    assert release_uid("prod", "shop") == "4bd2370e-1013-525b-b824-0d0d9d43b47e"
