"""The Registry port over HTTP. Layer: adapter.

Source: OCI distribution-spec v1.1; docker's Registry HTTP API V2 where registries are older than that.
"""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from bundler.errors.delivery import RegistryError, RegistryForbiddenError, RegistryLoginError, RegistryRejectedError
from bundler.model.digest import Digest
from bundler.model.json import canonical_json, is_mapping, items_at, list_at, mapping_at, text_at
from bundler.model.oci import INDEX_TYPES, OCI_INDEX, Descriptor, OciManifest
from bundler.oci.authorize import Authorizer
from bundler.oci.credentials import CredentialFiles
from bundler.oci.downloads import can_be_read, read_blob
from bundler.oci.errors import mismatch
from bundler.oci.helpers import run_helper
from bundler.oci.hosts import Hosts
from bundler.oci.mirrors import Mirror, ask_each, mirrored, read_each
from bundler.oci.requests import (
    ACCEPT_MANIFESTS,
    PULL,
    PUSH,
    OciRequest,
    blob_path,
    manifest_path,
    next_page,
    scope_of,
    uploads_path,
)
from bundler.oci.session import Session
from bundler.oci.token_server import ask_token_server
from bundler.oci.uploads import Uploader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bundler.http.client_config import ClientConfig
    from bundler.model.events import Event
    from bundler.model.json import Body, JSONValue
    from bundler.model.oci import BlobSource, Repository
    from bundler.oci.credentials import Credentials
    from bundler.oci.requests import Answer
    from bundler.oci.settings import RegistrySettings

    FindCredentials = Callable[[str, str], Credentials | None]

T = TypeVar("T")
_ACCEPT = {"Accept": ACCEPT_MANIFESTS}
PAGE = "n=1000"
MAX_PAGES = 1000
_NO_API = frozenset({400, 404, 405, 406, 415, 501})
"""What registries without the API of referrers answer to it."""


class OciClient:
    """Registries; see bundler.ports.Registry for what each verb does and raises. Threads may share it."""

    def __init__(
        self,
        settings: RegistrySettings,
        around: ClientConfig,
        *,
        find_credentials: FindCredentials,
        learn: Callable[[str], None] = lambda _: None,
        is_writing: bool = False,
    ) -> None:
        """Know no registry yet.

        Args:
            settings: from ``settings.load_settings``.
            around: environment, time, events, and the gate of ``--offline``.
            find_credentials: (host, repository) -> who we are there.
            learn: receives every secret that is used, so that it is masked wherever it would be printed.
            is_writing: what is read will be written. Some registries refuse to say that a repository does not exist yet
                to those who may only read (Quay: 401, Artifactory: 403), so what they refuse is absent, and the write
                shows whether we may.
        """
        self._hosts, self._settings, self._is_writing = Hosts(settings, around), settings, is_writing
        self._around, self._find, self._learn = around, find_credentials, learn
        self._sessions: dict[str, Session] = {}
        self._said: set[Event] = set()
        self._lock = threading.Lock()

    @classmethod
    def open(cls, settings: RegistrySettings, around: ClientConfig) -> OciClient:
        """Make a client that knows the credentials of docker and podman; nothing is sent before the first verb."""
        return cls(settings, around, find_credentials=credential_files(around).find)

    def close(self) -> None:
        """Close the kept connections; the client can still be used."""
        self._hosts.close()

    def ping(self, host: str) -> None:
        """Ask whether a registry answers and takes our credentials."""
        session = self._session(host)
        session.expect(OciRequest(method="GET", target="/v2/", doing=f"asking the registry {host}"), 200)

    def log_in(self, host: str) -> bool:
        """Ask whether a registry takes our credentials; False: it asks for none."""
        return self._session(host).log_in()

    def check_push(self, repository: Repository) -> None:
        """Start an upload and cancel it."""
        session = self._session(repository.host)
        doing = f"asking whether {repository} can be written"
        scopes = (scope_of(repository, PUSH),)
        answer = session.expect(
            OciRequest(method="POST", target=uploads_path(repository), doing=doing, scopes=scopes), 202
        )
        if location := session.location_of(answer):
            session.send(OciRequest(method="DELETE", target=location, doing=doing, scopes=scopes))

    def head_manifest(self, repository: Repository, reference: str) -> Descriptor | None:
        """Return digest, size and media type; a registry that does not tell them in a head is asked for the whole."""
        return self._each(repository, lambda place: self._head_manifest(place, reference))

    def _head_manifest(self, repository: Repository, reference: str) -> Descriptor | None:
        answer = self._asked(repository, manifest_path(repository, reference), reference, method="HEAD")
        if answer.status == 404:
            return None
        size = answer.headers.get("content-length", "")
        media_type = answer.headers.get("content-type", "").partition(";")[0].strip()
        is_told = answer.digest.startswith("sha256:") and size.isdecimal() and media_type
        if answer.status != 200 or not is_told:
            found = self._manifest(repository, reference)
            return found.descriptor if found else None
        return Descriptor(digest=Digest(answer.digest), size=int(size), media_type=media_type)

    def manifest(self, repository: Repository, reference: str) -> OciManifest | None:
        """Return a manifest or index, its digest verified."""
        return self._each(repository, lambda place: self._manifest(place, reference))

    def _manifest(self, repository: Repository, reference: str) -> OciManifest | None:
        answer = self._get(repository, manifest_path(repository, reference), reference)
        if answer is None:
            return None
        found = OciManifest.of(answer.body, answer.media_type)
        wanted = reference if reference.startswith("sha256:") else answer.digest
        if wanted.startswith("sha256:") and found.digest != wanted:
            doing = f"reading manifest {_named(repository, reference)}"
            raise mismatch(doing, f"what came has the digest {found.digest} instead of {wanted}")
        return found

    def put_manifest(self, repository: Repository, manifest: OciManifest, *, tag: str = "") -> None:
        """Store a manifest byte for byte."""
        session = self._session(repository.host)
        reference = tag or manifest.digest
        doing = f"storing manifest {_named(repository, reference)}"
        request = OciRequest(
            method="PUT",
            target=manifest_path(repository, reference),
            doing=doing,
            scopes=(scope_of(repository, PUSH),),
            headers={"Content-Type": manifest.media_type},
            body=manifest.content,
        )
        answer = session.expect(request, 200, 201, 202)
        if answer.digest and answer.digest != manifest.digest:
            raise mismatch(doing, f"the registry stored {answer.digest} instead of {manifest.digest}")
        subject = mapping_at(manifest.body, "subject")
        if subject and not answer.headers.get("oci-subject"):
            self._add_referrer(repository, Digest(text_at(subject, "digest")), manifest)

    def has_blob(self, repository: Repository, blob: Descriptor, *, is_read: bool = False) -> bool:
        """Return whether a repository holds a blob of that size; with ``is_read`` a byte of it is fetched."""
        session = self._session(repository.host)
        if not is_read:
            answer = self._asked(repository, blob_path(repository, blob.digest), blob.digest, method="HEAD")
            size = answer.headers.get("content-length", "")
            if answer.status == 200 and (blob.size < 0 or size in {"", str(blob.size)}):
                return True
            if answer.status == 404 or self._is_hidden(answer):
                return False
        try:
            return can_be_read(session, repository, blob, scope=self._scope(repository))
        except (RegistryLoginError, RegistryForbiddenError):
            if self._is_writing:
                return False
            raise

    def blob(self, repository: Repository, descriptor: Descriptor) -> Iterator[bytes]:
        """Yield a blob."""
        places = self._places(repository)
        return read_each(places, lambda place: read_blob(self._session(place.host), place, descriptor), self._say_once)

    def put_blob(
        self, repository: Repository, descriptor: Descriptor, source: BlobSource, *, mount_from: str = ""
    ) -> int:
        """Store a blob, unless it is there; returns how many of its bytes were sent."""
        uploader = Uploader(self._session(repository.host), repository, descriptor)
        return uploader.store(source, mount_from=mount_from)

    def referrers(self, repository: Repository, digest: Digest, *, artifact_type: str = "") -> Sequence[Descriptor]:
        """Return what refers to a manifest."""
        found = self._each(repository, lambda place: self._referrers(place, digest))
        # Who lists them need not say of what type they are; that is in their own manifests.
        return [one for one in found if not artifact_type or one.artifact_type in {artifact_type, ""}]

    def tags(self, repository: Repository) -> Sequence[str]:
        """Return all tags, all pages."""
        return self._each(repository, self._tags)

    def _tags(self, repository: Repository) -> list[str]:
        target = f"/v2/{repository.name}/tags/list"
        first = self._asked(repository, f"{target}?{PAGE}", "the tags")
        if first.status == 400:
            # Too many at once for this registry: it may choose.
            first = self._asked(repository, target, "the tags")
        if first.status == 404 or self._is_hidden(first):
            return []
        pages = self._pages(repository, first, "the tags")
        return list(dict.fromkeys(tag for page in pages for tag in list_at(page, "tags") if isinstance(tag, str)))

    def _referrers(self, repository: Repository, digest: Digest) -> list[Descriptor]:
        found, refused = self._listed_referrers(repository, digest)
        try:
            # Without the API, or from a time before it: registries need not list what they held then.
            kept = self._manifest(repository, fallback_tag(digest))
        except (RegistryLoginError, RegistryForbiddenError):
            if not found:
                raise
            kept = None
        if not found and kept is None and refused is not None:
            raise refused
        older = kept.children if kept else ()
        return list({one.digest: one for one in (*older, *found)}.values())

    def _listed_referrers(
        self, repository: Repository, digest: Digest
    ) -> tuple[list[Descriptor], RegistryError | None]:
        """Ask the API of referrers: what it lists, and the error where we may not ask."""
        target, what = f"/v2/{repository.name}/referrers/{digest}", f"what refers to {digest}"
        first = self._asked(repository, target, what)
        if first.status in {401, 403}:
            return [], self._session(repository.host).refusal(self._ask(repository, target, what), first)
        if first.status in _NO_API or (first.status == 200 and first.media_type not in INDEX_TYPES):
            return [], None
        pages = self._pages(repository, first, what)
        return [Descriptor.from_json(item) for page in pages for item in items_at(page, "manifests")], None

    def _pages(self, repository: Repository, first: Answer, what: str) -> Iterator[JSONValue]:
        """Yield the bodies of an answer and of all pages that follow it.

        Raises:
            RegistryError: when one cannot be had: a part of a list is worse than none.
        """
        answer, seen = first, set[str]()
        while True:
            if answer.status != 200:
                raise self._session(repository.host).refusal(self._ask(repository, answer.url, what), answer)
            yield self._list_in(answer, repository, what)
            session = self._session(repository.host)
            target = session.joined(answer, next_page(answer.headers.get("link", "")))
            if not target:
                return
            if target in seen or len(seen) == MAX_PAGES:
                found = [f"{repository.host} links a further page after {len(seen) + 1} of them: {target}"]
                doing = f"reading {_named(repository, what)}"
                raise RegistryError(doing, context=found, hint="check the registry, and the proxy in front of it")
            seen.add(target)
            answer = self._asked(repository, target, what)

    def _list_in(self, answer: Answer, repository: Repository, what: str) -> Body:
        """Return the body of a list.

        Raises:
            RegistryError: when it is anything else: a login page of the network would look like an empty list.
        """
        body = answer.json()
        if is_mapping(body):
            return body
        kind = answer.headers.get("content-type", "") or "something that is not named"
        raise RegistryError(
            f"reading {_named(repository, what)}",
            context=[f"{repository.host} answers with {kind}, and not with a list in JSON"],
            hint="check the name and the port of the registry, and whether a proxy or a login page answers for it",
        )

    def _each(self, repository: Repository, ask: Callable[[Repository], T]) -> T:
        """Ask the mirrors of a repository and then itself."""
        return ask_each(self._places(repository), ask, self._say_once)

    def _say_once(self, event: Event) -> None:
        with self._lock:
            is_new = event not in self._said
            self._said.add(event)
        if is_new:
            self._around.report(event)

    def _places(self, repository: Repository) -> list[Repository]:
        """Return where to read a repository; what is about to be written is read where it will be."""
        mirrors = () if self._is_writing else self._settings.of(repository.host).mirrors
        return [*mirrored(repository, mirrors), repository]

    def _session(self, host: str) -> Session:
        with self._lock:
            if host not in self._sessions:
                authorizer = Authorizer(
                    host,
                    find=partial(self._find, host),
                    fetch=partial(ask_token_server, self._hosts, host),
                    clock=self._around.clock,
                    learn=self._learn,
                )
                self._sessions[host] = Session(host, self._hosts, authorizer)
            return self._sessions[host]

    def _get(self, repository: Repository, target: str, what: str) -> Answer | None:
        """Return an answer of success; None for what is absent."""
        answer = self._asked(repository, target, what)
        if answer.status == 200:
            return answer
        if answer.status == 404 or self._is_hidden(answer):
            return None
        session = self._session(repository.host)
        raise session.refusal(self._ask(repository, target, what), answer)

    def _asked(self, repository: Repository, target: str, what: str, *, method: str = "GET") -> Answer:
        return self._session(repository.host).send(self._ask(repository, target, what, method=method))

    def _ask(self, repository: Repository, target: str, what: str, *, method: str = "GET") -> OciRequest:
        doing = f"reading {_named(repository, what)}"
        return OciRequest(
            method=method,
            target=target,
            doing=doing,
            scopes=(self._scope(repository),),
            headers=_ACCEPT,
            is_optional=isinstance(repository, Mirror),
        )

    def _scope(self, repository: Repository) -> str:
        return scope_of(repository, PUSH if self._is_writing else PULL)

    def _is_hidden(self, answer: Answer) -> bool:
        """Return whether something is refused that is about to be written: it may just not be there yet."""
        return self._is_writing and answer.status in {401, 403}

    def _add_referrer(self, repository: Repository, subject: Digest, manifest: OciManifest) -> None:
        """Keep the list of referrers by hand, where the registry does not. Source: distribution-spec, Referrers Tag."""
        tag = fallback_tag(subject)
        kept = self.manifest(repository, tag)
        entries: dict[str, JSONValue] = {
            text_at(item, "digest"): item for item in items_at(kept.body if kept else {}, "manifests")
        }
        if manifest.digest in entries:
            return
        body = manifest.body
        kind = text_at(body, "artifactType") or text_at(body, "config", "mediaType")
        entry: dict[str, JSONValue] = {**manifest.descriptor.to_json(), "artifactType": kind}
        if annotations := mapping_at(body, "annotations"):
            entry["annotations"] = annotations
        entries[manifest.digest] = entry
        index: dict[str, JSONValue] = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(entries.values())}
        try:
            self.put_manifest(repository, OciManifest.of(canonical_json(index), OCI_INDEX), tag=tag)
        except (RegistryForbiddenError, RegistryRejectedError) as error:
            if kept is None:
                raise
            raise RegistryRejectedError(
                f"adding {manifest.digest} to what refers to {subject} in {repository}",
                context=[*error.context, f"without the API of referrers, the tag {tag} lists them, and it is there"],
                hint=f"allow changes of tags that begin with sha256- in the registry; {manifest.digest} is stored",
            ) from error


def credential_files(around: ClientConfig) -> CredentialFiles:
    """Return the credentials of the user that this environment belongs to."""
    home = Path(around.env.get("HOME") or "/")
    return CredentialFiles(around.env, home, partial(run_helper, around))


def fallback_tag(digest: Digest) -> str:
    """Return the tag that lists referrers where a registry has no API for them."""
    return digest.replace(":", "-")


def _named(repository: Repository, reference: str) -> str:
    if reference.startswith("sha256:"):
        return f"{repository}@{reference}"
    return f"{reference} of {repository}" if " " in reference else f"{repository}:{reference}"
