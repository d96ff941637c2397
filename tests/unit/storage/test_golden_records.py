"""Records written once by the first version of bundler that knew their format: they must be readable for ever.

The files are never written again. A new format gets a file of its own beside them.
"""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bundler.model.json import mapping_at
from bundler.model.manifest import GeneratedSecret, Manifest, Source
from bundler.model.refs import ObjectRef
from bundler.model.release import Authorship, BundleReference, InventoryEntry, ReleaseStatus, Revision, RevisionSummary
from bundler.model.rollout import OnFailure, Rollout, RolloutState, Share
from bundler.model.stage import Stage
from bundler.storage.decoding import decode_revision, read_pack_secret, read_sensitive
from bundler.storage.encoding import encode_revision
from bundler.storage.heads import read_head
from tests.unit.storage.builders import known_of

if TYPE_CHECKING:
    from bundler.model.json import Body

FOLDER = Path(__file__).parents[2] / "golden" / "records"
FILE, ROLLOUT_FILE = FOLDER / "v1.json", FOLDER / "v2-rollout.json"
PASSWORD = "correct-horse-battery-staple"


def golden_revision() -> Revision:
    """What the golden file holds; every field of the format is used."""
    summary = RevisionSummary(
        release="shop",
        namespace="prod",
        revision=7,
        status=ReleaseStatus.DEPLOYED,
        bundle=BundleReference(
            name="shop",
            version="1.4.0+site.2",
            app_version="2026.11",
            digest="sha256:" + "ab" * 32,
            origin="oci://r.example/shop",
        ),
        updated=datetime(2026, 11, 22, 12, 0, 7, 250_000, tzinfo=UTC),
        created=datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC),
        description="rolled back to 5: done",
        user="ada@example.com",
        objects=67,
        is_waited=False,
        resource_version="4711",
        uid="0c2f6a1e-3d55-4a0e-9a39-3f3d6f0e6a01",
    )
    many = tuple(_entry("ConfigMap", f"config-{number}", {"data": {"n": str(number)}}) for number in range(64))
    return Revision(
        summary=summary,
        authorship=Authorship(
            user="ada",
            host="ci-7",
            tool_version="0.1.0",
            command="bundler rollback shop 5 " + "x" * 500,
            reason="too slow",
            cluster_uid="c-1",
        ),
        inventory=(*many, _secret(), _odd(), _generated()),
        user_values={
            "qps": 1000,
            "ratio": 0.5,
            "gone": None,
            "db": {"password": PASSWORD},
            "list": [1, "two", {"three": True}],
        },
        needs={"web": ("db", "cache"), "db": ()},
        notes="Öffne http://shop.example\n",
        rolled_back_to=5,
        sensitive=frozenset({PASSWORD}),
        evidence="Deployment/web 0 of 1 replicas are ready\n",
        no_rollback_below="1.4.0",
        reach={"clusterScoped": ["ClusterRole.rbac.authorization.k8s.io"], "namespaces": ["other"]},
        readiness=({"group": "x.example", "kind": "Db", "name": "", "ready": "object.status.ok", "failed": ""},),
    )


def _entry(kind: str, name: str, more: Body) -> InventoryEntry:
    ref = ObjectRef("", kind, "prod", name)
    body: Body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "prod"}, **more}
    source = Source("templates/all.yaml", 3)
    manifest = Manifest(ref=ref, api_version="v1", body=body, source=source)
    return InventoryEntry(ref=ref, api_version="v1", stage=Stage.CONFIG, source=str(source), manifest=manifest)


def _secret() -> InventoryEntry:
    return _entry("Secret", "login", {"type": "Opaque", "data": {"a/b~c": "Y29ycmVjdA==", "user": "YWRh"}})


def _odd() -> InventoryEntry:
    """An author's mapping that looks like one of our references, a clear password, and a manifest unlike its entry."""
    data: Body = {"bundler.dev/sensitive": "/not/ours", "bundler.dev/literal": {"bundler.dev/sensitive": "x"}}
    entry = _entry("ConfigMap", "odd", {"data": data, "url": f"postgres://u:{PASSWORD}@db"})
    assert entry.manifest is not None
    manifest = replace(
        entry.manifest, component="web/cache", api_version="v1beta1", ref=ObjectRef("x", "Odd", "", "odd")
    )
    return replace(entry, manifest=manifest, component="web", stage=Stage.EDGES)


def _generated() -> InventoryEntry:
    ref = ObjectRef("", "Secret", "prod", "shop-db")
    source = Source("db/bundle.yaml", 12)
    made = GeneratedSecret(
        name="db-password", ref=ref, key="password", kind="hex", length=24, component="db", source=source
    )
    return InventoryEntry(
        ref=ref, api_version="v1", stage=Stage.CONFIG, component="db", source=str(source), generated=made
    )


def open_rollout_revision() -> Revision:
    """What the golden file of an open rollout holds; every field of it is used."""
    rollout = Rollout(
        shares={"web": (Share(1), Share(50, is_percent=True)), "": (Share(10, is_percent=True), Share(4))},
        step=2,
        state=RolloutState.PAUSED,
        since=datetime(2026, 11, 30, 9, 0, 7, tzinfo=UTC),
        by="grace@example.com",
        pause_after="canary",
        soak_s=120,
        step_timeout_s=900,
        on_failure=OnFailure.PAUSE,
        gates=("quiet", "smoke"),
        passed=("quiet",),
        start_broken=1,
        reason="Friday",
    )
    pending = replace(
        golden_revision().summary,
        revision=8,
        status=ReleaseStatus.PENDING_UPGRADE,
        description="",
        rollout=rollout,
        resource_version="4712",
        uid="0c2f6a1e-3d55-4a0e-9a39-3f3d6f0e6a02",
    )
    return replace(golden_revision(), summary=pending, rolled_back_to=0, evidence="", inventory=(_secret(), _odd()))


def read_golden(file: Path = FILE, *, with_sensitive: bool) -> Revision:
    """Decode a golden file as the store would."""
    stored = json.loads(file.read_text(encoding="utf-8"))
    head = read_head(stored["head"])
    pieces = [piece for secret in stored["packs"] for piece in read_pack_secret(secret)]
    return decode_revision(head, pieces, read_sensitive(stored["sensitive"]) if with_sensitive else None)


def test_a_record_of_format_1_is_read_whole() -> None:
    assert read_golden(with_sensitive=True) == golden_revision()


def test_a_record_of_format_1_is_read_without_its_sensitive_part() -> None:
    read = read_golden(with_sensitive=False)
    assert PASSWORD not in repr(read)
    assert read.user_values == {**golden_revision().user_values, "db": {"password": "***"}}
    assert read.refs == golden_revision().refs


def test_a_record_of_an_open_rollout_is_read_whole() -> None:
    assert read_golden(ROLLOUT_FILE, with_sensitive=True) == open_rollout_revision()


def test_format_2_is_still_what_is_written_of_an_open_rollout() -> None:
    stored = json.loads(ROLLOUT_FILE.read_text(encoding="utf-8"))
    head = encode_revision(open_rollout_revision(), {}).head.body()
    assert head["data"] == stored["head"]["data"]
    assert mapping_at(head, "metadata", "annotations") == stored["head"]["metadata"]["annotations"]


def test_format_1_is_still_what_is_written() -> None:
    """The same content gets the same addresses, so packs of old revisions continue being shared."""
    stored = json.loads(FILE.read_text(encoding="utf-8"))
    encoded = encode_revision(golden_revision(), {})
    assert sorted(record.name for record in encoded.packs) == sorted(
        pack["metadata"]["name"] for pack in stored["packs"]
    )
    assert encode_revision(golden_revision(), known_of(encoded)).packs == ()
    written = {key: value for key, value in stored["head"]["metadata"].items() if key not in {"uid", "resourceVersion"}}
    assert encoded.head.body()["metadata"] == written
    added = {"sensitive"}
    now, then = (json.loads(base64.b64decode(head["data"]["head"])) for head in (encoded.head.body(), stored["head"]))
    assert {key: value for key, value in now.items() if key not in added} == then
