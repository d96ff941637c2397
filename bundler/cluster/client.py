"""The verbs of the ClusterClient port over HTTP. Layer: adapter."""

from __future__ import annotations

import json
from copy import copy
from functools import partial
from typing import TYPE_CHECKING

from bundler.cluster import targets
from bundler.cluster.auth import make_credentials
from bundler.cluster.bodies import escaped_for_yaml
from bundler.cluster.discovery import Discovery, DiscoveryFile
from bundler.cluster.errors import is_unknown_path, unknown_kind
from bundler.cluster.identity import ask_identity
from bundler.cluster.own_write import is_our_write
from bundler.cluster.proxy import choose_proxy, parse_server
from bundler.cluster.request import APPLY, JSON, METADATA_LIST, METADATA_ONLY, Request
from bundler.cluster.served import fetch_catalogue
from bundler.cluster.status import read_status
from bundler.cluster.streams import Watch, WatchControl, follow_log, follow_watch
from bundler.cluster.tls import KeptContext
from bundler.cluster.transport import Transport
from bundler.errors.cluster import ExpiredError, UnknownKindError
from bundler.http.dial import Dialer, Pool
from bundler.model.cluster import Answer, Listing
from bundler.model.json import Body, items_at, text_at
from bundler.model.refs import group_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from typing import Self

    from bundler.cluster.kubeconfig import ClusterAccess
    from bundler.cluster.request import Reply
    from bundler.http.client_config import ClientConfig
    from bundler.model.cluster import ClusterIdentity, ListQuery, LogQuery, Payload
    from bundler.model.refs import ObjectRef, ResourceType
    from bundler.ports import Clock, ClusterClient, HeldLock, Propagation

    MakeRequest = Callable[[ResourceType], Request]


class HttpClusterClient:
    """A Kubernetes API server; see bundler.ports.ClusterClient for what each verb does and raises."""

    def __init__(
        self, access: ClusterAccess, transport: Transport, *, clock: Clock, cache_dir: Path | None = None
    ) -> None:
        self._access, self._transport, self._clock = access, transport, clock
        file = DiscoveryFile(cache_dir, server=access.cluster.server, user=access.user.name) if cache_dir else None
        self._discovery = Discovery(partial(fetch_catalogue, transport), file=file, now=clock.now)
        self._identity: ClusterIdentity | None = None

    @classmethod
    def open(cls, access: ClusterAccess, around: ClientConfig, *, cache_dir: Path | None = None) -> HttpClusterClient:
        """Make a client; nothing is sent before the first verb.

        Args:
            access: from ``kubeconfig.load_access``.
            around: environment, time and events.
            cache_dir: where discovery is kept; None keeps it in memory only.

        Raises:
            KubeconfigError, CredentialsError: what the kubeconfig says cannot be used.
        """
        server = parse_server(access.cluster.server)
        credentials = make_credentials(access, around)
        proxy = choose_proxy(server, configured=access.cluster.proxy_url, env=around.env)
        tls = KeptContext(access.cluster, credentials.certificate, budget=around.budget)
        dial = Dialer(
            server,
            proxy=proxy,
            tls=tls,
            server_name=access.cluster.tls_server_name,
            gate=around.gate,
            fence=around.fence,
        )
        transport = Transport(server, pool=Pool(dial), credentials=credentials, around=around, user=access.user)
        return cls(access, transport, clock=around.clock, cache_dir=cache_dir)

    def guarded(self, held: HeldLock) -> Self:
        """Return this client for a run that holds a lock; connections and discovery are shared."""
        other = copy(self)
        other._transport = self._transport.guarded(held)  # noqa: SLF001 - a copy of ourselves
        return other

    def close(self) -> None:
        """Close the kept connections; the client can still be used."""
        self._transport.close()

    def identity(self) -> ClusterIdentity:
        """Return which cluster this is and as whom we speak; asked once."""
        if self._identity is None:
            self._identity = ask_identity(self._access, self._transport)
        return self._identity

    def resource_type(self, group: str, kind: str, version: str = "") -> ResourceType | None:
        """Return how a kind is served; None where it is not."""
        return self._discovery.find(group, kind, version)

    def resource_types(self) -> Sequence[ResourceType]:
        """Return everything that is served."""
        return self._discovery.types()

    def unavailable_apis(self) -> Sequence[str]:
        """Return ``group/version`` of the aggregated APIs that do not answer."""
        return self._discovery.unavailable()

    def forget_discovery(self) -> None:
        """Ask again what is served."""
        self._discovery.forget()

    def get(self, ref: ObjectRef, *, version: str = "", metadata_only: bool = False) -> Body | None:
        """Return one object, None where it (or its kind) is absent."""
        accept = METADATA_ONLY if metadata_only else JSON

        def make(kind: ResourceType) -> Request:
            target = targets.object_path(kind, ref)
            return Request(
                method="GET", target=target, accept=accept, resource=kind, subject=ref, namespace=ref.namespace
            )

        try:
            request, reply = self._send(ref.group, ref.kind, version, make, doing=f"reading {ref.short}")
        except UnknownKindError:
            return None
        if reply.status == 404:
            return None
        return _named(self._transport.body_of(request, reply), request.resource)

    def list(self, query: ListQuery) -> Listing:
        """Return all pages of a list."""
        try:
            return self._list_once(query)
        except ExpiredError:
            # The pages took longer than the server keeps a snapshot (5 minutes, or a compaction in between).
            return self._list_once(query)

    @property
    def is_worth_watching(self) -> bool:
        """True: the server reports changes itself."""
        return True

    @property
    def has_operators(self) -> bool:
        """True: pods run here."""
        return True

    def watch(self, query: ListQuery, *, resource_version: str, timeout_s: float) -> Watch:
        """Yield events after ``resource_version``; a broken watch continues from the last one seen."""
        doing = f"watching {query.kind}"
        kind = self._served(query.group, query.kind, query.version, doing=doing)
        request = Request(
            method="GET", target="", verb="watch", resource=kind, subject=query.kind, namespace=query.namespace
        )
        leash = WatchControl(self._clock, timeout_s)
        events = follow_watch(self._transport, request, query, resource_version=resource_version, leash=leash)
        return Watch(events, leash)

    def apply(self, payload: Payload, *, is_dry_run: bool = False, is_forced: bool = False) -> Answer:
        """Send server-side apply."""
        query = targets.write_query(is_dry_run=is_dry_run, is_forced=is_forced, manager=payload.manager)

        def make(kind: ResourceType) -> Request:
            target = targets.object_path(kind, payload.ref) + query
            return _write(payload, kind, method="PATCH", verb="patch", target=target, is_dry_run=is_dry_run)

        return self._answer(*self._send_payload(payload, make, doing="applying"))

    def create(self, payload: Payload, *, is_dry_run: bool = False) -> Answer:
        """POST an object; one that an earlier, unanswered try of ours created counts as created."""
        query = targets.write_query(is_dry_run=is_dry_run, manager=payload.manager)

        def make(kind: ResourceType) -> Request:
            target = targets.collection_path(kind, payload.ref.namespace) + query
            return _write(payload, kind, method="POST", verb="create", target=target, is_dry_run=is_dry_run)

        return self._settled(payload, make, doing="creating", is_created=True)

    def replace(self, payload: Payload, *, is_dry_run: bool = False) -> Answer:
        """PUT an object; one that an earlier, unanswered try of ours wrote counts as replaced."""
        query = targets.write_query(is_dry_run=is_dry_run, manager=payload.manager)
        below = f"/{payload.subresource}" if payload.subresource else ""

        def make(kind: ResourceType) -> Request:
            target = targets.object_path(kind, payload.ref) + below + query
            return _write(payload, kind, method="PUT", verb="update", target=target, is_dry_run=is_dry_run)

        return self._settled(payload, make, doing="replacing", is_created=False)

    def delete(
        self,
        ref: ObjectRef,
        *,
        uid: str = "",
        resource_version: str = "",
        propagation: Propagation = "Background",
        is_dry_run: bool = False,
    ) -> bool:
        """Delete one object; False where it is gone already."""
        held = {"uid": uid, "resourceVersion": resource_version}
        options: dict[str, object] = {"propagationPolicy": propagation}
        options |= {"preconditions": {key: value for key, value in held.items() if value}} if any(held.values()) else {}
        options |= {"dryRun": ["All"]} if is_dry_run else {}
        body = json.dumps(options).encode()

        def make(kind: ResourceType) -> Request:
            return Request(
                method="DELETE",
                target=targets.object_path(kind, ref),
                verb="delete",
                body=body,
                resource=kind,
                subject=ref,
                namespace=ref.namespace,
                is_dry_run=is_dry_run,
            )

        try:
            request, reply = self._send(ref.group, ref.kind, "", make, doing=f"deleting {ref.short}")
        except UnknownKindError:
            return False
        if reply.status == 404:
            # After a try whose answer was lost, "not found" most likely means that it did its work.
            return reply.is_unclear
        self._transport.body_of(request, reply)
        return True

    def logs(self, pod: ObjectRef, query: LogQuery) -> Iterator[str]:
        """Yield log lines of a pod without their line ends."""
        request = Request(
            method="GET",
            target=targets.log_target(pod, query),
            subject=f"the log of {pod.short}",
            namespace=pod.namespace,
            accept="*/*",
            is_tried_once=query.is_tried_once,
            within_s=query.within_s,
        )
        return follow_log(self._transport, request, is_following=query.is_following)

    def _list_once(self, query: ListQuery) -> Listing:
        items: list[Body] = []
        token, version = "", ""
        while True:
            request, page = self._page(query, token)
            items += [_named(item, request.resource) for item in items_at(page, "items")]
            version = text_at(page, "metadata", "resourceVersion") or version
            token = text_at(page, "metadata", "continue")
            if not token:
                return Listing(items=tuple(items), resource_version=version)

    def _page(self, query: ListQuery, token: str) -> tuple[Request, Body]:
        accept = METADATA_LIST if query.metadata_only else JSON

        def make(kind: ResourceType) -> Request:
            return Request(
                method="GET",
                target=targets.list_target(kind, query, token=token),
                verb="list",
                accept=accept,
                resource=kind,
                subject=kind.plural,
                namespace=query.namespace,
                is_large=True,
            )

        request, reply = self._send(query.group, query.kind, query.version, make, doing=f"listing {query.kind}")
        return request, self._transport.body_of(request, reply)

    def _settled(self, payload: Payload, make: MakeRequest, *, doing: str, is_created: bool) -> Answer:
        """Send a write; a refusal that only says that an earlier try of ours took effect is an answer of success."""
        request, reply = self._send_payload(payload, make, doing=doing)
        if reply.status == 409 and reply.is_unclear:
            live = self.get(payload.ref)
            if live is not None and is_our_write(payload, live):
                return Answer(body=live, is_created=is_created)
        return self._answer(request, reply)

    def _send_payload(self, payload: Payload, make: MakeRequest, *, doing: str) -> tuple[Request, Reply]:
        group, version = group_of(payload.api_version), payload.api_version.rpartition("/")[2]
        return self._send(group, payload.ref.kind, version, make, doing=f"{doing} {payload.ref.short}")

    def _send(self, group: str, kind: str, version: str, make: MakeRequest, *, doing: str) -> tuple[Request, Reply]:
        """Send what ``make`` makes of the served kind; once more where the catalogue turns out to be old."""
        request = make(self._served(group, kind, version, doing=doing))
        reply = self._transport.send(request)
        if reply.status == 404 and not self._discovery.is_fresh and is_unknown_path(read_status(404, reply.body)):
            self._discovery.forget()
            request = make(self._served(group, kind, version, doing=doing))
            reply = self._transport.send(request)
        return request, reply

    def _served(self, group: str, kind: str, version: str, *, doing: str) -> ResourceType:
        served = self._discovery.find(group, kind, version)
        if served is None:
            raise unknown_kind(group, kind, version, doing=doing)
        return served

    def _answer(self, request: Request, reply: Reply) -> Answer:
        body = self._transport.body_of(request, reply)
        return Answer(body=body, is_created=reply.status == 201, warnings=warnings_of(reply.headers.get("warning", "")))


def warnings_of(header: str) -> tuple[str, ...]:
    """Return the texts of ``Warning`` headers, one per line of ``header``: ``299 - "text"``.

    Source: RFC 7234, section 5.5.
    """
    texts = []
    for line in header.splitlines():
        _, quote, rest = line.partition('"')
        text = rest.rpartition('"')[0] if quote else line
        texts.append(text.replace('\\"', '"').replace("\\\\", "\\"))
    return tuple(dict.fromkeys(text for text in texts if text))


def _named(body: Body, kind: ResourceType | None) -> Body:
    """Fill in what list items and metadata-only answers do not say."""
    return body if kind is None else {**body, "apiVersion": kind.api_version, "kind": kind.kind}


def _write(payload: Payload, kind: ResourceType, *, method: str, verb: str, target: str, is_dry_run: bool) -> Request:
    return Request(
        method=method,
        target=target,
        verb=verb,
        body=escaped_for_yaml(payload.content),
        content_type=APPLY if method == "PATCH" else JSON,
        resource=kind,
        subject=payload.ref,
        namespace=payload.ref.namespace,
        is_dry_run=is_dry_run,
        payload=payload,
    )


if TYPE_CHECKING:

    def _fits_the_port(client: HttpClusterClient) -> ClusterClient:
        """Let mypy compare every signature with the port's."""
        return client
