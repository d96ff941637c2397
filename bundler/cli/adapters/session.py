"""The session that a command line works with: the one place that makes it. Layer: cli."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from bundler import cluster, library
from bundler.errors.cluster import AmbiguousContextError
from bundler.library.options import Host, SessionOptions
from bundler.library.scope import Scope
from bundler.library.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bundler.cli.session.app import App
    from bundler.model.site import Site
    from bundler.ports import ClusterClient, Confinement

Result = TypeVar("Result")

SANDBOX = "sandbox"
EMBEDDED = "embedded:sandbox"
FROM_KUBECONFIG = "kubeconfig:sandbox"


def open_session(app: App) -> Session:
    """Return the session of this run; its cluster is opened when it is first needed, and closed at the end.

    Raises:
        UsageError: when a variable of the environment cannot be used.
    """
    host = Host(
        clock=app.clock,
        redactor=app.redactor,
        closing=app.closing,
        report=app.telling,
        stop=app.stop,
        confinement=confined(app),
        owns_process=app.owns_process,
        is_interactive=app.settings.environment.stdin_is_terminal,
        masks=False,
        deadline_s=lambda: app.deadline_s,
        argv=app.argv,
        read_stdin=lambda: sys.stdin.read(),  # noqa: PLW0108 - who tests it puts another one there
    )
    return Session(Scope(session_options(app), host, app.network, partial(open_cluster, app)))


def named_site(session: Session, path: Path | None) -> Site | None:
    """Return the site file that --site names; None where it names none. Its registry may be reached from now on.

    Raises:
        ValuesFileError: with every problem of the file.
    """
    return session.read_site(path) if path else None


def session_options(app: App) -> SessionOptions:
    """Return how sessions of this run work.

    Raises:
        UsageError: when a variable of the environment cannot be used.
    """
    settings, environment = app.settings, app.settings.environment
    return SessionOptions(
        namespace=settings.namespace,
        timeout_s=settings.timeout_s,
        environment=environment.variables,
        home=environment.home,
        cache_dir=environment.cache_dir,
        config_dir=environment.config_dir,
        search_path=environment.bundle_path,
        catalogues=environment.catalogues,
        limits=app.limits if app.typed_limits else None,
        network=app.network.rules,
        lock_duration_s=environment.lock_duration_s,
        user=_local_user(app),
    )


def is_embedded(app: App) -> bool:
    """Return whether the embedded cluster is meant.

    Raises:
        AmbiguousContextError: when the name could mean a context of the kubeconfig too.
        KubeconfigError: when the kubeconfig is broken, so that no one can tell.
    """
    context = app.settings.context
    if context != SANDBOX:
        return context == EMBEDDED

    environment = app.settings.environment
    known = cluster.kubeconfig.known_contexts(
        environment.variables, home=environment.home, kubeconfig=app.settings.kubeconfig
    )
    if SANDBOX in known:
        raise AmbiguousContextError(
            f"choosing the cluster named {SANDBOX}",
            context=["the kubeconfig in use has a context of that name, and so does bundler"],
            hint=f"use --context {EMBEDDED} for the embedded cluster, --context {FROM_KUBECONFIG} for the kubeconfig's",
        )
    return True


def sandbox_path(app: App) -> Path:
    """Return the file that keeps the embedded cluster."""
    return app.settings.environment.state_dir / "sandbox.db"


def confined(app: App) -> Confinement:
    """Return what runs work on foreign bundles; the program for it is loaded by the first such work."""
    return _Confined(app)


def open_cluster(app: App, scope: Scope) -> tuple[ClusterClient, str]:
    """Open the cluster that is meant: the embedded one, or that of a kubeconfig or of the pod that we run in.

    Args:
        app: the running command.
        scope: of the session that works with it.

    Raises:
        KubeconfigError, CredentialsError, SandboxStoreError: when there is no way to it.
    """
    if is_embedded(app):
        return library.clusters.open_sandbox(scope, path=sandbox_path(app))
    context = SANDBOX if app.settings.context == FROM_KUBECONFIG else app.settings.context
    return library.clusters.open_kubeconfig(scope, kubeconfig=app.settings.kubeconfig, context=context)


def _local_user(app: App) -> str:
    variables = app.settings.environment.variables
    user = variables.get("USER") or variables.get("LOGNAME") or ""
    return user.encode(errors="replace").decode()


class _Confined:
    """Runs work on foreign bundles as the program does, which is loaded by the first such work."""

    def __init__(self, app: App) -> None:
        self._app = app

    def run(self, work: Callable[[], Result], *, doing: str) -> Result:
        """Return what ``work`` returns; see bundler.ports.Confinement."""
        return self._app.confinement.run(work, doing=doing)
