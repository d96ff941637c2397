"""Make the release's namespace. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors.cluster import AlreadyExistsError, ObjectNotFoundError
from bundler.model.cluster import Payload
from bundler.model.events import Notice
from bundler.model.json import Body, canonical_json
from bundler.model.labels import MANAGED_BY, MANAGED_BY_VALUE, RELEASE_UID
from bundler.model.refs import ObjectRef

if TYPE_CHECKING:
    from bundler.ports import Ports


def absent_namespace(name: str) -> ObjectNotFoundError:
    """Say that the namespace does not exist and may not be made."""
    return ObjectNotFoundError(
        f"looking for namespace {name}",
        context=[f"namespace {name} does not exist, and --no-create-namespace says not to make it"],
        hint=f"create it (`kubectl create namespace {name}`), or leave out --no-create-namespace",
    )


def create_namespace(name: str, uid: str, ports: Ports) -> None:
    """Create a namespace, unless another client has created it in the meantime.

    Args:
        name: its name.
        uid: of the release it is made for; by this label uninstall finds and names it.
        ports: the cluster and the reporter.
    """
    body: Body = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {MANAGED_BY: MANAGED_BY_VALUE, RELEASE_UID: uid}},
    }
    payload = Payload(ref=ObjectRef("", "Namespace", "", name), api_version="v1", content=canonical_json(body))
    try:
        ports.cluster.create(payload)
    except AlreadyExistsError:
        return
    ports.report(Notice(f"namespace {name} created"))
