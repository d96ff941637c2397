"""Ask which cluster this is and as whom we speak. Layer: adapter."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bundler.cluster.errors import cannot_act
from bundler.cluster.request import METADATA_ONLY, Request
from bundler.cluster.status import read_status
from bundler.concurrency import in_parallel
from bundler.model.cluster import ClusterIdentity
from bundler.model.json import text_at
from bundler.model.lean import replace

if TYPE_CHECKING:
    from bundler.cluster.kubeconfig import ClusterAccess
    from bundler.cluster.transport import Transport
    from bundler.model.json import Body

_REVIEW = b'{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}'
_VERSION = Request(method="GET", target="/version", subject="the server's version")
_UID = Request(
    method="GET", target="/api/v1/namespaces/kube-system", subject="the cluster's identity", accept=METADATA_ONLY
)
_USER = Request(
    method="POST",
    target="/apis/authentication.k8s.io/v1/selfsubjectreviews",
    verb="create",
    body=_REVIEW,
    subject="a SelfSubjectReview",
)


def ask_identity(access: ClusterAccess, transport: Transport) -> ClusterIdentity:
    """Ask for version, uid and user at once; what may not be read stays empty, the user falls back to the kubeconfig's.

    Raises:
        UnavailableError, UnauthorizedError, CredentialsError: when the server does not speak with us.
        ForbiddenError: when we may not act as the one that we say.
    """
    version, uid, user, self = in_parallel(
        partial(_ask, transport, _VERSION),
        partial(_ask_uid, transport),
        partial(_ask, transport, _USER),
        partial(_ask, transport, replace(_USER, is_as_self=True)) if transport.is_acting else _nothing,
    )
    return ClusterIdentity(
        context=access.context,
        server=access.cluster.server,
        uid=text_at(uid, "metadata", "uid"),
        user=text_at(user, "status", "userInfo", "username") or access.user.name,
        acted_by=(text_at(self, "status", "userInfo", "username") or access.user.name) if transport.is_acting else "",
        version=text_at(version, "gitVersion"),
        namespace=access.namespace,
    )


def _nothing() -> Body:
    return {}


def _ask_uid(transport: Transport) -> Body:
    """Ask which cluster this is: it is the same for everyone, and the user that connects may be allowed to know."""
    found = _ask(transport, replace(_UID, is_as_self=True)) if transport.is_acting else {}
    return found or _ask(transport, _UID)


def _ask(transport: Transport, request: Request) -> Body:
    reply = transport.send(request)
    if reply.status in {403, 404} and not cannot_act(read_status(reply.status, reply.body)):
        return {}
    return transport.body_of(request, reply)
