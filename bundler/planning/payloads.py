"""What is sent for a change, and the digest by which a plan names it. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from bundler.model.cluster import Payload, is_deleting
from bundler.model.digest import digest_of
from bundler.model.json import Body, canonical_json, mapping_at, text_at
from bundler.model.lean import replace
from bundler.model.manifest import Manifest
from bundler.model.redaction import Redactor
from bundler.model.refs import ObjectRef
from bundler.model.secret_leaves import is_secret, without_leaves

if TYPE_CHECKING:
    from bundler.model.change import Change, GrownClaim
    from bundler.planning.observation import Wanted


def payload_of(manifest: Manifest, live: Body | None) -> Payload:
    """Return the bytes to send: the rendered body, and the live object's uid as a precondition."""
    content = canonical_json(_with_uid(manifest.body, live))
    return Payload(ref=manifest.ref, api_version=manifest.api_version, content=content)


def _with_uid(body: Body, live: Body | None) -> Body:
    if live is None or is_deleting(live):
        return body
    return {**body, "metadata": {**mapping_at(body, "metadata"), "uid": text_at(live, "metadata", "uid")}}


def claim_payload(claim: GrownClaim) -> Payload:
    """Return what is applied to a claim that grows."""
    return Payload(ref=claim.ref, api_version="v1", content=canonical_json(claim.body))


def following(manifest: Manifest, live: Body) -> Manifest:
    """Return the manifest of an autoscaled workload with the live number of replicas."""
    replicas = mapping_at(live, "spec").get("replicas")
    return replace(
        manifest, body={**manifest.body, "spec": {**mapping_at(manifest.body, "spec"), "replicas": replicas}}
    )


def without_replicas(body: Body) -> Body:
    """Return an object without the number that its autoscaler moves."""
    return {**body, "spec": {key: value for key, value in mapping_at(body, "spec").items() if key != "replicas"}}


class Mask:
    """Masks the secrets of a release in a text that a plan holds: it is stored, and shown to others."""

    def __init__(self, wanted: Wanted, *, earlier: Collection[str] = ()) -> None:
        """Prepare.

        Args:
            wanted: what a release shall be.
            earlier: sensitive strings of what it is, which may be live still.
        """
        self._wanted, self._earlier = wanted, earlier
        self._redactor: Redactor | None = None

    def __call__(self, text: str) -> str:
        """Return a text with every sensitive string masked."""
        if self._redactor is None:  # many plans hold nothing to mask, and learning takes its time
            wanted, self._redactor = self._wanted, Redactor()
            self._redactor.publish(wanted.release, wanted.namespace, *(one.ref.name for one in wanted.manifests))
            self._redactor.learn(*wanted.sensitive, *self._earlier)
        return self._redactor.redact(text)


class Digester:
    """Names what is sent by its digest. Secrets are masked before: the digest of a short one would give it away."""

    def __init__(self, mask: Callable[[str], str], payloads: Mapping[ObjectRef, Payload]) -> None:
        """Prepare.

        Args:
            mask: masks the sensitive strings of the release in a text.
            payloads: what was dry-run already, so that it is not encoded again.
        """
        self._mask, self._payloads = mask, payloads

    def digest(self, change: Change) -> str:
        """Return the digest of what a change sends; empty where that is made only when it is written."""
        if change.generated:
            return self._of(without_leaves(change.after)) if change.after is not None else ""
        if change.desired is None:
            return ""
        live = None if change.is_anew else change.before
        if is_secret(change.desired.body):
            return self._of(without_leaves(_with_uid(change.desired.body, live)))
        if change.is_autoscaled:  # the number of replicas moves all the time, and no one plans it
            return self._of(_with_uid(without_replicas(change.desired.body), live))
        known = None if change.is_anew else self._payloads.get(change.ref)
        return self._of_bytes((known or payload_of(change.desired, live)).content)

    def claim_digest(self, claim: GrownClaim) -> str:
        """Return the digest of what is applied to a claim that grows."""
        return self._of_bytes(claim_payload(claim).content)

    def _of(self, body: Body) -> str:
        return self._of_bytes(canonical_json(body))

    def _of_bytes(self, content: bytes) -> str:
        return digest_of(self._mask(content.decode()).encode())
