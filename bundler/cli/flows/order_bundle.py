"""A local bundle for an order: packed, put into a Secret beside it, named by its digest. Layer: cli."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from bundler.actions.acquire.packed import packed
from bundler.actions.ordering import bundle_secret
from bundler.errors import UsageError
from bundler.errors.cluster import ClusterError
from bundler.loader.locate import OCI_SCHEME
from bundler.model.json import text_at
from bundler.model.orders import IN_AN_OBJECT, order_ref
from bundler.model.refs import ref_of

if TYPE_CHECKING:
    from bundler import Session
    from bundler.cli.session.app import App
    from bundler.model.json import Body


def is_local(source: str) -> bool:
    """Return whether a source is a bundle of this machine, and no address that an order can name."""
    return bool(source) and not source.startswith((OCI_SCHEME, IN_AN_OBJECT))


def pack_for_order(app: App, session: Session, release: str, source: str) -> Body:
    """Return the Secret that is to hold a local bundle for the order of a release; nothing is written.

    Args:
        app: the running command.
        session: acts as the user.
        release: whose order names the Secret.
        source: a folder, an archive, or the name of a bundle.

    Raises:
        UsageError: when it is a delivery.
        BundlerError: when it cannot be had, or is too large.
    """
    taken = session.acquire(source)
    if taken.delivery is not None:
        raise UsageError(
            f"ordering {source}",
            context=["it is a delivery: its images have to be in the registry of the site first"],
            hint=f"run `bundler import {shlex.quote(source)}`, and order the bundle from there (oci://…)",
        )
    content = packed(source, taken.bundle, mtime=app.settings.environment.archive_time_s)
    return bundle_secret.secret_for(order_ref(session.namespace, release), taken.bundle.digest, content)


def source_of(secret: Body) -> str:
    """Return what an order says that takes its bundle from a Secret."""
    return f"{IN_AN_OBJECT}{text_at(secret, 'metadata', 'name')}"


def hold_bundle(session: Session, secret: Body, before: Body | None, *, is_dry_run: bool = False) -> None:
    """Write the Secret of a bundle, before the order that names it.

    Args:
        session: acts as the user.
        secret: as `pack_for_order` returns it.
        before: the order, as far as there is one.
        is_dry_run: let the API server say what it would.

    Raises:
        OrderSourceError: when there is one of its name that is not ours.
        ClusterError: when the server refuses it.
    """
    uid = text_at(before or {}, "metadata", "uid")
    bundle_secret.hold(secret, session.cluster, order_uid=uid, is_dry_run=is_dry_run)


def tidy_bundles(app: App, session: Session, written: Body) -> None:
    """Let the Secret of its bundle go with an order that was written, and delete those of its earlier bundles.

    What cannot be done is a warning: the order is written.

    Args:
        app: the running command.
        session: acts as the user.
        written: the order as it is now.
    """
    try:
        bundle_secret.give(written, session.cluster)
        gone = bundle_secret.drop_unnamed(ref_of(written), session.cluster)
    except ClusterError as error:
        app.screen.warn(f"Secrets of bundles are left to themselves: {'; '.join(error.context) or error}")
        return
    for ref in gone:
        app.screen.say(f"deleted {ref.short}: it held an earlier bundle of this order")
