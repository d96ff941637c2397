"""Make the text of a generated secret, once. Layer: actions; the only place with randomness."""

from __future__ import annotations

import base64
import json
import secrets
import string
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING

from bundler.model.cluster import Payload
from bundler.model.labels import COMPONENT, INSTANCE, MANAGED_BY, MANAGED_BY_VALUE, RELEASE_UID
from bundler.planning.normalize import component_label

if TYPE_CHECKING:
    from bundler.model.change import Change
    from bundler.model.manifest import GeneratedSecret
    from bundler.planning.observation import Wanted

_ALPHABET = string.ascii_letters + string.digits


def generate_text(secret: GeneratedSecret) -> str:
    """Return a new text of the kind and length that the bundle asks for.

    Passwords are letters and digits alone: they survive URLs, shells and connection strings without quoting.
    """
    match secret.kind:
        case "uuid":
            return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))
        case "hex":
            return secrets.token_hex((secret.length + 1) // 2)[: secret.length]
        case "base64":
            return base64.b64encode(secrets.token_bytes(secret.length)).decode()
        case _:
            return "".join(secrets.choice(_ALPHABET) for _ in range(secret.length))


def secret_payload(change: Change, texts: Mapping[str, str], wanted: Wanted) -> Payload:
    """Return the Secret that holds generated texts by their keys; it is sent with POST and never again.

    Args:
        change: one change of the plan.
        texts: by key.
        wanted: as bundle.yaml defines it.
    """
    labels = {
        MANAGED_BY: MANAGED_BY_VALUE,
        INSTANCE: wanted.release,
        RELEASE_UID: wanted.uid,
        COMPONENT: component_label(change.component),
    }
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": change.ref.name, "namespace": change.ref.namespace, "labels": labels},
        "type": "Opaque",
        "data": {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()},
    }
    return Payload(ref=change.ref, api_version="v1", content=json.dumps(body).encode())
