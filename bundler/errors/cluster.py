"""Errors of the API server, and of the way to it. Layer: errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors import BundlerError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


class ClusterError(BundlerError):
    """The API server could not do what was asked."""

    code = "cluster"


class KubeconfigError(ClusterError):
    """No usable kubeconfig, or a broken one."""

    code = "kubeconfig"


class AmbiguousContextError(UsageError):
    """A context name means two things."""

    code = "context-ambiguous"


class CredentialsError(ClusterError):
    """Credentials could not be obtained from a file or a plugin."""

    code = "credentials"


class UnavailableError(ClusterError):
    """The API server cannot be reached, or answered with a passing failure until the time ran out."""

    code = "cluster-unavailable"


class UnauthorizedError(ClusterError):
    """401: the API server does not know who we are."""

    code = "unauthorized"


class ForbiddenError(ClusterError):
    """403: the API server knows us and says no."""

    code = "forbidden"


class ObjectNotFoundError(ClusterError):
    """404 where an object had to be there."""

    code = "object-not-found"


class UnknownKindError(ClusterError):
    """The API server serves no such kind."""

    code = "unknown-kind"


class ApiUnavailableError(ClusterError):
    """An aggregated API does not answer: what it holds is not known, which is not the same as absent."""

    code = "api-unavailable"


class AlreadyExistsError(ClusterError):
    """409 AlreadyExists from a create."""

    code = "already-exists"


class ConflictError(ClusterError):
    """409: a precondition (uid, resourceVersion) or field ownership does not hold.

    ``conflicts`` holds (path, manager) pairs where it is about ownership; it is empty for a precondition.
    """

    code = "conflict"

    def __init__(
        self, message: str, *, context: Sequence[str], hint: str, conflicts: Sequence[tuple[str, str]] = ()
    ) -> None:
        super().__init__(message, context=context, hint=hint)
        self.conflicts = tuple(conflicts)


class RejectedError(ClusterError):
    """400 or 422: the API server or an admission webhook refuses the object."""

    code = "rejected"


class ExpiredError(ClusterError):
    """410: a resourceVersion or a continue token is too old."""

    code = "expired"


class SandboxStoreError(ClusterError):
    """The sandbox's file cannot be read or written."""

    code = "sandbox-store"
