"""Orders for tests, as the API server gives them."""

from __future__ import annotations

from typing import Any

SOURCE = "oci://registry.site:5000/acme/bundles/shop"
DIGEST = f"sha256:{'18bb' * 16}"


def order_body(*, name: str = "shop", annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """Return a Release; fields of its spec by their names."""
    return {
        "apiVersion": "bundler.dev/v1",
        "kind": "Release",
        "metadata": {
            "name": name,
            "namespace": "prod",
            "uid": "u-1",
            "generation": 4,
            **({"annotations": annotations} if annotations else {}),
        },
        "spec": {"bundle": {"source": SOURCE, "version": "1.4.0"}, **spec},
    }
