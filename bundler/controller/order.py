"""An order: an object of the cluster that says what a release is to be. Layer: controller, pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeVar

from bundler.errors.change import OrderInvalidError
from bundler.model.conflicts import path_of
from bundler.model.digest import digest_of, is_digest
from bundler.model.durations import parse_duration
from bundler.model.json import int_at, items_at, list_at, mapping_at, strings_at, text_at, value_at
from bundler.model.kind import SecretKey
from bundler.model.lean import dataclass, field, replace
from bundler.model.names import NAME_MAX_CHARS, is_dns_label
from bundler.model.orders import APPROVE, FINALIZER, GROUP, IN_AN_OBJECT, RETRY, is_suspended
from bundler.model.refs import ObjectRef

if TYPE_CHECKING:
    from bundler.model.json import Body

LEAST_INTERVAL_S: Final = 5.0
"""However short an order says: a release is not compared more often than that when nothing happens."""
PROTECT: Final = f"{GROUP}/protect"
_LEAST_S: Final = 1.0
_MOST_S: Final = 365 * 86_400.0
_TOKEN_MAX_CHARS: Final = 128
_IN_A_REGISTRY: Final = "oci://"
_Word = TypeVar("_Word", bound=StrEnum)


class Keep(StrEnum):
    """What is done where live objects differ from the deployed revision."""

    CORRECT = "Correct"
    """What differs is written again."""
    WARN = "Warn"
    """It is reported."""
    ONCE = "Once"
    """Nothing: the release is installed and upgraded, and left alone in between."""


class AfterFailure(StrEnum):
    """What follows a change that fails."""

    HOLD = "Hold"
    """Everything stays as the change left it."""
    ROLL_BACK = "RollBack"
    """The revision before it is restored."""


class Deletion(StrEnum):
    """What becomes of a release whose order is deleted."""

    UNINSTALL = "Uninstall"
    ORPHAN = "Orphan"
    """It stays, and no one keeps it."""


class Update(StrEnum):
    """Which versions of the bundle are taken."""

    PINNED = "Pinned"
    """The one that the order names."""
    WITHIN = "Within"
    """The newest within the range that the order names, looked for each interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleSource:
    """Where the bundle of an order comes from."""

    source: str
    """``oci://registry/repository``, or ``secret://NAME``: an archive in a Secret of the order's namespace."""
    version: str = ""
    """An exact version, or a range where ``update`` is Within; empty: what the digest says."""
    digest: str = ""
    """Of the bundle's files; with it the version is only a hint."""
    update: Update = Update.PINNED

    @property
    def secret(self) -> str:
        """The name of the Secret that holds the bundle; empty where a registry does."""
        return self.source.removeprefix(IN_AN_OBJECT) if self.source.startswith(IN_AN_OBJECT) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuesSource:
    """A Secret or ConfigMap of the order's namespace with values, below those of the order itself."""

    kind: str
    name: str
    key: str = "values.yaml"
    is_optional: bool = False
    """Nothing is said where it is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What someone wants a release to be. Name and namespace are the release's own."""

    ref: ObjectRef
    """The object itself."""
    uid: str
    generation: int
    """The server counts it up with each change of the spec."""
    bundle: BundleSource
    service_account: str
    """As whom everything of the release is done; empty: the controller's default."""
    values: Body = field(default_factory=dict)
    values_from: tuple[ValuesSource, ...] = ()
    """Later ones win."""
    from_secrets: tuple[SecretKey, ...] = ()
    """Of the order of a Menu's kind: the keys that its values name by fields such as ``passwordFrom``."""
    site: str = "default"
    keep: Keep = Keep.CORRECT
    ignored: tuple[str, ...] = ()
    """Fields that may differ: ``[KIND[/NAME]:]PATH``."""
    interval_s: float = 600.0
    """Seconds between looks that nothing woke."""
    timeout_s: float = 600.0
    """Seconds that one change may take."""
    after_failure: AfterFailure = AfterFailure.HOLD
    deletion: Deletion = Deletion.UNINSTALL
    depends_on: tuple[str, ...] = ()
    """Orders of the same kind and namespace that have to be ready first."""
    history_max: int = 10
    is_suspended: bool = False
    approves: str = ""
    """Digest of the plan that may be carried out although it waits for an approval."""
    retry: str = ""
    """A token: where it differs from the one of the last attempt, the same inputs are tried again. Of a long one, its
    digest: the status has no room for it."""
    is_protected: bool = False
    is_deleted: bool = False
    """Someone deleted it; it is there until its finalizers are off."""
    has_finalizer: bool = False
    status: Body = field(default_factory=dict)
    """What the controller said of it last."""

    @property
    def namespace(self) -> str:
        """The namespace of the release."""
        return self.ref.namespace

    @property
    def name(self) -> str:
        """The name of the release."""
        return self.ref.name


def parse_order(body: Body) -> Order:
    """Read a Release as the API server gives it.

    Args:
        body: the whole object. Its types were checked by the server; what is missing has the default of the definition.

    Raises:
        OrderInvalidError: with every field that cannot be used.
    """
    meta, spec = mapping_at(body, "metadata"), mapping_at(body, "spec")
    notes = mapping_at(meta, "annotations")
    problems = _Problems()
    bundle = _bundle_of(mapping_at(spec, "bundle"), problems)
    order = Order(
        ref=ObjectRef(GROUP, text_at(body, "kind"), text_at(meta, "namespace"), problems.release_name(meta)),
        uid=text_at(meta, "uid"),
        generation=int_at(meta, "generation"),
        bundle=bundle,
        service_account=text_at(spec, "serviceAccountName"),
        values=mapping_at(spec, "values"),
        values_from=tuple(_values_source(one) for one in items_at(spec, "valuesFrom")),
        from_secrets=tuple(map(_secret_key, items_at(spec, "fromSecrets"))),
        site=text_at(spec, "site") or "default",
        keep=problems.word(spec, "keep", Keep.CORRECT),
        ignored=_ignored(spec),
        interval_s=max(problems.seconds(spec, "interval", 600.0), LEAST_INTERVAL_S),
        timeout_s=problems.seconds(spec, "timeout", 600.0),
        after_failure=problems.word(spec, "onFailure", AfterFailure.HOLD),
        deletion=problems.word(spec, "deletion", Deletion.UNINSTALL),
        depends_on=depends_on(body),
        history_max=int_at(spec, "historyMax", default=10),
        is_suspended=is_suspended(body),
        approves=text_at(notes, APPROVE),
        retry=_token(text_at(notes, RETRY)),
        is_protected=text_at(notes, PROTECT) == "true",
        is_deleted=bool(text_at(meta, "deletionTimestamp")),
        has_finalizer=FINALIZER in strings_at(meta, "finalizers"),
        status=mapping_at(body, "status"),
    )
    problems.refuse(order)
    return order


def depends_on(body: Body) -> tuple[str, ...]:
    """Return the names of the orders that an order waits for."""
    return tuple(text_at(one, "name") for one in items_at(mapping_at(body, "spec"), "dependsOn"))


def pinned(order: Order, version: str) -> Order:
    """Return an order that names one version, as if it named no range.

    Args:
        order: as it was read.
        version: of its bundle; empty: as the order says.
    """
    return replace(order, bundle=replace(order.bundle, version=version, update=Update.PINNED)) if version else order


def parse_deleted(body: Body) -> Order:
    """Read an order of which only its name, and what becomes of its release, matter any more.

    Args:
        body: the whole object; what cannot be used in its spec does not matter either.
    """
    spec = mapping_at(body, "spec")
    deletion = text_at(spec, "deletion")
    kept: Body = {
        "bundle": {"source": f"{IN_AN_OBJECT}none"},
        "serviceAccountName": text_at(spec, "serviceAccountName"),
        "deletion": deletion if deletion in set(Deletion) else Deletion.UNINSTALL.value,
    }
    return parse_order({**body, "spec": kept})


class _Problems:
    """What of an order cannot be used, gathered while it is read."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def add(self, where: str, found: str, wanted: str) -> None:
        self._lines.append(f"{where}: {found!r} is {wanted}")

    def release_name(self, meta: Body) -> str:
        name = text_at(meta, "name")
        if len(name) > NAME_MAX_CHARS or not is_dns_label(name):
            self.add(".metadata.name", name, f"no name of a release: {NAME_MAX_CHARS} letters, digits and hyphens")
        return name

    def word(self, spec: Body, name: str, default: _Word, *, below: str = ".spec") -> _Word:
        text = text_at(spec, name) or default.value
        try:
            return type(default)(text)
        except ValueError:
            self.add(f"{below}.{name}", text, f"none of {', '.join(type(default))}")
            return default

    def seconds(self, spec: Body, name: str, default: float) -> float:
        text = text_at(spec, name)
        try:
            found = parse_duration(text) if text else default
        except ValueError as error:
            self._lines.append(f".spec.{name}: {error}")
            return default
        if not _LEAST_S <= found <= _MOST_S:
            self.add(f".spec.{name}", text, "not between 1s and 365d")
        return found

    def refuse(self, order: Order) -> None:
        """Stop where anything was found.

        Raises:
            OrderInvalidError: with all of it.
        """
        if self._lines:
            raise OrderInvalidError(
                f"reading {order.ref.short} in namespace {order.namespace}",
                context=self._lines,
                hint="change the fields above",
            )


def _token(text: str) -> str:
    return text if len(text) <= _TOKEN_MAX_CHARS and text.isascii() else digest_of(text.encode(errors="replace"))


def _bundle_of(body: Body, problems: _Problems) -> BundleSource:
    source, digest = text_at(body, "source"), text_at(body, "digest")
    if not source.removeprefix(IN_AN_OBJECT).removeprefix(_IN_A_REGISTRY) or "://" not in source:
        problems.add(".spec.bundle.source", source, "neither oci://REGISTRY/REPOSITORY nor secret://NAME")
    elif not source.startswith((IN_AN_OBJECT, _IN_A_REGISTRY)):
        problems.add(".spec.bundle.source", source, "no address: it begins with oci:// or secret://")
    if digest and not is_digest(digest):
        problems.add(".spec.bundle.digest", digest, "no digest: sha256: and 64 hexadecimal digits")
    update = problems.word(body, "update", Update.PINNED, below=".spec.bundle")
    if update is Update.WITHIN and source.startswith(IN_AN_OBJECT):
        problems.add(".spec.bundle.update", update.value, "for bundles of a registry only")
    return BundleSource(source=source, version=text_at(body, "version"), digest=digest, update=update)


def _values_source(body: Body) -> ValuesSource:
    return ValuesSource(
        kind=text_at(body, "kind") or "Secret",
        name=text_at(body, "name"),
        key=text_at(body, "key") or "values.yaml",
        is_optional=value_at(body, "optional") is True,
    )


def _secret_key(body: Body) -> SecretKey:
    return SecretKey(text_at(body, "name"), text_at(body, "key"))


def _ignored(spec: Body) -> tuple[str, ...]:
    """Return the rules of ``.spec.ignore`` as ``bundler drift --ignore`` writes them."""
    return tuple(
        f"{_target(mapping_at(rule, 'target'))}{path_of(str(path))}"
        for rule in items_at(spec, "ignore")
        for path in list_at(rule, "paths")
    )


def _target(body: Body) -> str:
    kind, name = text_at(body, "kind"), text_at(body, "name")
    if not kind:
        return ""
    return f"{kind}/{name}:" if name else f"{kind}:"
