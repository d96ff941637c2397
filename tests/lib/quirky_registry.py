"""A registry in memory that behaves as its Quirks say. Requests come through tests.lib.stub_server, on loopback."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qs, unquote, urlsplit

from bundler.model.digest import Digest, digest_of
from tests.lib.quirks import Quirks
from tests.lib.stub_server import Got, HangUp, Say, Step, StubServer

if TYPE_CHECKING:
    from collections.abc import Mapping

USER, PASSWORD = "ada", "correct-horse-7"
BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
MOVED = "/moved"


@dataclass(slots=True)
class Held:
    """What one repository holds."""

    blobs: dict[Digest, bytes] = field(default_factory=dict)
    manifests: dict[Digest, tuple[str, bytes]] = field(default_factory=dict)
    tags: dict[str, Digest] = field(default_factory=dict)


@dataclass(slots=True)
class Upload:
    """A blob on its way."""

    content: bytes = b""
    parts: int = 0
    is_short: bool = False
    """A part was smaller than parts must be; it has to be the last."""


def refused(status: int, code: str, message: str = "", headers: Mapping[str, str] | None = None) -> Say:
    return Say(status=status, body={"errors": [{"code": code, "message": message}]}, headers=headers or {})


class QuirkyRegistry:
    """One registry, and the host where it keeps blobs if it does so elsewhere."""

    def __init__(self, quirks: Quirks | None = None, *, address: str = "127.0.0.1") -> None:
        self.quirks = quirks or Quirks()
        self.repositories: dict[str, Held] = {}
        self.uploads: dict[str, Upload] = {}
        self.stored_bytes = 0
        """Bytes of blobs that came in, those in vain included."""
        self._lock = threading.RLock()
        self._begun, self._cuts = 0, self.quirks.cuts
        self._forgets = self.quirks.forgets
        self._limited: set[str] = set()
        self.server = StubServer([self._answer], address=address)
        self.storage = StubServer([self._elsewhere])

    def __enter__(self) -> Self:
        self.server.__enter__()
        self.storage.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.__exit__(*error)
        self.storage.__exit__(*error)

    @property
    def host(self) -> str:
        return self.server.url.partition("://")[2]

    def of(self, name: str) -> Held:
        """Return what a repository holds; it is made where there is none."""
        with self._lock:
            return self.repositories.setdefault(name, Held())

    def collect(self, name: str, digest: Digest) -> None:
        """Remove one manifest or blob, as a collector of garbage that is too eager does."""
        held = self.of(name)
        held.blobs.pop(digest, None)
        held.manifests.pop(digest, None)

    def requests(self, method: str, part: str = "") -> list[Got]:
        """Return the requests of a method whose path contains a text."""
        return [got for got in self.server.requests if got.method == method and part in got.path]

    # -- Who asks

    def _answer(self, got: Got) -> Step:
        with self._lock:
            if got.path == "/token":
                return self._token(got)
            if self.quirks.redirects and not got.path.startswith(MOVED):
                return Say(status=self.quirks.redirects, body=b"", headers={"Location": MOVED + got.target})
            got = Got(
                method=got.method,
                target=got.target.removeprefix(MOVED),
                headers=got.headers,
                body=got.body,
                connection=got.connection,
            )
            if (limited := self._limit(got)) is not None:
                return limited
            name, kind, rest = _parts(got.path)
            if (no := self._refusal(got, name)) is not None:
                return no
            if got.path.rstrip("/") == "/v2":
                return Say(body={})
            return self._routed(got, name, kind, rest)

    def _limit(self, got: Got) -> Say | None:
        limit = self.quirks.limit
        key = f"{got.method} {_parts(got.path)[1]}"
        if not limit or key in self._limited:
            return None
        waits = int(limit) if limit.isdecimal() else 2
        if waits <= 60:
            self._limited.add(key)
        header = limit if limit.isdecimal() else formatdate(time.time() + waits, usegmt=True)
        return refused(429, "TOOMANYREQUESTS", "slow down", {"Retry-After": header, "Date": formatdate(usegmt=True)})

    def _refusal(self, got: Got, name: str) -> Say | None:
        """Return the answer to one who may not do that."""
        quirks = self.quirks
        writes = got.method not in {"GET", "HEAD"} or "/uploads/" in got.path
        granted = self._granted(got, name)
        if quirks.hides_missing and name and name not in self.repositories and not writes and "push" not in granted:
            return self._challenge(name, "pull", quirks.hides_missing)
        if quirks.uploads_always_401 and got.method in {"PUT", "PATCH"} and "/uploads/" in got.path:
            return self._challenge(name, "pull,push", 401)
        wanted = "push" if writes else "pull"
        if quirks.login and wanted not in granted:
            return self._challenge(name, "pull,push" if writes else "pull", 401)
        return None

    def _granted(self, got: Got, name: str) -> set[str]:
        """Return what one who asks may do in a repository."""
        quirks, said = self.quirks, got.headers.get("authorization", "")
        everything = {"pull", "push"}
        if not quirks.login:
            return {"pull"} if quirks.hides_missing and not said else everything
        if said == BASIC and (quirks.login == "basic" or quirks.reads_anonymously):
            return everything
        anonymous = {"pull"} if quirks.reads_anonymously and not said else set()
        if not said.startswith("Bearer "):
            return anonymous
        scopes = json.loads(base64.b64decode(said.removeprefix("Bearer ")))
        if quirks.says_scope:
            return everything if quirks.says_scope in scopes else set()
        if not name:
            return everything
        found: set[str] = set()
        for scope in scopes:
            if scope.startswith(f"repository:{quirks.scope_prefix}{name}:"):
                found |= set(scope.rpartition(":")[2].split(","))
        return found

    def _challenge(self, name: str, actions: str, status: int) -> Say:
        quirks = self.quirks
        scope = quirks.says_scope or (f"repository:{quirks.scope_prefix}{name}:{actions}" if name else "")
        realm = f'realm="{self.server.url}/token",service="quirky",scope="{scope}"'
        header = 'Basic realm="quirky"' if quirks.login == "basic" else f"Bearer {realm}"
        headers = {"WWW-Authenticate": header} if status == 401 else {}
        return refused(status, "UNAUTHORIZED" if status == 401 else "DENIED", "authentication required", headers)

    def _token(self, got: Got) -> Say:
        said = got.headers.get("authorization", "")
        if said and said != BASIC:
            return refused(401, "UNAUTHORIZED", "incorrect username or password")
        scopes = parse_qs(urlsplit(got.target).query).get("scope", [])
        if not said:
            scopes = [scope for scope in scopes if "push" not in scope] if self.quirks.reads_anonymously else []
        value = base64.b64encode(json.dumps(scopes).encode()).decode()
        return Say(body={"token": value, "expires_in": 300})

    # -- What is asked

    def _routed(self, got: Got, name: str, kind: str, rest: str) -> Step:
        if kind == "uploads":
            return self._upload(got, name, rest)
        if kind == "blobs":
            return self._blob(got, name, Digest(rest))
        if kind == "manifests":
            return self._manifest(got, name, rest)
        if kind == "tags":
            found = sorted(self.repositories[name].tags) if name in self.repositories else None
            return refused(404, "NAME_UNKNOWN") if found is None else self._page(got, found, name)
        if kind == "referrers":
            return self._referrers(got, name, rest)
        return refused(404, "UNSUPPORTED")

    def _page(self, got: Got, entries: list[object], name: str) -> Say:
        query = parse_qs(urlsplit(got.target).query)
        start = int(query.get("last", ["0"])[0])
        size = self.quirks.page or len(entries)
        shown, headers = entries[start : start + size], {}
        if start + size < len(entries):
            path = got.path.removeprefix(MOVED)
            target = f"{path}?last={start + size}&x=a,b"
            headers["Link"] = {
                "plain": f'<{target}>; rel="next"',
                "parameters": f'<{target}>; title="a, b; rel=\\"prev\\""; rel="last next"',
                "capitals": f"<{target}>; REL=Next",
                "relative": f'<?last={start + size}>; rel="next"',
                "absolute": f'</first>; rel="first", <{self.server.url}{target}>; rel="next"',
            }[self.quirks.link]
        is_tags = got.path.endswith("/list")
        body = {"name": name, "tags": shown} if is_tags else {"schemaVersion": 2, "manifests": shown}
        kind = "application/json" if is_tags else "application/vnd.oci.image.index.v1+json"
        return Say(body=body, headers={**headers, "Content-Type": kind})

    def _referrers(self, got: Got, name: str, digest: str) -> Say:
        if self.quirks.referrers_status != 200:
            return refused(self.quirks.referrers_status, "UNSUPPORTED")
        found: list[object] = []
        for own, (kind, content) in self.of(name).manifests.items():
            body = json.loads(content)
            if body.get("subject", {}).get("digest") == digest:
                entry = {"mediaType": kind, "digest": own, "size": len(content)}
                found.append(entry | {"artifactType": body.get("artifactType") or body["config"]["mediaType"]})
        return self._page(got, found, name)

    def _manifest(self, got: Got, name: str, reference: str) -> Step:
        quirks = self.quirks
        if got.method == "PUT":
            return self._stored_manifest(got, name, reference)
        if got.method == "HEAD" and quirks.manifest_head_status:
            return Say(status=quirks.manifest_head_status, body=b"", is_head=True)
        held = self.repositories.get(name, Held())
        digest = held.tags.get(reference, Digest(reference))
        if digest not in held.manifests:
            if got.method == "HEAD" and quirks.head_lies and reference.startswith("sha256:"):
                said = {"Docker-Content-Digest": digest, "Content-Type": "application/vnd.oci.image.index.v1+json"}
                return Say(body=b"x" * 500, headers=said, is_head=True)
            return Say(status=404, body=b"", is_head=got.method == "HEAD")
        kind, content = held.manifests[digest]
        headers = {"Content-Type": kind} | ({"Docker-Content-Digest": digest} if quirks.has_digest_header else {})
        return Say(body=content, headers=headers, is_head=got.method == "HEAD")

    def _stored_manifest(self, got: Got, name: str, reference: str) -> Say:
        held, digest, kind = self.of(name), digest_of(got.body), got.headers.get("content-type", "")
        body = json.loads(got.body)
        parts = [body.get("config"), *body.get("layers", [])] if "config" in body else []
        lacking = [one["digest"] for one in parts if one and "urls" not in one and one["digest"] not in held.blobs]
        children = body.get("manifests", []) if self.quirks.checks_index and not reference.startswith("sha256-") else []
        lacking += [one["digest"] for one in children if one["digest"] not in held.manifests]
        if lacking:
            return refused(404, "MANIFEST_BLOB_UNKNOWN", f"blob unknown to registry: {lacking[0]}")
        if not reference.startswith("sha256:"):
            if self.quirks.has_immutable_tags and reference in held.tags:
                return refused(self.quirks.has_immutable_tags, "TAG_INVALID", f"tag {reference} is immutable")
            held.tags[reference] = digest
        held.manifests[digest] = (kind, got.body)
        headers = {"Docker-Content-Digest": digest} if self.quirks.has_digest_header else {}
        if "subject" in body and self.quirks.referrers_status == 200:
            headers["OCI-Subject"] = body["subject"]["digest"]
        return Say(status=201, body=b"", headers=headers)

    def _blob(self, got: Got, name: str, digest: Digest) -> Step:
        held, quirks = self.repositories.get(name, Held()), self.quirks
        if got.method == "HEAD" and quirks.blob_head_status:
            return Say(status=quirks.blob_head_status, body=b"", is_head=True)
        if digest not in held.blobs:
            if got.method == "HEAD" and quirks.head_lies:
                return Say(body=b"", is_head=True, headers={"Docker-Content-Digest": digest})
            return Say(status=404, body=b"", is_head=got.method == "HEAD")
        if quirks.redirects_blobs and got.method == "GET":
            away = f"{self.storage.url}/bucket/{name}/{digest}?signature=s"
            return Say(status=307, body=b"", headers={"Location": away})
        content = held.blobs[digest]
        return _ranged(got, content[: len(content) - quirks.cuts_bodies], digest)

    def _elsewhere(self, got: Got) -> Step:
        """Answer where blobs and uploads lie."""
        with self._lock:
            if self.quirks.storage_asks:
                header = f'Bearer realm="{self.quirks.storage_asks}",service="s3",scope="x"'
                return refused(401, "UNAUTHORIZED", "signature expired", {"WWW-Authenticate": header})
            if got.path.startswith("/bucket/"):
                name, _, digest = got.path.removeprefix("/bucket/").rpartition("/")
                return _ranged(got, self.of(name).blobs[Digest(digest)], Digest(digest))
            name, _, rest = _parts(got.path)
            return self._upload(got, name, rest)

    # -- Uploads

    def _upload(self, got: Got, name: str, session: str) -> Step:
        quirks, query = self.quirks, parse_qs(urlsplit(got.target).query)
        if got.method == "POST":
            return self._started(name, query)
        upload = self.uploads.get(session)
        if upload is None:
            return refused(404, "BLOB_UPLOAD_UNKNOWN")
        place = {"Location": self._location(name, session), "Docker-Upload-UUID": session}
        if got.method == "DELETE":
            del self.uploads[session]
            return Say(status=204, body=b"")
        reached = 0 if quirks.has_stale_range else max(0, len(upload.content) - 1)
        if got.method == "GET":
            return Say(status=204, body=b"", headers={**place, "Range": f"0-{reached}"})
        self.stored_bytes += len(got.body)
        if self._cuts and got.body:
            self._cuts -= 1
            upload.content += got.body[: len(got.body) // 4]
            upload.parts += 1
            return HangUp()
        if (no := self._refused_part(got, upload)) is not None:
            return no
        upload.content += got.body
        upload.parts += bool(got.body)
        if got.method == "PATCH":
            if self._forgets:
                self._forgets -= 1
                del self.uploads[session]
            now = 0 if quirks.has_stale_range else max(0, len(upload.content) - 1)
            return Say(status=202, body=b"", headers={**place, "Range": f"0-{now}"})
        return self._finished(name, session, upload, Digest(query.get("digest", [""])[0]))

    def _started(self, name: str, query: Mapping[str, list[str]]) -> Say:
        if "mount" in query and self.quirks.mount_status != 202:
            if self.quirks.mount_status:
                return refused(self.quirks.mount_status, "UNSUPPORTED", "no mounts here")
            digest, other = Digest(query["mount"][0]), query.get("from", [""])[0]
            if digest in self.repositories.get(other, Held()).blobs:
                self.of(name).blobs[digest] = self.of(other).blobs[digest]
                return Say(status=201, body=b"", headers={"Location": f"/v2/{name}/blobs/{digest}"})
        self._begun += 1
        session = f"{self._begun}"
        self.uploads[session] = Upload()
        headers = {"Location": self._location(name, session), "Range": "0-0"}
        if self.quirks.min_chunk:
            headers["OCI-Chunk-Min-Length"] = str(self.quirks.min_chunk)
        return Say(status=202, body=b"", headers=headers)

    def _refused_part(self, got: Got, upload: Upload) -> Say | None:
        quirks, named = self.quirks, got.headers.get("content-range", "")
        if quirks.is_full:
            return refused(quirks.is_full, "UNKNOWN", "write /data/x: no space left on device")
        if got.method == "PATCH" and quirks.patch_status:
            return refused(quirks.patch_status, "UNSUPPORTED")
        if got.body and upload.is_short:
            return refused(400, "SIZE_INVALID", "chunk too small")
        upload.is_short = 0 < len(got.body) < quirks.min_chunk
        if got.method == "PUT" and not upload.content and named and quirks.refuses_content_range:
            return refused(400, "BLOB_UPLOAD_INVALID", "unexpected Content-Range")
        if named and int(named.partition("-")[0]) != len(upload.content):
            return refused(416, "RANGE_INVALID")
        return None

    def _finished(self, name: str, session: str, upload: Upload, digest: Digest) -> Say:
        is_spoilt = self.quirks.spoils_blobs or (self.quirks.spoils_chunks and upload.parts > 1)
        if is_spoilt or f"sha256:{hashlib.sha256(upload.content).hexdigest()}" != digest:
            return refused(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        del self.uploads[session]
        self.of(name).blobs[digest] = upload.content
        return Say(status=201, body=b"", headers={"Docker-Content-Digest": digest})

    def _location(self, name: str, session: str) -> str:
        path, state = f"/v2/{name}/blobs/uploads/{session}", "state=a%2Fb%3D"
        authority = self.host
        return {
            "absolute": f"{self.server.url}{path}?{state}",
            "path": f"{path}?{state}",
            "relative": f"{session}?{state}",
            "query": f"{path}?{state}&empty=",
            "host": f"//{authority}{path}?{state}",
            "fragment": f"{path}?{state}#part",
            "elsewhere": f"{self.storage.url}{path}?{state}",
        }[self.quirks.location]


def _parts(path: str) -> tuple[str, str, str]:
    """Return repository, kind and reference of a path."""
    text = unquote(path).removeprefix("/v2/")
    for kind in ("/blobs/uploads/", "/blobs/", "/manifests/", "/tags/", "/referrers/"):
        name, found, rest = text.rpartition(kind)
        if found:
            return name, kind.strip("/").rpartition("/")[2], rest
    return "", "", ""


def _ranged(got: Got, content: bytes, digest: Digest) -> Say:
    headers = {"Docker-Content-Digest": digest, "Content-Type": "application/octet-stream"}
    asked = got.headers.get("range", "")
    if got.method == "GET" and asked.startswith("bytes="):
        first, _, last = asked.removeprefix("bytes=").partition("-")
        start, end = int(first), min(int(last or len(content) - 1), len(content) - 1)
        if start >= len(content):
            return Say(status=416, body=b"", headers={"Content-Range": f"bytes */{len(content)}"})
        ranged = {"Content-Range": f"bytes {start}-{end}/{len(content)}"}
        return Say(status=206, body=content[start : end + 1], headers=headers | ranged)
    return Say(body=content, headers=headers, is_head=got.method == "HEAD")
