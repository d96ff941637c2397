"""One request to the API server, and its answer. Layer: adapter, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.json import decode_json
from bundler.model.lean import dataclass
from bundler.model.refs import ObjectRef

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bundler.model.cluster import Payload
    from bundler.model.json import Body
    from bundler.model.refs import ResourceType

JSON = "application/json"
APPLY = "application/apply-patch+yaml"
_METADATA = "g=meta.k8s.io;v=v1"
METADATA_ONLY = f"{JSON};as=PartialObjectMetadata;{_METADATA}"
METADATA_LIST = f"{JSON};as=PartialObjectMetadataList;{_METADATA}"

_DOING = {
    "get": "reading",
    "list": "listing",
    "watch": "watching",
    "patch": "applying",
    "create": "creating",
    "update": "replacing",
    "delete": "deleting",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is sent, and what to call it in messages."""

    method: str
    target: str
    """Path and query, without the server's prefix."""
    verb: str = "get"
    """The verb as RBAC names it."""
    body: bytes = b""
    content_type: str = JSON
    accept: str = JSON
    resource: ResourceType | None = None
    subject: ObjectRef | str = ""
    namespace: str = ""
    is_dry_run: bool = False
    is_large: bool = False
    """The answer may be large: compression pays where the server is far."""
    payload: Payload | None = None
    within_s: float | None = None
    """How long it may take, further tries included; None: as long as the command has time."""
    is_tried_once: bool = False
    """No failure is tried again, and the whole answer has ``ONE_TRY_S``."""
    is_as_self: bool = False
    """It is sent as whom we logged in, also where we act as someone else."""

    @property
    def doing(self) -> str:
        """``applying Deployment/web in namespace shop``."""
        subject = self.subject.short if isinstance(self.subject, ObjectRef) else self.subject
        where = f" in namespace {self.namespace}" if self.namespace else ""
        if self.is_dry_run:
            return f"checking {subject}{where} (dry-run)"
        return f"{_DOING[self.verb]} {subject}{where}"

    @property
    def is_write(self) -> bool:
        """Whether it may change an object; a review, which no resource stands for, does not."""
        return self.method != "GET" and not self.is_dry_run and self.resource is not None

    @property
    def resource_name(self) -> str:
        """``deployments.apps``, or ``configmaps`` for the core group; the path where there is no resource."""
        if self.resource is None:
            return self.target.partition("?")[0]
        return f"{self.resource.plural}.{self.resource.group}" if self.resource.group else self.resource.plural


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_unclear: bool = False
    """An earlier try of the same request may have taken effect, but its answer was lost."""
    decoded: Body | None = None
    """The body, where it was decoded already."""

    def json(self) -> Body:
        """Decode the body.

        Raises:
            ValueError: when it is not a JSON object.
        """
        if self.decoded is not None:
            return self.decoded
        decoded = decode_json(self.body)
        if isinstance(decoded, dict):
            return decoded
        raise ValueError("not a JSON object")
