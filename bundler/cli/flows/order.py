"""Make or change the order of a release: its plan, then one write, then what comes of it. Layer: cli.

A value that the bundle calls sensitive is not written into an order, which many may read: a Secret holds it.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bundler import Payload, ReleaseStatus, library, loader
from bundler.actions.release.namespace import absent_namespace, create_namespace
from bundler.cli.flows.confirm import EXIT_DECLINED, ask, open_saying_where
from bundler.cli.flows.order_bundle import hold_bundle, is_local, pack_for_order, source_of, tidy_bundles
from bundler.cli.flows.order_plan import show_order_plan, what_is_ordered, with_values_of
from bundler.cli.flows.orders import no_order
from bundler.cli.output.orders import show_order
from bundler.errors import UsageError
from bundler.errors.bundle import ValuesError
from bundler.errors.change import OrderChangedError, ReleaseNotFoundError
from bundler.errors.cluster import ForbiddenError, ObjectNotFoundError
from bundler.model.json import at_pointer, int_at, mapping_at
from bundler.model.lean import dataclass, replace
from bundler.model.names import release_uid
from bundler.model.orders import MANAGER, is_suspended, made_for, new_order, order_ref, part_of, with_bundle, with_spec
from bundler.model.redaction import MASK
from bundler.model.refs import ObjectRef, ref_of
from bundler.values.flatten import leaves_of
from bundler.values.hidden_leaves import left_out
from bundler.values.paths import pointer_as_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bundler import AcquiredBundle, ReleaseRequest, Session, Values
    from bundler.cli.parsing.order_options import OrderFlags
    from bundler.cli.session.app import App
    from bundler.model.json import Body


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderArgs:
    """What the order of a release is to say."""

    release: str
    values: Values
    source: str = ""
    """Where the bundle comes from: an address, or a bundle of this machine; empty: as before."""
    version: str = ""
    digest: str = ""
    from_revision: int = 0
    """Bundle and values as this revision recorded them; 0: as the order has them."""
    create: str = ""
    """Make the order, of this bundle."""
    service_account: str = ""
    may_create_namespace: bool = True
    """With `create`: make the namespace if it does not exist."""
    is_dry_run: bool = False


def carry_out_order(app: App, asked: OrderArgs, flags: OrderFlags) -> int:
    """Change the order of a release, or make it; return the exit code.

    Args:
        app: the running command.
        asked: what it is to say.
        flags: whether to ask and to wait.

    Raises:
        OrderNotFoundError: when the release has none, and none is to be made.
        BundlerError: what would stop its controller.
    """
    session = open_saying_where(app)
    namespace = session.namespace
    before = session.cluster.get(order_ref(namespace, asked.release))
    _refuse_unfit(asked, before, namespace)
    secret = pack_for_order(app, session, asked.release, asked.source) if is_local(asked.source) else None
    if secret is not None:
        asked = replace(asked, source=source_of(secret))
    is_there = before is not None or _require_namespace(session, asked)
    base = before if before is not None else new_order(namespace, asked.release, asked.service_account)
    with what_is_ordered(session, _with_bundle(session, base, asked), secret) as (body, request):
        wanted = _with_values(session, body, request, asked)
        with suppress(*(() if is_there else (ObjectNotFoundError,))):
            _check(session, wanted, secret, before)
        if wanted != before:
            show_order_plan(app, session.plan(with_values_of(wanted, request)))
    if asked.is_dry_run:
        return 0
    if wanted != before and app.may_ask and not flags.yes and not ask(app, f"Order this of {asked.release}? [y/N] "):
        app.screen.say("nothing was written")
        return EXIT_DECLINED
    if not is_there:
        create_namespace(namespace, release_uid(namespace, asked.release), session.scope.ports())
    if secret is not None:
        hold_bundle(session, secret, before)
    if before is not None and wanted == before:
        tidy_bundles(app, session, before)
        app.screen.say("the order says this already")
        show_order(app, before)
        return 0
    written = _write(session, before, wanted)
    tidy_bundles(app, session, written)
    return _show_outcome(app, session, written, flags)


def _require_namespace(session: Session, asked: OrderArgs) -> bool:
    """Return whether the namespace of an order is there; False where it is made with the order.

    Raises:
        ObjectNotFoundError: when it is not, and is not to be made.
    """
    try:
        found = session.cluster.get(ObjectRef("", "Namespace", "", session.namespace), metadata_only=True)
    except ForbiddenError:
        return True
    if found is None and not asked.may_create_namespace:
        raise absent_namespace(session.namespace)
    return found is not None


def _show_outcome(app: App, session: Session, written: Body, flags: OrderFlags) -> int:
    """Wait for what comes of an order, show it, and return the exit code."""
    if is_suspended(written):
        release, namespace = ref_of(written).name, ref_of(written).namespace
        app.screen.say(f"it is suspended, and carried out after `bundler resume {release} -n {namespace}`")
        show_order(app, written)
        return 0
    show_order(app, written if flags.no_wait else session.wait_for_order(written))
    return 0


def _refuse_unfit(asked: OrderArgs, before: Body | None, namespace: str) -> None:
    if asked.create and before is not None:
        raise UsageError(
            f"making an order for release {asked.release}",
            context=[f"there is one already: Release/{asked.release} in namespace {namespace}"],
            hint="leave --create out to change it",
        )
    if before is None and not asked.create:
        raise no_order(asked.release, namespace)
    if before is not None and (maker := made_for(before)):
        raise UsageError(
            f"changing the order of release {asked.release}",
            context=[f"Release/{asked.release} is made for {maker}, which would change it back"],
            hint=f"change {maker} itself: `kubectl edit {maker.lower()} -n {namespace}`",
        )
    if before is not None and (release := part_of(before)):
        raise UsageError(
            f"changing the order of release {asked.release}",
            context=[f"Release/{asked.release} is part of release {release}, which would change it back"],
            hint=f"change that: `bundler order {release} -n {namespace}`, or `bundler upgrade` where no order keeps it",
        )


def _with_values(session: Session, body: Body, request: ReleaseRequest, asked: OrderArgs) -> Body:
    """Return the order as it is to be: its bundle by digest, its values typed by the schema of that."""
    taken = request.bundle
    assert not isinstance(taken, str)  # noqa: S101 - the bundle of an order is always fetched
    if asked.source or asked.version or asked.digest or asked.from_revision:
        body = with_bundle(body, digest=taken.bundle.digest, version=taken.bundle.metadata.version, update="")
    number = asked.from_revision or (_taken_up(session, asked) if asked.create else 0)
    kept = mapping_at(body, "spec", "values")
    if number and not (asked.create and asked.values.names_files):  # files named start afresh, as in an upgrade
        kept = _recorded_values(session, asked.release, number, _files_of(request.values))
    values = _typed(session, taken, kept, asked)
    return with_spec(body, values=values) if values or "values" in mapping_at(body, "spec") else body


def _taken_up(session: Session, asked: OrderArgs) -> int:
    """Return the deployed revision of a release that an order is made for; 0 where it is not installed."""
    try:
        history = session.history(asked.release)
    except ReleaseNotFoundError:
        return 0
    return max((one.revision for one in history if one.status is ReleaseStatus.DEPLOYED), default=0)


def _with_bundle(session: Session, base: Body, asked: OrderArgs) -> Body:
    """Return the order with the bundle that is named; what does not fit it any more goes."""
    if asked.from_revision:
        was = session.revision(asked.release, asked.from_revision).summary.bundle
        base = with_bundle(base, version=was.version, digest=was.digest)
    if asked.source:
        base = with_bundle(base, source=asked.source, version="", digest="")
    if asked.version:
        base = with_bundle(base, version=asked.version, digest="")
    return with_bundle(base, digest=asked.digest) if asked.digest else base


def _recorded_values(session: Session, release: str, number: int, files: Iterable[Body]) -> Body:
    """Return the values that a revision recorded, without those that a Secret of the order holds.

    Raises:
        ValuesError: where one is sensitive, and in no Secret that the order names.
    """
    recorded = session.revision(release, number).user_values
    hidden = [pointer for pointer, value in leaves_of(recorded).items() if value == MASK]
    held = list(files)
    lost = [pointer for pointer in hidden if not any(at_pointer(data, pointer)[1] for data in held)]
    _refuse_sensitive(lost, f"taking the values that revision {number} of release {release} recorded")
    return left_out(recorded, hidden)


def _files_of(values: object) -> list[Body]:
    """Return the documents that an order's values come from beside its own."""
    files: Sequence[str] = getattr(values, "files", ())
    return [loader.user_files.load_values_file(Path(name)).data for name in files]


def _typed(session: Session, taken: AcquiredBundle, kept: Body, asked: OrderArgs) -> Body:
    found = library.order_changes.values_of_order(session.scope, taken, kept, asked.values)
    _refuse_sensitive(sorted(found.sensitive), f"writing the values of Release/{asked.release}")
    return found.data


def _refuse_sensitive(pointers: Sequence[str], doing: str) -> None:
    if pointers:
        paths = [pointer_as_path(pointer) for pointer in pointers]
        raise ValuesError(
            doing,
            context=[f"{path} is sensitive, and an order can be read by many" for path in paths],
            hint="put it into a Secret of the namespace, and name that in .spec.valuesFrom of the order",
        )


def _check(session: Session, wanted: Body, secret: Body | None, before: Body | None) -> None:
    """Let the API server say what it would, before anyone is asked."""
    payload = Payload.of(wanted, manager=MANAGER)
    (session.cluster.create if before is None else session.cluster.replace)(payload, is_dry_run=True)
    if secret is not None:
        hold_bundle(session, secret, before, is_dry_run=True)


def _write(session: Session, before: Body | None, wanted: Body) -> Body:
    """Write the order, unless it says something else by now than when its plan was shown.

    Raises:
        OrderChangedError: where it does.
    """
    if before is None:
        return session.cluster.create(Payload.of(wanted, manager=MANAGER)).body
    spec = mapping_at(wanted, "spec")
    then = int_at(before, "metadata", "generation")

    def changed(live: Body) -> Body:
        now = int_at(live, "metadata", "generation")
        if now != then:
            raise OrderChangedError(
                "writing the order",
                context=[f"it is not as it was when its plan was shown (generation {now}, then {then})"],
                hint="run the same command again, and read the new plan; nothing was written",
            )
        return {**live, "spec": spec}

    ref = ref_of(before)
    return session.order(ref.name, changed, namespace=ref.namespace)
