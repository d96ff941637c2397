"""Paths and queries of the Kubernetes API. Layer: adapter, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from bundler.model.cluster import FIELD_MANAGER

if TYPE_CHECKING:
    from bundler.model.cluster import ListQuery, LogQuery
    from bundler.model.refs import ObjectRef, ResourceType

PAGE_SIZE = 500


def collection_path(kind: ResourceType, namespace: str) -> str:
    """Return where objects of a kind are listed and created; ``namespace`` empty: everywhere."""
    root = f"/apis/{kind.group}" if kind.group else "/api"
    where = f"/namespaces/{quote(namespace, safe='')}" if kind.is_namespaced and namespace else ""
    return f"{root}/{kind.version}{where}/{kind.plural}"


def object_path(kind: ResourceType, ref: ObjectRef) -> str:
    """Return where one object is."""
    return f"{collection_path(kind, ref.namespace)}/{quote(ref.name, safe='')}"


def write_query(*, is_dry_run: bool, is_forced: bool | None = None, manager: str = FIELD_MANAGER) -> str:
    """Return the query of a write: a field manager, strict fields; ``is_forced`` only where it means something.

    Args:
        is_dry_run: nothing is stored.
        is_forced: take over fields of others; None where nothing is applied.
        manager: whose the fields become.
    """
    query = f"?fieldManager={quote(manager, safe='')}&fieldValidation=Strict"
    if is_forced is not None:
        query += "&force=true" if is_forced else "&force=false"
    return f"{query}&dryRun=All" if is_dry_run else query


def list_target(kind: ResourceType, query: ListQuery, *, token: str = "") -> str:
    """Return one page of a list; ``token`` continues an earlier one.

    Args:
        kind: how the kind is served.
        query: which objects, and in which form.
        token: continues an earlier list; empty for the first page.
    """
    parameters = {"limit": str(PAGE_SIZE), "continue": token, **_selectors(query)}
    return f"{collection_path(kind, query.namespace)}?{_encoded(parameters)}"


def watch_target(kind: ResourceType, query: ListQuery, *, resource_version: str, timeout_s: int) -> str:
    """Return a watch that the server ends after ``timeout_s``.

    Args:
        kind: how the kind is served.
        query: which objects, and in which form.
        resource_version: to start after.
        timeout_s: seconds to wait at most.
    """
    parameters = {
        "watch": "1",
        "allowWatchBookmarks": "true",
        "resourceVersion": resource_version,
        "timeoutSeconds": str(timeout_s),
        **_selectors(query),
    }
    return f"{collection_path(kind, query.namespace)}?{_encoded(parameters)}"


def log_target(pod: ObjectRef, query: LogQuery) -> str:
    """Return the log of one container."""
    parameters = {
        "container": query.container,
        "tailLines": "" if query.tail_lines is None else str(query.tail_lines),
        "previous": "true" if query.is_previous else "",
        "follow": "true" if query.is_following else "",
        "sinceSeconds": "" if query.since_s is None else str(query.since_s),
    }
    path = f"/api/v1/namespaces/{quote(pod.namespace, safe='')}/pods/{quote(pod.name, safe='')}/log"
    return f"{path}?{_encoded(parameters)}"


def _selectors(query: ListQuery) -> dict[str, str]:
    return {"labelSelector": query.label_selector, "fieldSelector": query.field_selector}


def _encoded(parameters: dict[str, str]) -> str:
    return urlencode({name: value for name, value in parameters.items() if value})
