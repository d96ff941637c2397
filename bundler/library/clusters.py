"""The ways to a cluster: a kubeconfig, the pod that we run in, the embedded one. Layer: library."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bundler.sandbox
from bundler import cluster, http
from bundler.errors import UsageError
from bundler.library.name_rules import check_account
from bundler.model.events import Warned
from bundler.model.lean import replace

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.cluster.kubeconfig import ClusterAccess
    from bundler.library.scope import Scope
    from bundler.ports import ClusterClient


def open_sandbox(scope: Scope, *, path: Path | None) -> tuple[ClusterClient, str]:
    """Open the embedded cluster, in memory where no file is named.

    Raises:
        UsageError: when it is to act as what is no ServiceAccount.
        SandboxStoreError: when its file cannot be used.
    """
    account = check_account(scope.options.impersonate)
    sandbox = bundler.sandbox.client.SandboxClient.open(path, scope.host.clock, acts_as=account)
    scope.host.closing.callback(sandbox.close)
    return sandbox, "default"


def open_kubeconfig(scope: Scope, *, kubeconfig: Path | None, context: str) -> tuple[ClusterClient, str]:
    """Open the cluster of a kubeconfig's context.

    Args:
        scope: of the session; its environment names the files where none is given.
        kubeconfig: the file; None: what ``KUBECONFIG`` names, else ``.kube/config`` in the home folder.
        context: empty: the current one.

    Raises:
        KubeconfigError, CredentialsError: when there is no way to the cluster.
    """
    options = scope.options
    access = cluster.kubeconfig.load_access(
        options.environment, home=options.home, kubeconfig=kubeconfig, context=context, timeout_s=scope.budget_s()
    )
    return _open(scope, access)


def open_pod(scope: Scope, *, server: str, folder: Path) -> tuple[ClusterClient, str]:
    """Open the cluster that this process runs in, as its ServiceAccount.

    Args:
        scope: of the session.
        server: address of the API server.
        folder: where ``token``, ``ca.crt`` and ``namespace`` are; the token is read again when it changes.

    Raises:
        KubeconfigError: when there is no token.
    """
    return _open(scope, cluster.kubeconfig.pod_access(server, folder))


def refuse_cluster(scope: Scope) -> tuple[ClusterClient, str]:
    """Refuse what needs a cluster.

    Raises:
        UsageError: always.
    """
    del scope
    raise UsageError(
        "reaching a cluster",
        context=["this session was opened without one"],
        hint="open it with Session.connect(), Session.in_cluster() or Session.sandbox()",
    )


def _open(scope: Scope, access: ClusterAccess) -> tuple[ClusterClient, str]:
    if account := check_account(scope.options.impersonate):
        # Without groups: the server adds those of a ServiceAccount itself, and no right to take on any is needed.
        access = replace(access, user=replace(access.user, impersonation=(("Impersonate-User", account),)))
    server = access.cluster.server
    if not access.cluster.is_verified:
        scope.report(Warned(f"{server} is not verified: the kubeconfig says insecure-skip-tls-verify"))
    client = cluster.client.HttpClusterClient.open(access, scope.client_config(), cache_dir=scope.options.cache_dir)
    scope.host.closing.callback(client.close)
    scope.network.fence.name(http.proxy.parse_server(server).authority)
    scope.network.stay_offline(default=False)
    return client, access.namespace or "default"
