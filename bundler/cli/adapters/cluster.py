"""The one place that builds adapters: which cluster, as whom, with which budget. Layer: cli."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from bundler._version import __version__
from bundler.cli.terminal.progress import Progress
from bundler.errors.cluster import AmbiguousContextError
from bundler.library.name_rules import check_namespace
from bundler.model.events import Warned
from bundler.model.lean import dataclass
from bundler.ports import Ports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bundler.cli.session.app import App
    from bundler.cli.session.signals import Stop
    from bundler.model.bundle import Bundle
    from bundler.model.cluster import ClusterIdentity
    from bundler.model.lock import LockState
    from bundler.ports import ClusterClient, HeldLock, JudgeByRule, ReleaseLock

SANDBOX = "sandbox"
EMBEDDED = "embedded:sandbox"
FROM_KUBECONFIG = "kubeconfig:sandbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A cluster to work on, and the namespace to work in."""

    ports: Ports
    namespace: str
    progress: Progress
    command: Callable[[], str]
    """Returns the command line as it may be kept; computed when it is first asked for."""

    def identity(self) -> ClusterIdentity:
        """Return which cluster this is and as whom we speak.

        Raises:
            ClusterError: when it cannot be asked.
        """
        return self.ports.cluster.identity()


def connect(app: App, bundle: Bundle | None = None) -> Connection:
    """Build every adapter for one run; what holds files or connections is closed at its end.

    Args:
        app: settings and streams.
        bundle: what is installed, so that the recorded command line can be masked by its schemas.

    Raises:
        AmbiguousContextError: when the kubeconfig has a context named sandbox.
        KubeconfigError, CredentialsError, SandboxStoreError: when there is no way to the cluster.
    """
    from bundler.storage.secrets import SecretReleaseStore  # noqa: PLC0415 - for verbs that reach a cluster

    progress = app.closing.enter_context(Progress(app.screen, app.clock))
    deadline = _Deadline(app.deadline_s)
    cluster, namespace = _open_cluster(app, progress, deadline)
    duration_s = app.settings.environment.lock_duration_s
    command = cache(lambda: _command(app, bundle))
    ports = Ports(
        cluster=cluster,
        store=SecretReleaseStore(cluster, app.clock),
        lock=_CarefulLock(lambda: _make_lock(app, cluster, command(), duration_s=duration_s), app.stop),
        clock=app.clock,
        report=progress,
        redactor=app.redactor,
        deadline_s=app.deadline_s,
        is_stopped=app.stop.is_asked,
        prolong=deadline.move,
        judge=_judge(app),
    )
    namespace = app.settings.namespace or check_namespace(namespace)
    return Connection(ports=ports, namespace=namespace, progress=progress, command=command)


def _command(app: App, bundle: Bundle | None) -> str:
    from bundler.actions.release.recorded_command import recorded_command  # noqa: PLC0415 - only verbs that change need it

    return recorded_command(app.argv, bundle, confinement=app.confinement)


def _judge(app: App) -> JudgeByRule:
    """Return what judges by an author's rules: in a process of its own, started by the first rule there is."""
    if not app.owns_process:
        from bundler.health.author import author_health  # noqa: PLC0415 - as below

        return author_health
    from bundler.confinement.rules import ConfinedRules  # noqa: PLC0415 - for verbs that look at objects

    rules = ConfinedRules()
    app.closing.callback(rules.close)
    return rules


def is_embedded(app: App) -> bool:
    """Tell whether the embedded cluster is meant.

    Raises:
        AmbiguousContextError: when the name could mean a context of the kubeconfig too.
        KubeconfigError: when the kubeconfig is broken, so that nobody can tell.
    """
    context = app.settings.context
    if context != SANDBOX:
        return context == EMBEDDED
    from bundler.cluster.kubeconfig import known_contexts  # noqa: PLC0415 - reads YAML; only this name needs it

    environment = app.settings.environment
    known = known_contexts(environment.variables, home=environment.home, kubeconfig=app.settings.kubeconfig)
    if SANDBOX in known:
        raise AmbiguousContextError(
            f"choosing the cluster named {SANDBOX}",
            context=["the kubeconfig in use has a context of that name, and so does bundler"],
            hint=f"say --context {EMBEDDED} for the embedded cluster, --context {FROM_KUBECONFIG} for the kubeconfig's",
        )
    return True


def sandbox_path(app: App) -> Path:
    """Return the file that keeps the embedded cluster."""
    return app.settings.environment.state_dir / "sandbox.db"


class _Deadline:
    """On ``clock.monotonic()``: when the requests have to end; a rollback has a budget of its own."""

    def __init__(self, at_s: float) -> None:
        self.at_s = at_s

    def move(self, at_s: float) -> None:
        self.at_s = at_s


def _open_cluster(app: App, progress: Progress, deadline: _Deadline) -> tuple[ClusterClient, str]:
    if is_embedded(app):
        from bundler.sandbox.client import SandboxClient  # noqa: PLC0415 - one of the two is loaded, never both

        sandbox = SandboxClient.open(sandbox_path(app), app.clock)
        app.closing.callback(sandbox.close)
        return sandbox, "default"
    return _open_http(app, progress, deadline)


def _open_http(app: App, progress: Progress, deadline: _Deadline) -> tuple[ClusterClient, str]:
    from bundler.cluster.client import HttpClusterClient  # noqa: PLC0415 - one of the two is loaded, never both
    from bundler.cluster.kubeconfig import load_access  # noqa: PLC0415
    from bundler.http.client_config import ClientConfig  # noqa: PLC0415

    environment = app.settings.environment
    context = SANDBOX if app.settings.context == FROM_KUBECONFIG else app.settings.context
    access = load_access(
        environment.variables, home=environment.home, kubeconfig=app.settings.kubeconfig, context=context
    )
    around = ClientConfig(
        env=environment.variables,
        clock=app.clock,
        budget=lambda: max(0.0, min(deadline.at_s - app.clock.monotonic(), app.stop.grace_s())),
        report=progress,
        is_interactive=environment.stdin_is_terminal,
        fence=app.network.fence,
    )
    if not access.cluster.is_verified:
        progress(Warned(f"{access.cluster.server} is not verified: the kubeconfig says insecure-skip-tls-verify"))
    client = HttpClusterClient.open(access, around, cache_dir=environment.cache_dir)
    app.closing.callback(client.close)
    _let_pass(app, access.cluster.server)
    return client, access.namespace or "default"


def _let_pass(app: App, server: str) -> None:
    """Name the API server to the fence of this run, which ``--offline`` puts up now or later."""
    from bundler.cli.adapters.network_policy import stay_offline  # noqa: PLC0415 - as above
    from bundler.http.proxy import parse_server  # noqa: PLC0415

    app.network.fence.name(parse_server(server).authority)
    stay_offline(app, default=False)


def _make_lock(app: App, cluster: ClusterClient, command: str, *, duration_s: float) -> ReleaseLock:
    from bundler.storage.holder import this_process  # noqa: PLC0415 - only verbs that change take a lock
    from bundler.storage.lock import LeaseLock  # noqa: PLC0415

    holder = this_process(user=_local_user(app), command=command, tool_version=__version__)
    return LeaseLock(cluster, app.clock, holder, duration_s=duration_s)


def _local_user(app: App) -> str:
    variables = app.settings.environment.variables
    user = variables.get("USER") or variables.get("LOGNAME") or ""
    return user.encode(errors="replace").decode()


class _CarefulLock:
    """A lock that makes signals careful while it is held: requests in flight are finished, records are written."""

    def __init__(self, make: Callable[[], ReleaseLock], stop: Stop) -> None:
        self._make, self._stop = make, stop

    @contextmanager
    def hold(self, namespace: str, release: str, *, doing: str, timeout_s: float) -> Iterator[HeldLock]:
        """Take the lock; see bundler.ports.ReleaseLock."""
        lock = self._make()
        with lock.hold(namespace, release, doing=doing, timeout_s=timeout_s) as held, self._stop.careful():
            yield held

    def state(self, namespace: str, release: str) -> LockState | None:
        """Return who holds the lock; see bundler.ports.ReleaseLock."""
        return self._make().state(namespace, release)

    def break_(self, state: LockState) -> bool:
        """Take the lock away from its holder; see bundler.ports.ReleaseLock."""
        return self._make().break_(state)
