"""Errors of the API server, and of the way to it. Layer: errors."""

from __future__ import annotations

from collections.abc import Sequence

from bundler.errors import BundlerError, UsageError


class ClusterError(BundlerError):
    """The API server could not do what was asked.

    Remedy: Read the server's message in the error, and the server's log.
    """

    code = "cluster"


class KubeconfigError(ClusterError):
    """There is no kubeconfig, or it cannot be used.

    Remedy: Check `KUBECONFIG`, `--kubeconfig` and `--context`.
    """

    code = "kubeconfig"


class AmbiguousContextError(UsageError):
    """The name of a context has two meanings.

    Remedy: Write `embedded:sandbox` or `kubeconfig:sandbox`.
    """

    code = "context-ambiguous"


class CredentialsError(ClusterError):
    """Credentials could not be read from a file or obtained from a plugin.

    Remedy: Check the user of the kubeconfig: its files, and the plugin's own command.
    """

    code = "credentials"


class UnavailableError(ClusterError):
    """The API server cannot be reached, or kept failing until the time ran out.

    Remedy: Check the network, the proxy and the API server, then run the command again.
    """

    code = "cluster-unavailable"


class UnauthorizedError(ClusterError):
    """401: the API server does not accept the credentials.

    Remedy: Log in again, or check the user of the kubeconfig.
    """

    code = "unauthorized"


class ForbiddenError(ClusterError):
    """403: the user lacks a permission.

    Remedy: Ask an administrator for a Role with the verb and resource that the error names; see
    [Rights for a pipeline](../how-to-rbac.md).
    """

    code = "forbidden"
    is_quota: bool
    """A ResourceQuota leaves no room, or asks for what the object does not say; no permission is missing."""
    is_leaving: bool
    """The namespace is being deleted, and takes nothing new."""

    def __init__(
        self, message: str, *, context: Sequence[str], hint: str, is_quota: bool = False, is_leaving: bool = False
    ) -> None:
        super().__init__(message, context=context, hint=hint)
        self._keep(is_quota=is_quota, is_leaving=is_leaving)


class ObjectNotFoundError(ClusterError):
    """404: an object that has to exist does not.

    Remedy: Create the object, or correct its name or namespace.
    """

    code = "object-not-found"


class UnknownKindError(ClusterError):
    """The API server does not serve this kind.

    Remedy: Install the CustomResourceDefinition first, or correct `apiVersion` and `kind`.
    """

    code = "unknown-kind"


class ApiUnavailableError(ClusterError):
    """An aggregated API does not answer, so what it holds is unknown.

    Remedy: Repair the server behind the APIService that the error names.
    """

    code = "api-unavailable"


class AlreadyExistsError(ClusterError):
    """409: an object that should be created exists already.

    Remedy: Choose another name, or remove the object.
    """

    code = "already-exists"


class ConflictError(ClusterError):
    """409: an object changed in the meantime, or another manager owns a field.

    Remedy: Run the command again; it reads the object again.

    ``conflicts`` holds (path, manager) pairs where it is about ownership; it is empty for a precondition.
    """

    code = "conflict"
    conflicts: tuple[tuple[str, str], ...]

    def __init__(
        self, message: str, *, context: Sequence[str], hint: str, conflicts: Sequence[tuple[str, str]] = ()
    ) -> None:
        super().__init__(message, context=context, hint=hint)
        self._keep(conflicts=tuple(conflicts))


class RejectedError(ClusterError):
    """400 or 422: the API server or an admission webhook refuses the object.

    Remedy: Correct the fields that the error names, or ask the owner of the webhook.
    """

    code = "rejected"


class ExpiredError(ClusterError):
    """410: a resource version or a continue token is too old.

    Remedy: Run the command again.
    """

    code = "expired"


class SandboxStoreError(ClusterError):
    """The file of the sandbox cannot be read or written.

    Remedy: Check that the file is writable; `bundler sandbox reset` replaces a damaged one.
    """

    code = "sandbox-store"
