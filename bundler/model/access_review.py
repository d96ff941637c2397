"""Questions to the API server about what the one who asks may do. Layer: model, pure.

They are sent as dry-runs: a cluster that only plays one keeps no trace of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bundler.model.cluster import Payload
from bundler.model.json import Body, JSONValue, canonical_json, value_at
from bundler.model.refs import ObjectRef

REVIEWS: Final = "authorization.k8s.io"
"""API group."""
ACCESS_REVIEW: Final = "SelfSubjectAccessReview"
_API: Final = f"{REVIEWS}/v1"


def review_payload(kind: str, spec: Mapping[str, JSONValue], *, name: str) -> Payload:
    """Return a question.

    Args:
        kind: of the review.
        spec: what is asked.
        name: for messages and requests; the server keeps none.
    """
    body: Body = {"apiVersion": _API, "kind": kind, "spec": dict(spec)}
    return Payload(ref=ObjectRef(REVIEWS, kind, "", name), api_version=_API, content=canonical_json(body))


def access_payload(attributes: Mapping[str, JSONValue], *, name: str) -> Payload:
    """Return the question whether one thing is allowed.

    Args:
        attributes: verb, group, resource and so on, as ``resourceAttributes`` has them.
        name: as of :func:`review_payload`.
    """
    return review_payload(ACCESS_REVIEW, {"resourceAttributes": dict(attributes)}, name=name)


def allowed_in(answer: Body) -> bool | None:
    """Return what was answered to the question whether something is allowed; None where that is not said."""
    allowed = value_at(answer, "status", "allowed")
    return allowed if isinstance(allowed, bool) else None
