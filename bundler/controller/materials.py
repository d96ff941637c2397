"""What an order refers to: its bundle, its values, its site. Layer: controller.

Whatever is in the order's namespace is read as its ServiceAccount, so that no order reads what its author may not; the
site file is the controller's own. What is secret goes into files that no one else can read, and are gone afterwards.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, Protocol

from bundler import Accepted, AcquiredBundle, ReleaseRequest, Session, Values, values_of_order
from bundler.controller.inputs import SeenSource
from bundler.controller.order import AfterFailure, Order, ValuesSource
from bundler.controller.status import Reason
from bundler.errors import BundlerError
from bundler.errors.bundle import BundleInvalidError, ValuesFileError
from bundler.errors.change import OrderSourceError
from bundler.errors.delivery import WrongSignatureError
from bundler.model.json import Body, mapping_at, text_at
from bundler.model.lean import dataclass
from bundler.model.orders import BUNDLE_KEY, SIGNATURE_KEY, OrderMark
from bundler.model.pattern import LazyPattern
from bundler.model.refs import ObjectRef

if TYPE_CHECKING:
    from bundler.model.kind import SecretKey

SITE_KEY: Final = "site.yaml"
NO_SITE: Final = "default"
"""The name of a site that may be missing: then nothing is asked of bundles."""
_SITE_PREFIX: Final = "bundler-site-"
_KEY: Final = LazyPattern(r"(?!\.\.|\.\Z)[-._a-zA-Z0-9]{1,253}")
"""A key of a ConfigMap, as the API server accepts it; each becomes the name of a file."""


class MissingSourceError(OrderSourceError):
    """Something that an order refers to is missing."""

    reason: Reason
    """What the conditions of the order say of it."""

    @classmethod
    def of(cls, named_by: ObjectRef, missing: list[str], reason: Reason) -> MissingSourceError:
        """Return the error of what is missing.

        Args:
            named_by: the object that refers to it.
            missing: a line each.
            reason: what it is for, as the conditions of the order name it.
        """
        error = cls(
            f"reading what {named_by.short} refers to",
            context=missing,
            hint=f"create what is missing, or change {named_by.short}",
        )
        error._keep(reason=reason)
        return error


class Objects(Protocol):
    """What gives objects of the cluster."""

    def get(self, ref: ObjectRef, *, version: str = "", metadata_only: bool = False) -> Body | None:
        """Return an object as it is; None where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """As whom an order's objects are read."""

    tenant: Objects
    """Acts as the order's ServiceAccount."""
    own: Objects
    """Acts as the controller."""
    namespace: str
    """Of the controller: its ConfigMaps are the sites; empty: there are none."""

    def site_ref(self, site: str) -> ObjectRef | None:
        """Return the ConfigMap of a site; None where there can be none."""
        return ObjectRef("", "ConfigMap", self.namespace, f"{_SITE_PREFIX}{site}") if self.namespace else None


@contextmanager
def scratch(prefix: str) -> Iterator[Path]:
    """Lend a folder for files of one order; errors name what is in it without the folder, which is another each time.

    Args:
        prefix: of its name.
    """
    with TemporaryDirectory(prefix=prefix) as folder:
        try:
            yield Path(folder)
        except BundlerError as error:
            raise error.spelled(lambda text: text.replace(f"{folder}/", "") if folder in text else text) from error


def references(order: Order) -> Iterator[tuple[ObjectRef, bool, Reason]]:
    """Yield the objects of its namespace that an order refers to: which, whether it may be missing, what it is for."""
    if order.bundle.secret:
        yield ObjectRef("", "Secret", order.namespace, order.bundle.secret), False, Reason.SOURCE_REFUSED
    for one in order.values_from:
        yield ObjectRef("", one.kind, order.namespace, one.name), one.is_optional, Reason.VALUES_INVALID
    for name in dict.fromkeys(key.name for key in order.from_secrets):
        yield ObjectRef("", "Secret", order.namespace, name), False, Reason.VALUES_INVALID


def seen_sources(order: Order, reader: Reader) -> tuple[SeenSource, ...]:
    """Return what an order refers to as it is now, from metadata alone.

    Raises:
        MissingSourceError: with everything that has to be there, and is not.
        ClusterError: when it cannot be read.
    """
    found, missing, reasons = list[SeenSource](), list[str](), list[Reason]()
    for ref, may_be_missing, reason in references(order):
        body = reader.tenant.get(ref, metadata_only=True)
        if body is None and not may_be_missing:
            missing.append(f"{ref.short} is not in namespace {order.namespace}")
            reasons.append(reason)
        found.append(_seen(ref, body))
    site = reader.site_ref(order.site)
    site_body = reader.own.get(site, metadata_only=True) if site is not None else None
    if site is not None:
        found.append(_seen(site, site_body))
    if order.site != NO_SITE and site_body is None:
        missing.append(f"site {order.site} has no ConfigMap {_SITE_PREFIX}{order.site} beside the controller")
        reasons.append(Reason.SOURCE_REFUSED)
    if missing:
        raise MissingSourceError.of(order.ref, missing, reasons[0])
    return tuple(found)


def request_for(order: Order, inputs: str, session: Session, reader: Reader, folder: Path) -> ReleaseRequest:
    """Return what the release is to become; the files that it names are in a folder.

    Args:
        order: what it says.
        inputs: its digest.
        session: fetches the bundle, verified as the site asks.
        reader: reads what the order refers to.
        folder: of this change alone; its owner deletes it.

    Raises:
        MissingSourceError: when something was deleted meanwhile.
        BundlerError: when the bundle cannot be had, or is not to be trusted.
    """
    site = site_file(order.site, order.ref, reader, folder)
    bundle = _bundle(order, session, reader, folder)
    said = order.values
    if order.from_secrets:
        secrets = secret_texts(reader.tenant, order.namespace, order.from_secrets)
        said = values_of_order(order.values, session.menu(bundle), secrets)
    values = Values(files=tuple(_values_files(order, reader, folder)), data=said, site=site)
    return ReleaseRequest(
        bundle=bundle,
        release=order.name,
        namespace=order.namespace,
        values=values,
        resets_values=True,
        accepted=Accepted(order=OrderMark(uid=order.uid, generation=order.generation)),
        rollback_s=order.timeout_s if order.after_failure is AfterFailure.ROLL_BACK else 0.0,
        inputs=inputs,
    )


def site_file(site: str, named_by: ObjectRef, reader: Reader, folder: Path) -> Path | None:
    """Write a site file into a folder; None where there is none of that name.

    Args:
        site: its name.
        named_by: the object that names it.
        reader: reads it as the controller.
        folder: that takes the file.

    Raises:
        MissingSourceError: when its ConfigMap has no such key.
        ClusterError: when it cannot be read.
    """
    ref = reader.site_ref(site)
    body = reader.own.get(ref) if ref is not None else None
    if ref is None or body is None:
        return None
    text = text_at(body, "data", SITE_KEY)
    if not text:
        raise MissingSourceError.of(named_by, [f"{ref.short} has no key {SITE_KEY}"], Reason.SOURCE_REFUSED)
    place = folder / "site"
    place.mkdir(exist_ok=True)
    for name in mapping_at(body, "data"):  # beside the site file is what it names: the authority of its registry
        if not _KEY.fullmatch(name):
            found = f"{ref.short} has a key that is not a file name: {name!r}"
            raise MissingSourceError.of(named_by, [found], Reason.SOURCE_REFUSED)
        _written(place / name, text_at(body, "data", name).encode())
    return place / SITE_KEY


def check_digest(taken: AcquiredBundle, digest: str, source: str) -> None:
    """Refuse a bundle that has another digest than the one that was ordered.

    Args:
        taken: the bundle.
        digest: as it was ordered; empty: any.
        source: where it came from.

    Raises:
        WrongSignatureError: when it is another one.
    """
    if digest and taken.bundle.digest != digest:
        raise WrongSignatureError(
            f"checking bundle {source}",
            context=[f"the order wants {digest}, and this is {taken.bundle.digest}"],
            hint="name the digest that the publisher gives, or the version that has it",
        )


def secret_texts(cluster: Objects, namespace: str, keys: Iterable[SecretKey]) -> dict[SecretKey, str]:
    """Return the texts below keys of Secrets, as far as there are any.

    Args:
        cluster: acts as the order's ServiceAccount.
        namespace: of the Secrets.
        keys: of them.

    Raises:
        ClusterError: when one cannot be read.
    """
    bodies = {key: cluster.get(ObjectRef("", "Secret", namespace, key.name)) for key in keys}
    found = {key: _content(body or {}, key.key, only=False) for key, body in bodies.items()}
    return {key: content.decode(errors="replace") for key, content in found.items() if content is not None}


def _seen(ref: ObjectRef, body: Body | None) -> SeenSource:
    meta = mapping_at(body, "metadata")
    return SeenSource(ref.short, text_at(meta, "uid"), text_at(meta, "resourceVersion"))


def _bundle(order: Order, session: Session, reader: Reader, folder: Path) -> AcquiredBundle:
    wanted = order.bundle
    if wanted.secret:
        name = str(_archive(order, reader, folder))
    else:
        name = f"{wanted.source}:{wanted.version}" if wanted.version else wanted.source
    site = site_file(order.site, order.ref, reader, folder)
    called = wanted.source if wanted.secret else ""
    taken = session.acquire(name, site=site, called=called, digest=wanted.digest)
    check_digest(taken, wanted.digest, wanted.source)
    return taken


def _archive(order: Order, reader: Reader, folder: Path) -> Path:
    ref = ObjectRef("", "Secret", order.namespace, order.bundle.secret)
    body = reader.tenant.get(ref) or {}
    content, signature = _content(body, BUNDLE_KEY), _content(body, SIGNATURE_KEY, only=False)
    if content is None:
        raise BundleInvalidError(
            f"reading the bundle in {ref.short}",
            context=[f"it has no key {BUNDLE_KEY}"],
            hint=f"run `kubectl create secret generic {ref.name} --from-file={BUNDLE_KEY}=…`",
        )
    if signature is not None:
        _written(folder / SIGNATURE_KEY, signature)
    return _written(folder / BUNDLE_KEY, content)


def _values_files(order: Order, reader: Reader, folder: Path) -> Iterator[str]:
    for number, one in enumerate(order.values_from):
        content = _values(order, one, reader)
        if content is not None:
            yield str(_written(folder / f"{number}-{one.kind}-{one.name}.yaml", content))


def _values(order: Order, source: ValuesSource, reader: Reader) -> bytes | None:
    ref = ObjectRef("", source.kind, order.namespace, source.name)
    body = reader.tenant.get(ref)
    content = _content(body, source.key, only=False) if body is not None else None
    if content is None and not source.is_optional:
        missing = f"{ref.short} has no key {source.key}" if body is not None else f"{ref.short} is missing"
        raise ValuesFileError(f"reading the values of {order.ref.short}", context=[missing], hint="create it")
    return content


def _content(body: Body, key: str, *, only: bool = True) -> bytes | None:
    """Return what is below a key of a Secret or ConfigMap, or below its only one; None where there is none."""
    is_secret = text_at(body, "kind") == "Secret"
    data = mapping_at(body, "data")
    if only and key not in data and len(data) == 1:
        key = next(iter(data))
    text = data.get(key)
    if not isinstance(text, str):
        return None
    return b64decode(text) if is_secret else text.encode()


def _written(path: Path, content: bytes) -> Path:
    path.touch(mode=0o600)
    path.write_bytes(content)
    return path
