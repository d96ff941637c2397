"""What registries do differently, each a switch of tests.lib.quirky_registry; the reports behind them are public."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """How a registry behaves; the defaults are distribution-spec 1.1 to the letter, without a login."""

    # Logins
    login: str = ""
    """``basic``, ``token``, or empty: everyone may do everything."""
    reads_anonymously: bool = False
    """Who is not known may read (Artifactory and Nexus with anonymous access); ``/v2/`` answers everyone then."""
    hides_missing: int = 0
    """Status for whatever is read of a repository that does not exist (Quay: 401, Artifactory: 403); not for writers."""
    scope_prefix: str = ""
    """Repositories are known to the token server under this prefix (a proxy rewrites paths)."""
    says_scope: str = ""
    """The scope of every challenge, and what tokens must hold (ECR public: ``aws``)."""
    storage_asks: str = ""
    """URL of a realm: where blobs and uploads lie elsewhere, that host answers 401 and names it."""
    uploads_always_401: bool = False

    # Uploads
    patch_status: int = 0
    """Chunks are refused with it."""
    min_chunk: int = 0
    """``OCI-Chunk-Min-Length``; smaller chunks but the last are refused."""
    refuses_content_range: bool = False
    """400 for Content-Range on a blob that comes whole."""
    has_stale_range: bool = False
    """Chunks are stored, but Range never moves (ECR)."""
    spoils_chunks: bool = False
    """An upload of several requests ends in DIGEST_INVALID."""
    spoils_blobs: bool = False
    """Every upload does: a proxy changes what passes it."""
    forgets: int = 0
    """How many uploads are forgotten after their first part (a registry that is started again)."""
    cuts: int = 0
    """How many requests with a part of a blob are cut after a quarter."""
    location: str = "absolute"
    """``absolute``, ``path``, ``relative``, ``query``, ``host`` (``//host/…``), ``fragment``, ``elsewhere``."""
    redirects: int = 0
    """307 or 308 for every request, to the same path below ``/moved``."""
    mount_status: int = 0
    """Mounts are refused with it; 202 begins an upload, as the specification allows."""
    blob_head_status: int = 0
    manifest_head_status: int = 0
    is_full: int = 0
    """500 or 507 for every part of a blob: no space left on device."""
    limit: str = ""
    """Retry-After of one 429 for every kind of request, or of all, where it is more than a minute."""

    # Reading
    referrers_status: int = 404
    """200: there is the API."""
    page: int = 0
    """Most entries in one answer, with Link."""
    link: str = "plain"
    """``plain``, ``parameters``, ``capitals``, ``relative``, ``absolute``."""
    has_immutable_tags: int = 0
    """Status for a second PUT of a tag, whatever its content."""
    has_digest_header: bool = True
    checks_index: bool = True
    """An index needs everything that it lists."""
    redirects_blobs: bool = False
    """Blobs are at another host (S3 and its like)."""
    head_lies: bool = False
    """HEAD says yes to everything."""
    cuts_bodies: int = 0
    """Blobs come with so many bytes less, and say so."""


EVERY: dict[str, Quirks] = {
    "as the specification says": Quirks(),
    "login: Basic": Quirks(login="basic"),
    "login: token": Quirks(login="token"),
    "everyone may read": Quirks(login="token", reads_anonymously=True),
    "401 for a repository that does not exist": Quirks(login="token", hides_missing=401),
    "403 for a repository that does not exist": Quirks(login="token", reads_anonymously=True, hides_missing=403),
    "challenge with a rewritten scope": Quirks(login="token", scope_prefix="proxy/"),
    "challenge with the scope `aws`": Quirks(login="token", says_scope="aws"),
    "PATCH refused": Quirks(patch_status=405),
    "PATCH unknown": Quirks(patch_status=404),
    "Content-Range of a whole blob refused": Quirks(refuses_content_range=True),
    "parts have a least length": Quirks(min_chunk=5_000_000),
    "parts stored, Range stays": Quirks(has_stale_range=True),
    "parts put together wrongly": Quirks(spoils_chunks=True),
    "one upload is cut": Quirks(cuts=1),
    "one upload is cut, PATCH refused": Quirks(cuts=1, patch_status=405),
    "one upload is cut, Range stays": Quirks(cuts=1, has_stale_range=True),
    "one upload is cut, parts have a least length": Quirks(cuts=1, min_chunk=5000),
    "one upload is cut, parts put together wrongly": Quirks(cuts=1, spoils_chunks=True),
    "Location: a path": Quirks(location="path"),
    "Location: relative": Quirks(location="relative"),
    "Location: //host": Quirks(location="host"),
    "Location: with a fragment": Quirks(location="fragment"),
    "Location: another host": Quirks(location="elsewhere"),
    "307 for everything": Quirks(redirects=307),
    "308 for everything": Quirks(redirects=308),
    "mounts refused (405)": Quirks(mount_status=405),
    "mounts fail (500)": Quirks(mount_status=500),
    "HEAD of blobs refused": Quirks(blob_head_status=405),
    "HEAD of manifests refused": Quirks(manifest_head_status=405),
    "HEAD says yes to everything": Quirks(head_lies=True),
    "429 until a date": Quirks(limit="date"),
    "referrers: there": Quirks(referrers_status=200),
    "referrers: one to a page": Quirks(referrers_status=200, page=1, link="relative"),
    "referrers: 400": Quirks(referrers_status=400),
    "referrers: 401": Quirks(referrers_status=401),
    "referrers: 403": Quirks(referrers_status=403),
    "referrers: 405": Quirks(referrers_status=405),
    "referrers: 406": Quirks(referrers_status=406),
    "referrers: 501": Quirks(referrers_status=501),
    "tags never change (409)": Quirks(has_immutable_tags=409),
    "tags never change (400), no referrers": Quirks(has_immutable_tags=400, referrers_status=404),
    "no Docker-Content-Digest": Quirks(has_digest_header=False),
    "blobs at another host": Quirks(redirects_blobs=True),
    "tags in pages": Quirks(page=1, link="parameters"),
}
"""Those that a client can live with, by what tables call them."""
