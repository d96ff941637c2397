"""An operator at a keyboard without the keyboard: runs actions against any cluster, and remembers what was said."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bundler.actions.compose.render_request import RenderRequest
from bundler.actions.release import install as installing
from bundler.actions.release.history import read_history
from bundler.actions.release.lifecycle import ChangeResult, RunOptions
from bundler.actions.release.rollback import RollbackRequest, rollback
from bundler.actions.release.terms import Accepted
from bundler.actions.release.uninstall import UninstallRequest, uninstall
from bundler.expressions.compiled import CompiledCodes
from bundler.health.author import author_health
from bundler.health.pods import FailFast
from bundler.loader.load import load_bundle
from bundler.loader.locate import find_bundle
from bundler.model.conflicts import OnConflict
from bundler.model.lock import Holder
from bundler.model.redaction import Redactor
from bundler.model.release import Authorship
from bundler.model.values import UserLayers
from bundler.ports import Ports
from bundler.storage.lock import LeaseLock
from bundler.storage.secrets import SecretReleaseStore
from bundler.values.assignments import parse_assignment

if TYPE_CHECKING:
    from collections.abc import Callable

    from bundler.actions.release.proposal import Proposal
    from bundler.model.events import Event
    from bundler.model.json import Body
    from bundler.model.release import RevisionSummary
    from bundler.model.site import Site
    from bundler.ports import Clock, ClusterClient

COMPILED = CompiledCodes()
"""What tests of this process compiled: the same few bundles, again and again."""
BUNDLES = Path(__file__).parents[2] / "bundles"
PREVIOUS = Path(__file__).parents[1] / "previous"
"""A version of each shipped bundle that was shipped before, as it was."""


class RealClock:
    """The time of this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass
class Operator:
    """Installs, upgrades, rolls back and uninstalls; every plan it was shown and every event it heard is kept."""

    cluster: ClusterClient
    namespace: str
    clock: Clock = field(default_factory=RealClock)
    name: str = "ada@desk"
    timeout_s: float = 300.0
    fail_fast: FailFast = field(default_factory=FailFast)
    events: list[Event] = field(default_factory=list)
    shown: list[Proposal] = field(default_factory=list)
    before_apply: Callable[[Proposal], bool | None] | None = None
    """Called with each proposal; what other people do between plan and apply, or a no."""
    lock_duration_s: float = 30.0
    boot_id: str = "boot-of-the-tests"
    pid: int = field(default_factory=os.getpid)
    redactor: Redactor = field(default_factory=Redactor)
    site: Site | None = None
    """The site file whose policy holds for everything that this operator does."""

    is_stopped: Callable[[], bool] = lambda: False
    """Whether this operator has pressed Ctrl-C."""

    def ports(self) -> Ports:
        user, _, host = self.name.partition("@")
        holder = Holder(user=user, host=host, pid=self.pid, boot_id=self.boot_id, command="tests", tool_version="0")
        return Ports(
            cluster=self.cluster,
            store=SecretReleaseStore(self.cluster, self.clock),
            lock=LeaseLock(self.cluster, self.clock, holder, duration_s=self.lock_duration_s),
            clock=self.clock,
            report=self.events.append,
            redactor=self.redactor,
            deadline_s=self.clock.monotonic() + self.timeout_s,
            is_stopped=self.is_stopped,
            judge=author_health,
        )

    def request(
        self, bundle: str | Path, release: str, sets: dict[str, str], **extra: Any
    ) -> installing.InstallRequest:
        path = BUNDLES / bundle if isinstance(bundle, str) else bundle
        order = RenderRequest(
            bundle=load_bundle(find_bundle(str(path))),
            release=release,
            namespace=self.namespace,
            user=UserLayers(assignments=tuple(parse_assignment(f"{key}={text}") for key, text in sets.items())),
            site={},
            place=self.site,
            codes=COMPILED,
        )
        fields: dict[str, Any] = {
            "order": order,
            "names_files": False,
            "authorship": Authorship(user=self.name),
            "accepted": Accepted(losses=True),
        }
        return installing.InstallRequest(**{**fields, **extra})

    def install(
        self,
        bundle: str | Path,
        release: str = "shop",
        *,
        options: RunOptions | None = None,
        request: dict[str, Any] | None = None,
        **sets: str,
    ) -> ChangeResult:
        asked = self.request(
            bundle, release, {key.replace("__", "."): text for key, text in sets.items()}, **request or {}
        )
        options = options or RunOptions()
        options = replace(options, fail_fast=self.fail_fast)
        return installing.install(asked, self.ports(), options, self._see)

    upgrade = install

    def diff(self, bundle: str | Path, release: str = "shop", **sets: str) -> Proposal:
        asked = self.request(bundle, release, {key.replace("__", "."): text for key, text in sets.items()})
        return installing.diff(asked, self.ports())

    def rollback(
        self,
        release: str = "shop",
        revision: int = 0,
        *,
        accepted: Accepted | None = None,
        on_conflict: OnConflict = OnConflict.FAIL,
        adopts: tuple[str, ...] = (),
        recreates: tuple[str, ...] = (),
        skips_hooks: bool = False,
        **options: Any,
    ) -> ChangeResult:
        request = RollbackRequest(
            adopts=adopts,
            skips_hooks=skips_hooks,
            on_conflict=on_conflict,
            recreates=recreates,
            release=release,
            namespace=self.namespace,
            revision=revision,
            authorship=Authorship(user=self.name),
            site=self.site,
            accepted=replace(accepted or Accepted(), losses=True),
        )
        run = RunOptions(fail_fast=self.fail_fast, **options)
        return rollback(request, self.ports(), run, self._see)

    def uninstall(
        self,
        release: str = "shop",
        *,
        keeps_history: bool = False,
        deletes_crds: bool = False,
        skips_hooks: bool = False,
    ) -> ChangeResult:
        request = UninstallRequest(
            namespace=self.namespace,
            release=release,
            site=self.site,
            accepted=Accepted(losses=True, removal=True, crd_deletion=deletes_crds),
            keeps_history=keeps_history,
            skips_hooks=skips_hooks,
        )
        return uninstall(request, self.ports(), lambda _proposal: True)

    def history(self, release: str = "shop") -> tuple[RevisionSummary, ...]:
        return read_history(self.ports().store, self.namespace, release).summaries

    def statuses(self, release: str = "shop") -> list[str]:
        return [str(summary.status) for summary in self.history(release)]

    def _see(self, proposal: Proposal) -> bool:
        self.shown.append(proposal)
        answer = self.before_apply(proposal) if self.before_apply else None
        return answer is not False

    def live(self, kind: str, name: str, group: str = "") -> Body | None:
        from bundler.model.refs import ObjectRef

        return self.cluster.get(ObjectRef(group, kind, self.namespace, name))
