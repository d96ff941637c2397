"""List and watch objects of the API, and hand every change on."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from tests.lib.raw_api import ApiError, RawApi

RETRY_S = 0.5

Body = Mapping[str, Any]
Handle = Callable[[str, Body], None]


def follow_objects(api: RawApi, path: str, handle: Handle) -> None:
    """List and watch for ever; `handle` gets the type of each event and the object."""
    known: dict[str, Body] = {}
    while True:
        try:
            answer = api.call("GET", path)
            listed = {body["metadata"]["uid"]: body for body in answer["items"]}
            for uid in known.keys() - listed.keys():
                handle("DELETED", known.pop(uid))
            for uid, body in listed.items():
                known[uid] = body
                handle("ADDED", body)
            _follow_from(api, path, answer["metadata"]["resourceVersion"], known, handle)
        except (OSError, ApiError, ValueError):
            traceback.print_exc()
            time.sleep(RETRY_S)


def _follow_from(api: RawApi, path: str, version: str, known: dict[str, Body], handle: Handle) -> None:
    for event in api.watch(path, version):
        body = event["object"]
        if event["type"] == "ERROR":
            return
        uid = body["metadata"]["uid"]
        if event["type"] == "DELETED":
            known.pop(uid, None)
        else:
            known[uid] = body
        handle(event["type"], body)
