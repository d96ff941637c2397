"""Pull secrets are read as the kubelet reads them."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from bundler.actions.preflight.images import config_of

AUTHS = {"registry.site": {"auth": "YTpi"}}
TEXT = json.dumps({"auths": AUTHS})


def packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("secret", "expected"),
    [
        ({"data": {".dockerconfigjson": packed(TEXT)}}, AUTHS),
        ({"data": {".dockerconfigjson": "\n".join((packed(TEXT)[:20], packed(TEXT)[20:]))}}, AUTHS),
        ({"stringData": {".dockerconfigjson": TEXT}}, AUTHS),
        ({"data": {".dockercfg": packed(json.dumps(AUTHS))}}, AUTHS),
        ({"data": {".dockerconfigjson": packed("{}")}}, None),
        ({"data": {".dockerconfigjson": "?"}}, None),
        ({"data": {".dockerconfigjson": packed("[" * 100_000)}}, None),
        ({}, None),
    ],
)
def test_a_pull_secret_is_read_in_every_form(secret: dict[str, Any], expected: object) -> None:
    assert config_of(secret).get("auths") == expected
