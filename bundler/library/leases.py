"""Leases of programs beside releases: of several copies of a program, one works. Layer: library."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from bundler import storage
from bundler._version import __version__
from bundler.errors import UsageError
from bundler.errors.change import ReleaseLockedError
from bundler.model.names import is_dns_label
from bundler.model.refs import ObjectRef

if TYPE_CHECKING:
    from bundler.library.scope import Scope
    from bundler.ports import ClusterClient, HeldLock


@contextmanager
def hold(scope: Scope, name: str, cluster: ClusterClient, *, namespace: str, wait_s: float) -> Iterator[HeldLock]:
    """Hold a Lease while the block runs.

    Args:
        scope: of the session.
        name: of the Lease.
        cluster: whose every request has a time of its own: a Lease may be held for months.
        namespace: of the Lease; empty: the session's.
        wait_s: how long to wait for a copy that holds it.

    Raises:
        UsageError: for an impossible name.
        ReleaseLockedError: when another copy holds it after ``wait_s``.
    """
    if not is_dns_label(name):
        hint = "choose lower-case letters, digits and dashes"
        raise UsageError("holding a Lease", context=[f"{name!r} is not a name for it"], hint=hint)
    options = scope.options
    holder = storage.holder.this_process(user=options.user, command=scope.command(None), tool_version=__version__)
    lock = storage.lock.LeaseLock(
        cluster, scope.host.clock, holder, duration_s=options.lock_duration_s, name=_lease_of_a_program
    )
    place = scope.namespace(namespace)
    with ExitStack() as stack:
        try:
            held = stack.enter_context(lock.hold(place, name, doing="lead", timeout_s=wait_s))
        except ReleaseLockedError as error:
            hint = "wait: a copy that ends lets it go, and one that died loses it by itself"
            raise ReleaseLockedError(
                f"holding the Lease {name} in namespace {place}", context=error.context, hint=hint
            ) from None
        yield held


def _lease_of_a_program(namespace: str, name: str) -> ObjectRef:
    return ObjectRef("coordination.k8s.io", "Lease", namespace, name)
