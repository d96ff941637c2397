"""The library: everything that bundler does with bundles and releases, as methods of one object. Layer: library."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bundler import library
from bundler.library.network import Network
from bundler.library.options import Host, SessionOptions
from bundler.library.requests import PlanInputs, ReleaseRequest
from bundler.library.scope import Scope
from bundler.library.system_clock import SystemClock
from bundler.model.redaction import Redactor

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from bundler.actions.acquire.bundle import AcquiredBundle
    from bundler.actions.author.values import ComputedValues, ExplainedValues
    from bundler.actions.compose.user_values import Values
    from bundler.actions.release.correct import CorrectionOptions
    from bundler.actions.release.lifecycle import ChangeResult, RunOptions
    from bundler.actions.release.proposal import Proposal
    from bundler.actions.release.rollback import RollbackRequest
    from bundler.actions.release.uninstall import UninstallRequest
    from bundler.actions.rollout.abort import AbortRequest
    from bundler.actions.rollout.resume import ContinueRequest
    from bundler.library.inspecting import OnUnreadable
    from bundler.library.releases import AnyRequest, Approve
    from bundler.library.run import Run
    from bundler.library.scope import OpenCluster
    from bundler.model.catalogue import SearchResult
    from bundler.model.check_report import CheckReport
    from bundler.model.cluster import ClusterIdentity
    from bundler.model.comparison import Comparison
    from bundler.model.drift import Correction, ReleaseDrift
    from bundler.model.explanation import Explanation
    from bundler.model.finding import LintResult
    from bundler.model.image_build import BuiltImage, ImageBuild
    from bundler.model.json import Body
    from bundler.model.kind import OrderKind, OrderProblem, SecretKey
    from bundler.model.orders import KeepingOrder
    from bundler.model.release import AuditEntry, Protection, ReleaseStatus, Revision, RevisionSummary
    from bundler.model.release_state import ReleaseState, RolloutProgress
    from bundler.model.rendered import RenderedObjects, RenderedText, SplitObjects
    from bundler.model.results import MigratedStorage
    from bundler.model.rights import MissingRight
    from bundler.model.saved_plan import SavedPlan
    from bundler.model.site import Site
    from bundler.model.support import SupportArchive
    from bundler.model.sweep import Sweep, SweepResult
    from bundler.ports import ClusterClient, HeldLock, Reporter

_IN_CLUSTER = "https://kubernetes.default.svc"
"""The address of the API server in the name service of every cluster."""
_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_DEFAULTS = SessionOptions()
_NO_SECRETS: Mapping[tuple[str, SecretKey], str] = {}


class Session:
    """A cluster, the places that bundles come from, and the rules that hold; everything is asked of it.

    A session prints nothing, and reads neither the environment nor the command line of its process: what it may know
    of them is given by `SessionOptions`. Several sessions in one process do not affect each other, and several threads
    may use one. Texts of its errors and events are masked where they hold something sensitive; plans, rendered objects
    and revisions hold what they are made of.

    What a bundle's templates and expressions compute runs in this process, bounded by counts; the command line, which
    may be given any bundle, works on them in a child process with a bound on time and memory.

    Every method may raise a `BundlerError`; those that reach a cluster may raise its kinds ``ClusterError``
    (the API server, or the way to it) and ``ReleaseError`` (records and locks).

    Example:
        >>> from bundler import ReleaseRequest, Session, Values
        >>> with Session.sandbox() as session:
        ...     request = ReleaseRequest(bundle="webapp", release="shop", values=Values(data={"minReplicas": 3}))
        ...     proposal = session.plan(request)
        ...     print(len(proposal.plan.changes), "objects")
        ...     result = session.apply(request, approve=proposal)
        ...     print(session.status("shop").is_ready)
        8 objects
        True
    """

    def __init__(self, scope: Scope) -> None:
        """Take what the calls of this session share; `connect` and its siblings make it."""
        self.scope = scope
        self._runs: list[Run[ChangeResult]] = []

    @classmethod
    def connect(cls, *, kubeconfig: Path | None = None, context: str = "", options: SessionOptions = _DEFAULTS) -> Self:
        """Open the cluster of a kubeconfig's context; nothing is sent yet.

        Args:
            kubeconfig: the file. None: the files that ``KUBECONFIG`` names in the environment of the options, else
                ``.kube/config`` in their home folder.
            context: its name; empty: the current one.
            options: how the session works.

        Raises:
            KubeconfigError: when there is no such file or context, or it cannot be used.
            CredentialsError: when its user cannot log in.
        """
        return cls._opened(partial(library.clusters.open_kubeconfig, kubeconfig=kubeconfig, context=context), options)

    @classmethod
    def in_cluster(
        cls, *, server: str = _IN_CLUSTER, folder: Path = _SERVICE_ACCOUNT, options: SessionOptions = _DEFAULTS
    ) -> Self:
        """Open the cluster that this process runs in, as the ServiceAccount of its pod; nothing is sent yet.

        Args:
            server: address of the API server.
            folder: where ``token``, ``ca.crt`` and ``namespace`` are mounted.
            options: how the session works.

        Raises:
            KubeconfigError: when there is no token.
        """
        return cls._opened(partial(library.clusters.open_pod, server=server, folder=folder), options)

    @classmethod
    def sandbox(cls, *, path: Path | None = None, options: SessionOptions = _DEFAULTS) -> Self:
        """Open an embedded cluster: a Kubernetes API that needs no server, for tests and trials.

        Args:
            path: the file that keeps it; None: it is in memory, and gone with the session.
            options: how the session works.

        Raises:
            SandboxStoreError: when the file cannot be used.
        """
        return cls._opened(partial(library.clusters.open_sandbox, path=path), options)

    @classmethod
    def local(cls, *, options: SessionOptions = _DEFAULTS) -> Self:
        """Open a session without a cluster, for `acquire`, `lint`, `render` and `values`."""
        return cls(_scope(library.clusters.refuse_cluster, options))

    @classmethod
    def _opened(cls, open_cluster: OpenCluster, options: SessionOptions) -> Self:
        session = cls(_scope(open_cluster, options))
        try:
            with session.scope.calling():
                session.scope.cluster()
        except BaseException:
            session.close()
            raise
        return session

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Ask runs that are under way to stop, wait until they have, then close connections and files."""
        for run in self._runs:
            run.stop()
        for run in self._runs:
            run.wait()
        self.scope.host.closing.close()

    @property
    def namespace(self) -> str:
        """The namespace of releases where a request and its site name none.

        Raises:
            UsageError: for an impossible name, or a session without a cluster.
        """
        return self.scope.namespace()

    @property
    def cluster(self) -> ClusterClient:
        """The cluster itself, for programs that keep objects of their own beside releases.

        Each of its requests has the time of a call (`SessionOptions.timeout_s`), and a watch its own on top of that,
        so that it can be used as long as the session is open; several threads may use it. Objects that a release owns
        are changed by the methods of the session alone: these hold its lock and keep its record.

        Raises:
            UsageError: for a session without a cluster.
            KubeconfigError, CredentialsError, SandboxStoreError: when there is no way to the cluster.
        """
        with self.scope.calling():
            return library.own_objects.OwnObjects(self.scope, self.scope.cluster())

    @contextmanager
    def lease(self, name: str, *, namespace: str = "", wait_s: float = 0.0) -> Iterator[HeldLock]:
        """Hold a Lease while the block runs, so that one of several copies of a program works; its heartbeat is kept.

        A copy that is killed, stopped or cut off loses it after `SessionOptions.lock_duration_s`: ask ``held()`` of
        what the block gets before each piece of work; it raises LockLostError then.

        Args:
            name: of the Lease; locks of releases have a dot in theirs, so this must not.
            namespace: empty: the session's.
            wait_s: how long to wait for a copy that holds it and is alive.

        Raises:
            UsageError: for an impossible name.
            ReleaseLockedError: when another copy holds it after ``wait_s``.
        """
        with library.leases.hold(self.scope, name, self.cluster, namespace=namespace, wait_s=wait_s) as held:
            yield held

    def namespace_of(self, request: AnyRequest) -> str:
        """Return the namespace that a request goes to: its own, the session's, its site's, or the context's.

        Raises:
            UsageError: for an impossible name.
            KubeconfigError, CredentialsError, SandboxStoreError: when there is no way to the cluster.
        """
        with self.scope.calling():
            return library.releases.namespace_of(self.scope, request)

    def identity(self) -> ClusterIdentity:
        """Return which cluster this is (server, uid, version), and as whom we speak.

        Raises:
            UsageError: for a session without a cluster.
            ClusterError: when the cluster does not say it.
        """
        with self.scope.calling():
            return self.scope.cluster().identity()

    def read_site(self, path: Path) -> Site:
        """Read a site file; its registry may be reached from now on.

        Raises:
            ValuesFileError: with every problem of the file.
        """
        with self.scope.calling():
            return library.bundles.load_site(self.scope, path)

    def acquire(
        self, name: str, *, site: Site | Path | None = None, called: str = "", digest: str = ""
    ) -> AcquiredBundle:
        """Find, fetch and verify a bundle; what is not as the site asks is refused.

        Args:
            name: a folder, an archive (``.tgz``), a delivery (``.bundle``), an ``oci://`` address, the name of a
                bundle in the search path, shipped with bundler or in a catalogue (``redis``, ``redis@^7``), or the
                address of a catalogue with a name (``oci://host/catalogue#redis``).
            site: a site file, or its path: its policy says whose signatures and which versions are taken.
            called: where a folder or an archive was taken from, for messages and records; empty: its path, or its name.
            digest: of an ``oci://`` address that names no version: take the version with this digest, where there is
                one; empty: the highest.

        Raises:
            BundleError: when there is none, or it is broken.
            RegistryError: when it cannot be had.
            SignatureError: when it is not signed as the site asks.
        """
        with self.scope.calling():
            return library.bundles.acquire(self.scope, name, site, called=called, digest=digest)

    def newest_version(self, source: str, within: str, *, running: str = "", site: Site | Path | None = None) -> str:
        """Return the newest version of a bundle in a registry that is within a range.

        Args:
            source: its ``oci://`` address, without a version.
            within: the range: ``~1.4``. Pre-releases count only where it names one of the same major.minor.patch.
            running: the version that is there: no older one within the range is returned; empty: none.
            site: a site file, or its path: its registry may be reached.

        Raises:
            RegistryError: when the registry does not answer, or has no such version.
            BundleError: when address or range cannot be read.
        """
        with self.scope.calling():
            return library.bundles.newest_version(self.scope, source, within, running, site)

    def search(
        self, words: Sequence[str] = (), *, catalogues: Sequence[str] = (), site: Site | Path | None = None
    ) -> SearchResult:
        """Find bundles by words in their names, keywords and descriptions, the best first.

        Searched are the places in which `acquire` looks a name up: the search path, what is shipped with bundler, and
        the catalogues of the options and of the site.

        Args:
            words: all of them have to fit; none: every bundle.
            catalogues: addresses of more catalogues.
            site: a site file, or its path: its catalogues are searched too, and its policy holds for all of them.

        Raises:
            RegistryError, CatalogueInvalidError, SignatureError: when one of ``catalogues`` cannot be had, or is not to
                be trusted; of those that are configured the result says so.
        """
        with self.scope.calling():
            return library.catalogues.search(self.scope, words, catalogues=catalogues, site=site)

    def lint(self, name: str, values: Values | None = None) -> LintResult:
        """Find everything that is wrong with a bundle, with file and line.

        Args:
            name: a folder, an archive, or a bundle's name.
            values: for bundles that cannot be rendered without.

        Raises:
            BundleNotFoundError: when there is no such bundle; what is wrong inside of one is a finding.
            ValuesFileError: when a values file cannot be read.
        """
        with self.scope.calling():
            return library.linting.lint(self.scope, name, values)

    def declare_reach(self, name: str, values: Values | None = None) -> Mapping[str, Sequence[str]]:
        """Write into a bundle's ``bundle.yaml`` what it reaches and does not declare; return what was added.

        Raises:
            BundlerError: when the bundle cannot be rendered or written, or the values cannot be read.
        """
        with self.scope.calling():
            return library.linting.declare_reach(self.scope, name, values)

    def build_image(self, request: ImageBuild) -> BuiltImage:
        """Build a container image from a base and files, and store it in a registry or an OCI layout.

        Raises:
            ImageBuildError: when the base or what is added cannot be used.
            ImageTagTakenError: when the tag names another image.
            RegistryError: when a registry cannot be read or written.
        """
        with self.scope.calling():
            return library.images.build_image(self.scope, request)

    def render(
        self,
        request: ReleaseRequest,
        *,
        only: Sequence[str] = (),
        shows_secrets: bool = False,
        is_checked: bool = True,
    ) -> RenderedText:
        """Return the text of a bundle's templates, comments included, with the labels that bundler adds.

        Args:
            request: bundle, names and values; no cluster is asked.
            only: paths of the templates that are meant; empty: all.
            shows_secrets: leave values of Secrets in plain text.
            is_checked: False returns the text even where it is not valid YAML, with nothing added.

        Raises:
            ValuesError, RenderError: when values or templates are wrong.
        """
        with self.scope.calling():
            return library.rendering.text(
                self.scope, request, only=only, shows_secrets=shows_secrets, is_checked=is_checked
            )

    def render_objects(
        self, request: ReleaseRequest, *, only: Sequence[str] = (), shows_secrets: bool = False
    ) -> RenderedObjects:
        """Return what a bundle renders to as the objects that would be sent.

        Args:
            request: bundle, names and values; no cluster is asked.
            only: paths of the templates that are meant; empty: all.
            shows_secrets: leave values of Secrets in plain text.

        Raises:
            ValuesError, RenderError: when values or templates are wrong.
        """
        with self.scope.calling():
            return library.rendering.objects(self.scope, request, only=only, shows_secrets=shows_secrets)

    def split(
        self, request: ReleaseRequest, folder: Path, *, is_check: bool = False, shows_secrets: bool = False
    ) -> SplitObjects:
        """Write what a bundle renders to into a folder, one file for each object under a name that does not change.

        Only files that an earlier call wrote are replaced or deleted.

        Args:
            request: bundle, names and values; no cluster is asked.
            folder: made where it is missing.
            is_check: write nothing, and say what would be done.
            shows_secrets: leave values of Secrets in plain text.

        Raises:
            ValuesError, RenderError: when values or templates are wrong.
            OutputError: when a file that bundler did not write is in the way, or the folder cannot be read or written.
        """
        with self.scope.calling():
            return library.rendering.split(self.scope, request, folder, is_check=is_check, shows_secrets=shows_secrets)

    def roles(self, request: ReleaseRequest, *, subject: str = "", is_reading: bool = False) -> RenderedObjects:
        """Return the Roles that are enough to work with a release of a bundle; no cluster is asked.

        Args:
            request: bundle, names and values.
            subject: a user, or a ServiceAccount as ``NAMESPACE/NAME``, that they are bound to; empty: no one.
            is_reading: for the verbs that only read.

        Raises:
            ValuesError, RenderError: when values or templates are wrong.
        """
        with self.scope.calling():
            return library.rendering.roles(self.scope, request, subject=subject, is_reading=is_reading)

    def account_for_controller(self, request: ReleaseRequest) -> RenderedObjects:
        """Return the ServiceAccount as which the controller keeps a release of a bundle, and its Roles.

        Raises:
            ValuesError, RenderError: when values or templates are wrong.
        """
        with self.scope.calling():
            return library.rendering.account_for_controller(self.scope, request)

    def menu(self, bundle: str | AcquiredBundle, *, source: str = "") -> OrderKind:
        """Return the kind that a bundle can be ordered as: its definition, its fields, and who checks what.

        Args:
            bundle: path or name, or what `acquire` returned.
            source: the repository that a controller takes it from; empty: where it came from.

        Raises:
            BundleError: when there is no such bundle, it is broken, or it has no menu.
        """
        with self.scope.calling():
            return library.menus.menu(self.scope, bundle, source)

    def broken_orders(
        self,
        bundle: str | AcquiredBundle,
        orders: Iterable[Body],
        *,
        secrets: Mapping[tuple[str, SecretKey], str] = _NO_SECRETS,
    ) -> tuple[OrderProblem, ...]:
        """Return what would be wrong with orders if a bundle took the place of theirs; nothing: it can.

        Args:
            bundle: path or name, or what `acquire` returned.
            orders: objects of its kind, as the API server gives them.
            secrets: the text of each key of a Secret that they name, by namespace and key.

        Raises:
            BundleError: when there is no such bundle, it is broken, or it has no menu.
        """
        with self.scope.calling():
            return library.menus.broken_orders(self.scope, bundle, orders, secrets)

    def values(self, request: ReleaseRequest, *, shows_secrets: bool = False) -> ComputedValues:
        """Return the values that a bundle and its components work with.

        Raises:
            ValuesError: with everything that is wrong with them.
        """
        with self.scope.calling():
            return library.rendering.values(self.scope, request, shows_secrets=shows_secrets)

    def explain(self, request: ReleaseRequest, path: str = "") -> ExplainedValues:
        """Return who set each value below a path, with the file and line or the formula; sensitive ones are masked.

        Raises:
            ValuesError: with everything that is wrong with them.
        """
        with self.scope.calling():
            return library.rendering.explained(self.scope, request, path)

    def sweep(self, request: ReleaseRequest, sweep: Sweep) -> SweepResult:
        """Return what values become as one of them is set to many.

        Raises:
            ValuesError: when they are wrong at every point.
        """
        with self.scope.calling():
            return library.rendering.swept(self.scope, request, sweep)

    def read(self, request: ReleaseRequest) -> ReleaseRequest:
        """Acquire the bundle of a request and read its values now, so that later calls use exactly these.

        Raises:
            BundleError, ValuesError: when they cannot be read.
        """
        with self.scope.calling():
            return library.releases.read(self.scope, request)

    def plan(self, request: AnyRequest) -> Proposal:
        """Plan a change; nothing is written. The result's ``plan`` says what would be done, in order.

        Raises:
            BundlerError: whatever would stop the change, of all its problems at once.
        """
        with self.scope.calling():
            return library.releases.plan(self.scope, library.releases.meant(self.scope, request))

    def missing_rights(self, request: ReleaseRequest | RollbackRequest | UninstallRequest) -> tuple[MissingRight, ...]:
        """Return every right that a change needs and the user of the session does not have, those needed now first.

        The user is the one whom the session acts as, if it does. Nothing is written. Rights on single names, and what
        a cluster does not report, are not seen; `preflight` shows the same beside its other checks.

        Args:
            request: what would be done: an installation or upgrade, from the bundle; a rollback, from its revision (or
                the deployed one: that is what `correct` needs); an uninstall, from the deployed revision.

        Raises:
            ReleaseNotFoundError: when a rollback or an uninstall finds no such release or revision.
            BundlerError: when the bundle, the values or the records cannot be read.
        """
        with self.scope.calling():
            return library.releases.missing_rights(self.scope, request)

    def apply(
        self,
        request: ReleaseRequest,
        *,
        options: RunOptions | None = None,
        approve: Approve = True,
        on_event: Reporter | None = None,
    ) -> ChangeResult:
        """Install or upgrade a release, and wait until it is ready.

        Args:
            request: what it is to become.
            options: how it is carried out; by default it waits, and makes a missing namespace.
            approve: called with the plan, and again where the cluster moved before the release was locked; False ends
                the call with nothing written. A proposal of `plan` approves a plan that does the same.
            on_event: takes events as they come, from several threads.

        Raises:
            BundlerError: what ended the run; the record says the same, and the call can be repeated.
        """
        with self.scope.calling(on_event):
            return library.releases.carry_out(self.scope, request, options, approve)

    def rollback(
        self,
        request: RollbackRequest,
        *,
        options: RunOptions | None = None,
        approve: Approve = True,
        on_event: Reporter | None = None,
    ) -> ChangeResult:
        """Go back to what an earlier revision recorded, as a new revision.

        While a rollout is open, a request without a revision aborts it.

        Args:
            request: which release, and which revision of it.
            options: how it is carried out; by default it waits until everything is ready.
            approve: called with the plan, as for `apply`; False ends the call with nothing written.
            on_event: takes events as they come, from several threads.

        Raises:
            ReleaseNotFoundError: when there is no such release or revision.
            BundlerError: what ended the run.
        """
        with self.scope.calling(on_event):
            return library.releases.carry_out(self.scope, request, options, approve)

    def rollout(self, release: str, *, namespace: str = "") -> RolloutProgress:
        """Return how far an upgrade in steps has come: what is recorded of it, and what pods there are.

        Nothing is written; the API server is asked by dry-run whose pod template a workload has.

        Raises:
            ReleaseNotFoundError: when there is no such release.
            UsageError: when no rollout of it is open.
            ForbiddenError: when its workloads or their pods may not be read.
        """
        with self.scope.calling():
            return library.rollouts.progress(self.scope, release, namespace)

    def pause_rollout(self, release: str, *, namespace: str = "", reason: str = "") -> RevisionSummary:
        """Pause an upgrade in steps, also while another run carries it out: that ends before its next write.

        Args:
            release: its name.
            namespace: empty: that of the session.
            reason: why; kept in the record while it is paused.

        Raises:
            ReleaseNotFoundError: when there is no such release.
            UsageError: when no rollout of it is open, or it is at its last step or being aborted.
        """
        with self.scope.calling():
            return library.rollouts.pause(self.scope, release, namespace, reason)

    def continue_rollout(
        self,
        request: ContinueRequest,
        *,
        options: RunOptions | None = None,
        approve: Approve = True,
        on_event: Reporter | None = None,
    ) -> ChangeResult:
        """Continue an upgrade in steps until it pauses again, or to its end.

        Args:
            request: which release, and how far.
            options: how it is carried out; by default it waits until everything is ready.
            approve: called with the plan, as for `apply`; False ends the call with nothing written.
            on_event: takes events as they come, from several threads.

        Raises:
            ReleaseNotFoundError: when there is no such release.
            UsageError: when no rollout of it is open.
            BundlerError: what ended the run.
        """
        with self.scope.calling(on_event):
            return library.releases.carry_out(self.scope, request, options, approve)

    def abort_rollout(
        self,
        request: AbortRequest,
        *,
        options: RunOptions | None = None,
        approve: Approve = True,
        on_event: Reporter | None = None,
    ) -> ChangeResult:
        """Bring back what an upgrade in steps has changed, and record it as failed.

        Args:
            request: which release, and why.
            options: how it is carried out; by default it waits until everything is ready.
            approve: called with the plan, as for `apply`; False ends the call with nothing written.
            on_event: takes events as they come, from several threads.

        Raises:
            ReleaseNotFoundError: when there is no such release.
            UsageError: when no rollout of it is open.
            BundlerError: what ended the run.
        """
        with self.scope.calling(on_event):
            return library.releases.carry_out(self.scope, request, options, approve)

    def uninstall(
        self, request: UninstallRequest, *, approve: Approve = True, on_event: Reporter | None = None
    ) -> ChangeResult:
        """Delete what a release owns, and its records.

        Volume claims, generated secrets, namespaces and CRDs are kept, and named in ``proposal.plan.kept``.

        Args:
            request: which release, and what to keep of it.
            approve: called with the plan, as for `apply`; False ends the call with nothing written.
            on_event: takes events as they come, from several threads.

        Raises:
            ReleaseNotFoundError: when there is no such release.
            BundlerError: what ended the run.
        """
        with self.scope.calling(on_event):
            return library.releases.carry_out(self.scope, request, None, approve)

    def protect(
        self, release: str, *, namespace: str = "", is_on: bool = True, reason: str = "", lock_timeout_s: float = 0.0
    ) -> Protection:
        """Protect a release: no change uninstalls it, makes it older or loses its data until this is taken back.

        Args:
            release: its name.
            namespace: empty: that of the session.
            is_on: False takes the protection off.
            reason: why; kept in the records.
            lock_timeout_s: seconds to wait for a lock that another run holds.

        Raises:
            ReleaseNotFoundError: when there is no such release, or it was uninstalled.
            ReleaseLockedError: when another run holds its lock.
        """
        with self.scope.calling():
            return library.releases.protect(
                self.scope, release, namespace, is_on=is_on, reason=reason, lock_timeout_s=lock_timeout_s
            )

    def migrate_storage(
        self, definition: str, *, is_dry_run: bool = False, site: Site | None = None, outside_window: str = ""
    ) -> MigratedStorage:
        """Write every object of a custom kind again as it is, so that its older versions can be dropped.

        Args:
            definition: name of the CustomResourceDefinition.
            is_dry_run: let the server check every write, and write nothing.
            site: the site file whose policy holds.
            outside_window: why it is done although the site's deployment windows are closed; no record holds it.

        Raises:
            WrongClusterError, ClosedWindowError: when the site does not let it be done, here or now.
            ObjectNotFoundError: when there is no such CustomResourceDefinition.
            PlanError: when the server refuses an object as it is.
        """
        with self.scope.calling():
            return library.releases.migrate_storage(
                self.scope, definition, site, outside_window=outside_window, is_dry_run=is_dry_run
            )

    def save_plan(
        self, request: ReleaseRequest | RollbackRequest | UninstallRequest, *, expires_s: float = 0.0
    ) -> SavedPlan:
        """Plan a change as `plan` does, and return the plan in a form that can be kept; no secret is in it.

        Args:
            request: what is asked for.
            expires_s: seconds that the plan may be carried out for; 0: without end.

        Raises:
            BundlerError: whatever would stop the change.
        """
        with self.scope.calling():
            return library.plans.save(self.scope, request, expires_s=expires_s)

    def write_plan(self, plan: SavedPlan, path: Path) -> None:
        """Write a saved plan to a file that only its owner can read.

        Raises:
            PlanFileError: when it cannot be written.
        """
        with self.scope.calling():
            library.plan_files.write_plan(path, plan)

    def read_plan(self, path: Path, *, keys: Sequence[Path] = ()) -> SavedPlan:
        """Read a saved plan from its file; where keys are given, one of them must have signed it.

        Args:
            path: of the file.
            keys: public keys, one of which must have signed it in the ``.sig`` file beside it; none: not checked.

        Raises:
            PlanFileError: when there is none, or it is damaged.
            SignatureError: when none of the keys signed it.
        """
        with self.scope.calling():
            return library.plan_files.read_signed(self.scope, path, keys)

    def apply_plan(
        self,
        plan: SavedPlan,
        *,
        inputs: PlanInputs | None = None,
        options: RunOptions | None = None,
        approve: Approve = True,
        on_event: Reporter | None = None,
    ) -> ChangeResult:
        """Carry out a saved plan exactly as it is; refuse where anything but a status moved since it was made.

        Args:
            plan: what `save_plan` returned.
            inputs: sensitive values that no record holds, and where the bundle is now.
            options: as for `apply`.
            approve: as for `apply`.
            on_event: as for `apply`.

        Raises:
            StalePlanError: with everything that moved since.
            BundlerError: what ended the run.
        """
        with self.scope.calling(on_event):
            return library.plans.carry_out(self.scope, plan, inputs or PlanInputs(), options, approve)

    def check_plan(self, plan: SavedPlan, *, inputs: PlanInputs | None = None) -> Proposal:
        """Plan again what a saved plan does, or refuse as `apply_plan` would; nothing is written.

        Args:
            plan: what `save_plan` returned.
            inputs: as for `apply_plan`. That a deployment window is closed now is reported, and refuses nothing.

        Raises:
            StalePlanError: with everything that moved since.
            BundlerError: whatever would stop it.
        """
        with self.scope.calling():
            return library.plans.check(self.scope, plan, inputs or PlanInputs())

    def begin(
        self,
        request: AnyRequest,
        *,
        options: RunOptions | None = None,
        approve: Approve = True,
    ) -> Run[ChangeResult]:
        """Begin `apply`, `rollback`, `uninstall` and their like in a thread of its own.

        Iterate over the run for its events.

        Args:
            request: what is asked for.
            options: how it is carried out.
            approve: as for `apply`; called in the thread of the run.
        """

        def work(report: Reporter, is_stopped: Callable[[], bool]) -> ChangeResult:
            with self.scope.calling(report, is_stopped):
                return library.releases.carry_out(self.scope, request, options, approve)

        self._runs = [run for run in self._runs if not run.is_over]
        run = library.run.Run(work)
        self._runs.append(run)
        return run

    def status(self, release: str, *, namespace: str = "") -> ReleaseState:
        """Return a release's newest revision, and the health of each of its objects.

        Raises:
            ReleaseNotFoundError: when there is no such release.
        """
        with self.scope.calling():
            return library.states.status(self.scope, release, namespace)

    def drift(
        self, release: str, *, namespace: str = "", ignored: Sequence[str] = (), site: Site | None = None
    ) -> ReleaseDrift:
        """Compare a release's newest deployed revision with its live objects; nothing is written.

        Args:
            release: its name.
            namespace: of the release.
            ignored: fields that may differ, ``[KIND[/NAME]:]PATH``: ``Deployment/shop-*:.spec.replicas``.
            site: the fields that its conflict rules keep may differ, too.

        Raises:
            ReleaseNotFoundError: when there is no such release, or nothing of it is deployed.
        """
        with self.scope.calling():
            return library.states.drift(self.scope, release, namespace, ignored, site)

    def correct(
        self,
        release: str,
        *,
        namespace: str = "",
        ignored: Sequence[str] = (),
        site: Site | None = None,
        options: CorrectionOptions | None = None,
        on_event: Reporter | None = None,
    ) -> Correction:
        """Put back what differs from a release's newest deployed revision, from its record; the bundle is not needed.

        Objects that differ are written, and no others; no revision is made, but ``corrected`` of the deployed one
        counts. Where nothing differs, nothing at all is written. Fields that others set are taken back, unless a rule
        of the site or the bundle keeps them, an earlier change left them to their owner, or an autoscaler drives them.
        It does not wait until objects are ready.

        Args:
            release: its name.
            namespace: of the release.
            ignored: fields that stay as they are, ``[KIND[/NAME]:]PATH``: ``Deployment/shop-*:.spec.replicas``.
            site: the site file whose policy holds; which versions it takes is asked of installations alone.
            options: how much is put back, and who is asked.
            on_event: as for `apply`.

        Raises:
            ReleaseNotFoundError: when there is no such release, or nothing of it is deployed.
            ReleaseError: when its last change did not end well or is open, or another run holds its lock.
            PlanError: when a gate refuses the change: the site, or the protection of the release.
            BundlerError: what ended the run; what was written by then stays, and the call can be repeated.
        """
        with self.scope.calling(on_event):
            return library.states.correct(self.scope, release, namespace, ignored, site, options)

    def explain_object(
        self,
        release: str,
        name: str,
        field: str = "",
        *,
        namespace: str = "",
        bundle: str = "",
        site: Site | None = None,
    ) -> Explanation:
        """Say where a live object of a release, or one of its fields, comes from; nothing is written.

        Args:
            release: its name.
            name: of the object, ``KIND/NAME``.
            field: as the API server writes it: ``.spec.replicas``; empty: the whole object.
            namespace: of the release.
            bundle: where the bundle of the deployed revision is now; empty: where it was taken from.
            site: the site file that the release was installed with.

        Raises:
            ReleaseNotFoundError: when there is no such release.
            UsageError: when it has no such object, or that no such field.
        """
        with self.scope.calling():
            question = library.explaining.Question(
                release=release, object=name, field=field, namespace=namespace, bundle=bundle, site=site
            )
            return library.explaining.explain(self.scope, question)

    def test(
        self,
        release: str,
        *,
        namespace: str = "",
        site: Site | None = None,
        lock_timeout_s: float = 0.0,
        on_event: Reporter | None = None,
    ) -> CheckReport:
        """Run the checks of a release's deployed revision in the cluster, one after the other, and all of them.

        Args:
            release: its name.
            namespace: of the release.
            site: the site file whose cluster and namespace hold; checks may run at any time.
            lock_timeout_s: seconds to wait for a lock that another run holds.
            on_event: as for `apply`.

        Raises:
            ReleaseNotFoundError: when there is no such release, or nothing of it is deployed.
            ReleaseLockedError: when another run holds its lock.
            WrongClusterError: when the site file names another cluster.
        """
        with self.scope.calling(on_event):
            return library.states.check(self.scope, release, namespace, site, lock_timeout_s=lock_timeout_s)

    def compare_revisions(self, release: str, before: int, after: int = 0, *, namespace: str = "") -> Comparison:
        """Compare the manifests of two revisions as they were recorded; live objects are not read.

        Args:
            release: its name.
            before: the number of a revision.
            after: of the other one; 0: the one that is deployed.
            namespace: of the release.

        Raises:
            ReleaseNotFoundError: when there is no such release or revision.
        """
        with self.scope.calling():
            return library.comparing.revisions(self.scope, release, namespace, (before, after))

    def compare_bundles(self, before: str, request: ReleaseRequest) -> Comparison:
        """Compare what two bundles render to with the same values; no cluster is asked.

        Args:
            before: the bundle that is compared first: a path, a name, a delivery file or an ``oci://`` address.
            request: the other bundle, with the names and values for both.

        Raises:
            BundlerError: when one of them cannot be had, or does not render with these values.
        """
        with self.scope.calling():
            return library.comparing.bundles(self.scope, before, request)

    def support_bundle(self, release: str, out: Path, *, namespace: str = "", tail_lines: int = 500) -> SupportArchive:
        """Gather what helps to find out what is wrong with a release into one file; sensitive values are masked.

        What cannot be read is left out, and ``parts`` of the result says why.

        Args:
            release: its name.
            out: the file, which only this user can read; a folder gets ``RELEASE-support.tgz``.
            namespace: of the release.
            tail_lines: how many of the last lines of each container's log.

        Raises:
            ReleaseNotFoundError: when there is no such release.
            ArchiveError: when the file cannot be written.
        """
        with self.scope.calling():
            return library.support.support_bundle(self.scope, release, out, namespace=namespace, tail_lines=tail_lines)

    def wait(self, release: str, *, namespace: str = "", on_event: Reporter | None = None) -> ReleaseState:
        """Wait until every object of a release is ready; nothing is changed.

        Args:
            release: its name.
            namespace: of the release.
            on_event: called for each event; None for no events.

        Raises:
            ReleaseNotFoundError: when there is no such release.
            UnfinishedChangeError: when the run that has to write it is dead.
            WaitTimeoutError: when the time of the session's options is over first.
            ObjectFailedError: when an object failed for good.
        """
        with self.scope.calling(on_event):
            return library.states.wait(self.scope, release, namespace)

    def history(
        self, release: str, *, namespace: str = "", on_unreadable: OnUnreadable | None = None
    ) -> tuple[RevisionSummary, ...]:
        """Return every recorded revision of a release, oldest first.

        Args:
            release: its name.
            namespace: empty: that of the session.
            on_unreadable: takes the error of a record that cannot be read, which is then left out.

        Raises:
            ReleaseNotFoundError: when there is no such release.
            RecordDamagedError, RecordTooNewError: when a record cannot be read.
        """
        with self.scope.calling():
            return library.inspecting.history(self.scope, release, namespace, on_unreadable)

    def revision(self, release: str, number: int = 0, *, namespace: str = "", shows_secrets: bool = False) -> Revision:
        """Return one revision whole: values, objects in their order, notes, why it failed.

        Args:
            release: its name.
            number: of the revision; 0: the newest.
            namespace: empty: that of the session.
            shows_secrets: fill in what is sensitive; ``***`` otherwise.

        Raises:
            ReleaseNotFoundError: when there is no such release or revision.
        """
        with self.scope.calling():
            return library.inspecting.revision(self.scope, release, number, namespace, shows_secrets=shows_secrets)

    def trail(self, *, namespace: str | None = "", on_unreadable: OnUnreadable | None = None) -> tuple[AuditEntry, ...]:
        """Return who made each recorded revision of each release, when, from where, with what and why, oldest first.

        Args:
            namespace: empty: that of the session; None: every namespace.
            on_unreadable: takes the error of a record that cannot be read, which is then left out.

        Raises:
            RecordDamagedError, RecordTooNewError: when a record cannot be read.
        """
        with self.scope.calling():
            return library.inspecting.trail(self.scope, namespace, on_unreadable)

    def releases(
        self,
        *,
        namespace: str | None = "",
        statuses: Collection[ReleaseStatus] = (),
        on_unreadable: OnUnreadable | None = None,
    ) -> tuple[RevisionSummary, ...]:
        """Return the newest revision of each release, by namespace and name.

        Args:
            namespace: empty: that of the session; None: every namespace.
            statuses: keep these alone; empty: all.
            on_unreadable: takes the error of a record that cannot be read, which is then left out.

        Raises:
            RecordDamagedError, RecordTooNewError: when a record cannot be read.
        """
        with self.scope.calling():
            return library.inspecting.releases(self.scope, namespace, statuses, on_unreadable)

    def orders(self, *, release: str = "", namespace: str | None = "") -> tuple[KeepingOrder, ...]:
        """Return the orders that keep releases: objects that say what these are to be, and that a controller heeds.

        Args:
            release: the one that is meant; empty: all.
            namespace: empty: that of the session; None: every namespace.

        Raises:
            ClusterError: when the cluster does not answer; that orders may not be read is reported as an event.
        """
        with self.scope.calling():
            return library.orders.orders(self.scope, release, namespace)

    def order(self, release: str, change: Callable[[Body], Body], *, namespace: str = "") -> Body:
        """Change the order of a release, and return it as it is then; what a controller makes of it comes later.

        Args:
            release: its name.
            change: returns the order as it is to be; called again where someone else changed it in between.
            namespace: empty: that of the session.

        Raises:
            OrderNotFoundError: when the release has no order.
        """
        with self.scope.calling():
            return library.order_changes.change(self.scope, release, namespace, change)

    def wait_for_order(self, written: Body) -> Body:
        """Wait until a controller has carried the order of a release out, and return the order as it is then.

        Args:
            written: the order, as `order` returned it; what its status says is not news.

        Raises:
            OrderNotFoundError: when the order is gone.
            OrderStalledError: when the controller waits for someone, or tried and failed.
            WaitTimeoutError: when it takes longer than a call may.
        """
        with self.scope.calling():
            return library.order_changes.wait_for(self.scope, written)


def _scope(open_cluster: OpenCluster, options: SessionOptions) -> Scope:
    """Return the inside of a session that works for no program of ours."""
    host = Host(clock=SystemClock(), redactor=Redactor(), closing=ExitStack())
    return Scope(options, host, Network(options.network), open_cluster)
