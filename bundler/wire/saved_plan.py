"""A saved plan as JSON, and back; every key and type is checked. Layer: wire, pure.

No secret is in it: texts were masked when the plan was made, and of a sensitive value there is a salted digest alone.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal, TypedDict

from bundler.model.change import Action
from bundler.model.digest import is_sha256_hex
from bundler.model.refs import ObjectRef
from bundler.model.release import BundleReference
from bundler.model.saved_plan import (
    BaseRevision,
    LiveFact,
    PlanFacts,
    SavedChange,
    SavedPlan,
    SavedValues,
)
from bundler.wire.causes import (
    CauseForm,
    ChangedValueForm,
    cause_form,
    changed_value_form,
    read_cause,
    read_changed_value,
)
from bundler.wire.parts import API_VERSION, MalformedError, Part
from bundler.wire.plan import parse_plan, plan_document
from bundler.wire.saved_request import RequestForm, read_request, request_form

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bundler.model.json import Body, JSONValue

KIND: Final = "SavedPlan"
_SALT_CHARS = 32
_DIGEST_WORD = "scrypt:"


class MakerForm(TypedDict):
    """Who made a plan, from where, with what."""

    user: str
    host: str
    bundler: str
    """The version of bundler."""


class PlanClusterForm(TypedDict):
    """The cluster that a plan is for."""

    server: str
    """Address of the API server."""
    uid: str
    """Of the namespace kube-system; empty where it may not be read."""
    name: str
    """Context and address."""


class BaseForm(TypedDict):
    """The newest revision of the release when the plan was made."""

    revision: int
    """0: there was none."""
    uid: str
    """`metadata.uid` of its record."""
    state: str


class PlannedBundleForm(TypedDict):
    """The bundle of the revision to be; empty for an uninstall."""

    name: str
    version: str
    appVersion: str
    digest: str
    origin: str


class PlannedValuesForm(TypedDict):
    """The user's values; `***` stands for what is sensitive."""

    recorded: Body | None
    new: Body
    sensitive: dict[str, str]
    """JSON pointer into `new`, and the salted digest of what is there."""
    salt: str
    changes: list[str]
    start: str
    """Where the values started."""


class NoteForm(TypedDict):
    """A field that another manager set, and what is done about it; or what is lost with an object."""

    word: str
    """`take`, `keep` or `lost`."""
    text: str


class SavedChangeForm(TypedDict):
    """What is done to one object."""

    object: str
    action: Literal["create", "update", "recreate", "delete", "none"]
    component: str
    reason: str
    verified: bool
    """False: the server could not check it yet."""
    notes: list[NoteForm]
    because: list[CauseForm]
    """Which values, or what else, make its fields change."""
    diff: list[str]
    """A unified diff of its YAML; secrets are masked."""


class LiveFactForm(TypedDict):
    """One live object as it was when the plan was made."""

    uid: str
    resourceVersion: str
    digest: str
    """sha256 of everything but its status and the server's bookkeeping; empty for a Secret."""


class SavedPlanForm(TypedDict):
    """A plan that is kept, to be reviewed, signed, and carried out by `bundler apply`."""

    apiVersion: Literal["bundler.dev/v1"]
    kind: Literal["SavedPlan"]
    verb: Literal["install", "rollback", "uninstall"]
    release: str
    namespace: str
    created: str
    expires: str
    """Empty: never."""
    by: MakerForm
    cluster: PlanClusterForm
    base: BaseForm
    bundle: PlannedBundleForm
    request: RequestForm
    values: PlannedValuesForm
    changes: list[SavedChangeForm]
    """Unchanged objects are left out."""
    changedValues: list[ChangedValueForm]
    """The values that make objects change, each with those that it is computed from."""
    namespaces: list[str]
    """Namespaces that do not exist and are made first."""
    unchanged: int
    pending: bool
    """False: carrying it out does nothing, and records no revision."""
    warnings: list[str]
    live: dict[str, LiveFactForm]
    plan: Body
    """What is done, in order: `plan.v1.schema.json` describes it."""


def saved_plan_form(saved: SavedPlan) -> SavedPlanForm:
    """Return a saved plan as JSON."""
    facts, request, values, bundle = saved.facts, saved.request, saved.values, saved.facts.bundle
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "verb": request.verb.value,
        "release": request.release,
        "namespace": request.namespace,
        "created": saved.created.isoformat(),
        "expires": saved.expires.isoformat() if saved.expires else "",
        "by": {"user": saved.user, "host": saved.host, "bundler": saved.tool_version},
        "cluster": {"server": facts.server, "uid": facts.cluster_uid, "name": saved.cluster},
        "base": {"revision": facts.base.revision, "uid": facts.base.uid, "state": facts.base.said},
        "bundle": {
            "name": bundle.name,
            "version": bundle.version,
            "appVersion": bundle.app_version,
            "digest": bundle.digest,
            "origin": bundle.origin,
        },
        "request": request_form(request),
        "values": {
            "recorded": values.recorded,
            "new": values.new,
            "sensitive": dict(values.sensitive),
            "salt": values.salt,
            "changes": list(values.changes),
            "start": values.start,
        },
        "changes": [_change_form(change) for change in saved.changes],
        "changedValues": [changed_value_form(value) for value in saved.changed_values],
        "namespaces": list(saved.namespaces),
        "unchanged": saved.unchanged,
        "pending": saved.is_pending,
        "warnings": list(saved.warnings),
        "live": {
            str(ref): {"uid": fact.uid, "resourceVersion": fact.version, "digest": fact.digest}
            for ref, fact in facts.live.items()
        },
        "plan": plan_document(facts.plan),
    }


def _change_form(change: SavedChange) -> SavedChangeForm:
    return {
        "object": str(change.ref),
        "action": change.action.value,
        "component": change.component,
        "reason": change.reason,
        "verified": change.is_verified,
        "notes": [{"word": word, "text": text} for word, text in change.notes],
        "because": [cause_form(cause) for cause in change.causes],
        "diff": list(change.lines),
    }


def read_saved_plan(document: JSONValue) -> SavedPlan:
    """Return the saved plan that a document holds.

    Args:
        document: what :func:`saved_plan_form` made, decoded from JSON.

    Raises:
        MalformedError: when anything in it is not as it was made.
    """
    part = Part.of_kind(KIND, "saved plan", document)
    part.require(*SavedPlanForm.__annotations__)
    maker, cluster = part.part("by"), part.part("cluster")
    maker.require(*MakerForm.__annotations__)
    cluster.require(*PlanClusterForm.__annotations__)
    return SavedPlan(
        facts=PlanFacts(
            plan=parse_plan(part.mapping("plan")),
            server=cluster.text("server"),
            cluster_uid=cluster.text("uid"),
            base=_base(part.part("base")),
            bundle=_bundle(part.part("bundle")),
            live=_live(part),
        ),
        request=read_request(part, part.part("request")),
        values=_values(part.part("values")),
        changes=tuple(map(_change, part.parts("changes"))),
        changed_values=tuple(map(read_changed_value, part.parts("changedValues"))),
        namespaces=part.texts("namespaces"),
        unchanged=part.count("unchanged"),
        is_pending=part.flag("pending"),
        warnings=part.texts("warnings"),
        cluster=cluster.text("name"),
        created=part.one_of("created", _moment),
        expires=part.one_of("expires", _moment) if part.text("expires") else None,
        user=maker.text("user"),
        host=maker.text("host"),
        tool_version=maker.text("bundler"),
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} names no time zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text!r} is out of range") from error


def _base(part: Part) -> BaseRevision:
    part.require(*BaseForm.__annotations__)
    return BaseRevision(revision=part.count("revision"), uid=part.text("uid"), said=part.text("state"))


def _bundle(part: Part) -> BundleReference:
    part.require(*PlannedBundleForm.__annotations__)
    return BundleReference(
        name=part.text("name"),
        version=part.text("version"),
        app_version=part.text("appVersion"),
        digest=part.digest("digest"),
        origin=part.text("origin"),
    )


def _values(part: Part) -> SavedValues:
    part.require(*PlannedValuesForm.__annotations__)
    salt, sensitive = part.text("salt"), part.part("sensitive")
    if salt and (len(salt) != _SALT_CHARS or not is_sha256_hex(salt * 2)):
        raise MalformedError("values.salt is not 32 hex digits")
    digests = {pointer: sensitive.one_of(pointer, _salted) for pointer in sensitive.body}
    return SavedValues(
        recorded=part.mapping("recorded") if part.body["recorded"] is not None else None,
        new=part.mapping("new"),
        sensitive=digests,
        salt=salt,
        changes=part.texts("changes"),
        start=part.text("start"),
    )


def _salted(text: str) -> str:
    if not text.startswith(_DIGEST_WORD) or not is_sha256_hex(text.removeprefix(_DIGEST_WORD)):
        raise ValueError("it is not a salted digest")
    return text


def _change(part: Part) -> SavedChange:
    part.require(*SavedChangeForm.__annotations__)
    return SavedChange(
        ref=part.ref("object"),
        action=part.one_of("action", Action),
        component=part.text("component"),
        reason=part.text("reason"),
        is_verified=part.flag("verified"),
        notes=tuple(map(_note, part.parts("notes"))),
        causes=tuple(map(read_cause, part.parts("because"))),
        lines=part.texts("diff"),
    )


def _note(part: Part) -> tuple[str, str]:
    part.require(*NoteForm.__annotations__)
    return part.text("word"), part.text("text")


def _live(whole: Part) -> Mapping[ObjectRef, LiveFact]:
    live = whole.part("live")
    facts: dict[ObjectRef, LiveFact] = {}
    for name in live.body:
        part = live.part(name)
        part.require(*LiveFactForm.__annotations__)
        try:
            ref = ObjectRef.parse(name)
        except ValueError as error:
            raise MalformedError(f"live: {name!r} is not GROUP/KIND/NAMESPACE/NAME") from error
        facts[ref] = LiveFact(uid=part.text("uid"), version=part.text("resourceVersion"), digest=part.digest("digest"))
    return facts
