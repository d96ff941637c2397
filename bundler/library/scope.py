"""What the calls of one session share: its cluster, opened once, its time, its listeners. Layer: library.

A call belongs to a session by a context variable, which :mod:`bundler.concurrency` hands on to the threads of a run:
what a client of the API server tells, and the time that it has, are those of the call it works for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

import bundler.actions.release
import bundler.health
from bundler import confinement, http, library, storage
from bundler._version import __version__
from bundler.errors import BundlerError
from bundler.library.name_rules import check_namespace
from bundler.loader.limits import DEFAULT_LOAD_LIMITS, LoadLimits
from bundler.model.events import Acquired, Event, GateJudged, HealthChanged, Notice, Retrying, Warned
from bundler.model.lean import replace
from bundler.ports import ClusterClient, HeldLock, JudgeByRule, Ports, Registry, ReleaseLock, ReleaseStore, Reporter

if TYPE_CHECKING:
    from typing import TypeAlias

    from bundler.http.client_config import ClientConfig
    from bundler.http.gate import Gate
    from bundler.library.network import Network
    from bundler.library.options import Host, SessionOptions
    from bundler.model.bundle import Bundle, ReadinessRule
    from bundler.model.health import Health
    from bundler.model.json import Body
    from bundler.model.lock import LockState
    from bundler.model.redaction import Redactor
    from bundler.model.site import Site

    OpenCluster: TypeAlias = "Callable[[Scope], tuple[ClusterClient, str]]"


class Call:
    """One call of a session: who hears of it, whether it should stop, when it has to end."""

    def __init__(self, scope: Scope, *, report: Reporter, is_stopped: Callable[[], bool], deadline_s: float) -> None:
        self.scope, self.report, self.is_stopped, self.deadline_s = scope, report, is_stopped, deadline_s
        self.store: ReleaseStore | None = None
        """The records, with what this call has read of them; None until it asks for them."""

    def prolong(self, deadline_s: float) -> None:
        """Move the end: a rollback has a budget of its own."""
        self.deadline_s = deadline_s
        self.scope.extend(deadline_s)


_current: ContextVar[Call | None] = ContextVar("call", default=None)


class Scope:
    """One session from the inside; safe to use from several threads."""

    def __init__(self, options: SessionOptions, host: Host, network: Network, open_cluster: OpenCluster) -> None:
        """Open nothing yet.

        Args:
            options: how it works.
            host: the program that it works for.
            network: what it may reach.
            open_cluster: returns the cluster, and the namespace that its context names; called once, when needed.
        """
        self.options, self.host, self.network = options, host, network
        self._open_cluster = open_cluster
        self._opened: tuple[ClusterClient, str] | None = None
        self._judge: JudgeByRule | None = None
        self._commands: dict[str, str] = {}
        self._registry: Registry | None = None
        self._folder = options.cache_dir
        self.sites: tuple[Site, ...] = ()
        """The site files that were read: they say how their registries are connected to."""
        self._opening = threading.RLock()
        self._idle = Call(self, report=self._masked(host.report), is_stopped=host.stop.is_asked, deadline_s=0.0)
        self._idle.deadline_s = self._new_deadline_s()
        host.closing.callback(network.close)
        network.stay_offline(default=False)

    @property
    def limits(self) -> LoadLimits:
        """How large a bundle may be."""
        if self.options.limits is not None:
            return self.options.limits

        return DEFAULT_LOAD_LIMITS

    @property
    def call(self) -> Call:
        """The call that this thread works for; what threads of their own do (a heartbeat) is held to the longest."""
        current = _current.get()
        return current if current is not None and current.scope is self else self._idle

    def extend(self, deadline_s: float) -> None:
        """Let what belongs to no call continue as long as the longest one."""
        self._idle.deadline_s = max(self._idle.deadline_s, deadline_s)

    @contextmanager
    def calling(
        self, report: Reporter | None = None, is_stopped: Callable[[], bool] | None = None, *, waits_s: float = 0.0
    ) -> Iterator[None]:
        """Mark what is done inside as one call: its events, its time, and the errors that leave it.

        Args:
            report: takes its events; those of the program where none is given.
            is_stopped: says whether it should end early.
            waits_s: how long it is to wait for news, on top of the time that a call has.
        """
        deadline_s = self._new_deadline_s(waits_s)
        self.extend(deadline_s)
        call = Call(
            self,
            report=self._idle.report if report is None else self._masked(report),
            is_stopped=is_stopped or self.host.stop.is_asked,
            deadline_s=deadline_s,
        )
        token = _current.set(call)
        try:
            with self.network.surrounding():
                yield
        except BundlerError as error:
            if not self.host.masks:
                raise
            raise error.spelled(self.host.redactor.redact) from None
        finally:
            _current.reset(token)

    def report(self, event: Event) -> None:
        """Take an event of the call that this thread works for."""
        self.call.report(event)

    def budget_s(self) -> float:
        """Return the seconds that requests may still take."""
        left_s = self.call.deadline_s - self.host.clock.monotonic()
        return max(0.0, min(left_s, self.host.stop.grace_s()))

    def cluster(self) -> ClusterClient:
        """Return the cluster; it is opened when it is first asked for.

        Raises:
            KubeconfigError, CredentialsError, SandboxStoreError: when there is no way to it.
        """
        return self._cluster_and_namespace()[0]

    def namespace(self, asked: str = "", *, of_site: str = "") -> str:
        """Return the namespace of a release: the one asked for, else the session's, the site's, the context's.

        Args:
            asked: what a request says.
            of_site: what a site file says.

        Raises:
            UsageError: for an impossible name.
        """
        named = asked or self.options.namespace or of_site
        return check_namespace(named or self._cluster_and_namespace()[1])

    def ports(self, bundle: Bundle | None = None, *, registry: Registry | None = None) -> Ports:
        """Return everything that an action may reach, for the call that this thread works for.

        Args:
            bundle: what is installed, so that the recorded command line can be masked by its schemas.
            registry: where images are looked for; None where no delivery is available.

        Raises:
            KubeconfigError, CredentialsError, SandboxStoreError: when there is no way to the cluster.
        """
        cluster, call, clock = self.cluster(), self.call, self.host.clock
        return Ports(
            cluster=cluster,
            store=self._store(cluster),
            lock=_CarefulLock(self, cluster, bundle),
            clock=clock,
            report=call.report,
            redactor=self.host.redactor,
            deadline_s=call.deadline_s,
            is_stopped=call.is_stopped,
            prolong=call.prolong,
            judge=self._judged if cluster.has_operators else bundler.health.compute.without_operators(self._judged),
            registry=registry,
        )

    def _store(self, cluster: ClusterClient) -> ReleaseStore:
        """Return the records, read once in a call; what belongs to no call may outlive what it has read."""
        call = self.call
        store = call.store or storage.secrets.SecretReleaseStore(cluster, self.host.clock)
        if call is not self._idle:
            call.store = store
        return store

    def registry(self) -> Registry:
        """Return the registries that bundles are fetched from; their client is made when it is first asked for.

        Raises:
            RegistryError: when the settings of registries cannot be read.
        """
        with self._opening:
            if self._registry is None:
                self._registry = library.registries.open_registry(self)
            return self._registry

    def note_site(self, site: Site) -> None:
        """Let the registry of a site be reached from now on, in the way that its file says."""
        if site.registry is None or site in self.sites:
            return
        with self._opening:
            self.sites += (site,)
            self.network.site_hosts |= {site.registry.host}
            self._registry = None

    def cache_folder(self) -> Path:
        """Return the folder of what is fetched: that of the options, else one of this session alone."""
        with self._opening:
            if self._folder is None:
                import tempfile  # noqa: PLC0415 - only for sessions without a cache

                made = tempfile.TemporaryDirectory(prefix="bundler-")
                self._folder = Path(self.host.closing.enter_context(made))
            return self._folder

    def command(self, bundle: Bundle | None) -> str:
        """Return what is recorded as the command of a revision; what the bundle's schemas call sensitive is masked."""
        if not self.host.argv:
            return self.options.command
        key = bundle.digest if bundle else ""
        if key not in self._commands:
            self._commands[key] = bundler.actions.release.recorded_command.recorded_command(
                self.host.argv, bundle, confinement=self.host.confinement
            )
        return self._commands[key]

    def client_config(self, gate: Gate | None = None) -> ClientConfig:
        """Return what a client of servers needs from the program around it."""
        return http.client_config.ClientConfig(
            env=self.options.environment,
            clock=self.host.clock,
            budget=self.budget_s,
            report=self.report,
            count=self.host.count,
            is_interactive=self.host.is_interactive,
            gate=gate,
            fence=self.network.fence,
        )

    def _new_deadline_s(self, waits_s: float = 0.0) -> float:
        given = self.host.deadline_s
        return given() if given else self.host.clock.monotonic() + self.options.timeout_s + waits_s

    def _cluster_and_namespace(self) -> tuple[ClusterClient, str]:
        with self._opening:
            if self._opened is None:
                self._opened = self._open_cluster(self)
            return self._opened

    def _judged(self, rule: ReadinessRule, body: Body, /) -> Health:
        """Judge by an author's rule: in a process of its own where this one may be copied."""
        with self._opening:
            judge = self._judge = self._judge or self._make_judge()
        return judge(rule, body)

    def _make_judge(self) -> JudgeByRule:
        if not self.host.owns_process:
            return bundler.health.author.author_health

        rules = confinement.rules.ConfinedRules()
        self.host.closing.callback(rules.close)
        return rules

    def _masked(self, report: Reporter) -> Reporter:
        return _Masking(report, self.host.redactor) if self.host.masks else report


class _Masking:
    """A reporter that masks what is sensitive in the texts of events."""

    def __init__(self, report: Reporter, redactor: Redactor) -> None:
        self._report, self._redactor = report, redactor

    def __call__(self, event: Event) -> None:
        """Take one event."""
        redact = self._redactor.redact
        match event:
            case Acquired() | Notice() | Warned():
                event = replace(event, text=redact(event.text))
            case HealthChanged():
                health = replace(event.health, message=redact(event.health.message))
                event = replace(event, health=health, detail=redact(event.detail))
            case GateJudged():
                event = replace(event, why=redact(event.why))
            case Retrying():
                why, waits_for = redact(event.why), redact(event.waits_for)
                event = replace(event, doing=redact(event.doing), why=why, waits_for=waits_for)
            case _:
                pass
        self._report(event)


class _CarefulLock:
    """The lock of releases; while it is held, what is under way is finished before the run ends."""

    def __init__(self, scope: Scope, cluster: ClusterClient, bundle: Bundle | None) -> None:
        self._scope, self._cluster, self._bundle = scope, cluster, bundle

    @contextmanager
    def hold(self, namespace: str, release: str, *, doing: str, timeout_s: float) -> Iterator[HeldLock]:
        """Take the lock; see bundler.ports.ReleaseLock."""
        lock, careful = self._lock(), self._scope.host.stop.careful
        with lock.hold(namespace, release, doing=doing, timeout_s=timeout_s) as held, careful():
            yield held

    def state(self, namespace: str, release: str) -> LockState | None:
        """Return who holds the lock; see bundler.ports.ReleaseLock."""
        return self._lock().state(namespace, release)

    def break_(self, state: LockState) -> bool:
        """Take the lock away from its holder; see bundler.ports.ReleaseLock."""
        return self._lock().break_(state)

    def _lock(self) -> ReleaseLock:
        options, clock = self._scope.options, self._scope.host.clock
        command = self._scope.command(self._bundle)
        holder = storage.holder.this_process(user=options.user, command=command, tool_version=__version__)
        return storage.lock.LeaseLock(self._cluster, clock, holder, duration_s=options.lock_duration_s)
