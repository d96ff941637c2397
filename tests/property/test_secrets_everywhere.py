"""A secret, given or generated, stands in its own Secrets alone: not in records, leases, events, plans or errors.

And what stands in its place where it is shown or recorded is never sent: not by a rollback from a record, not by a saved plan.

The bundle leaks on purpose: its author put a sensitive value where it does not belong, and the server quotes it. Names
of objects are left out: they are shown wherever anything is shown.
"""

from __future__ import annotations

import base64
import contextlib
import html
import json
import string
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, assume, given, settings, strategies as st

from bundler import PlanInputs, ReleaseRequest, Values
from bundler.actions.inspect.drift import DriftRequest, find_drift
from bundler.actions.inspect.explain import explain, find_subject
from bundler.actions.inspect.status import release_state
from bundler.actions.inspect.support import gather_support
from bundler.actions.release.saved_plan import saved_from
from bundler.cli.output.drift import drift_lines
from bundler.cli.output.explanation import explanation_lines
from bundler.cli.output.markdown import markdown
from bundler.cli.output.page import page
from bundler.cli.output.plan import PlanView, plan_lines
from bundler.cli.output.saved_plan import report_of, saved_lines
from bundler.cli.terminal.text import Line
from bundler.errors import BundlerError
from bundler.errors.change import RecordDamagedError, ReleaseNotFoundError
from bundler.errors.cluster import RejectedError
from bundler.model.cluster import ListQuery, Payload
from bundler.model.redaction import MASK
from bundler.model.refs import ObjectRef
from bundler.model.release import Authorship
from bundler.model.saved_plan import PlannedVerb, SavedRequest
from bundler.model.support import SupportRequest
from bundler.sandbox.client import SandboxClient
from bundler.wire.changes import difference_form
from bundler.wire.drift import drift_forms
from bundler.wire.explanation import explanation_form
from bundler.wire.plan_file import MAGIC, decode_plan, encode_plan
from bundler.wire.releases import revision_form, state_form
from tests.lib.clocks import FakeClock
from tests.lib.faulty import FaultyCluster
from tests.lib.golden import error_text
from tests.lib.laws import examples
from tests.lib.menus import small_bundle
from tests.lib.operator import Operator
from tests.lib.sandboxes import closed_when_dropped
from tests.lib.sessions import session_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bundler.actions.release.proposal import Proposal
    from bundler.model.cluster import Answer, LogQuery

ALPHABET = string.ascii_letters + string.digits + "!$%&/()=?+*~#-_.:;<>|@\"' "
SECRETS = st.tuples(st.sampled_from(string.ascii_letters), st.text(ALPHABET, min_size=22, max_size=22)).map(
    lambda parts: f"{parts[0]}{parts[1]}z"
)
LEAKS = {
    "annotation": 'metadata: {name: leak, annotations: {hint: {{ values.token | to_json }}}}\ndata: {k: "v"}',
    "data": "metadata: {name: leak}\ndata: {k: {{ values.token | to_json }}}",
    "inside a text": "metadata: {name: leak}\ndata: {url: {{ ('https://user:' ~ values.token ~ '@host/') | to_json }}}",
    "an invalid label": "metadata: {name: leak, labels: {token: {{ values.token | to_json }}}}",
    "an unknown field": "metadata: {name: leak}\n{{ values.token | to_json }}: 1",
    "a key": "metadata: {name: leak}\ndata: {{ {values.token: 'x'} | to_json }}",
    "base64 of a longer text": "metadata: {name: leak}\ndata: {auth: {{ ('user:' ~ values.token) | b64encode }}}",
    "nowhere": "metadata: {name: leak}",
}
WEB, HERE = ObjectRef("apps", "Deployment", "prod", "shop-web"), "prod"


def spellings(secret: str) -> set[str]:
    escaped = json.dumps(secret)[1:-1]
    inside = base64.b64encode(f"user:{secret}".encode()).decode()
    return {secret, escaped, base64.b64encode(secret.encode()).decode(), inside[8:20]}


def unpacked(data: bytes) -> Iterator[str]:
    """Yield all texts that a Secret's value can be read as."""
    yield data.decode("latin1")
    with contextlib.suppress(zlib.error):
        yield zlib.decompress(data).decode("latin1")
    for start in range(min(len(data), 4096)):
        if data[start : start + 1] == b"x":
            with contextlib.suppress(zlib.error):
                yield zlib.decompressobj().decompress(data[start:]).decode("latin1")


def recorded_texts(client: SandboxClient) -> Iterator[tuple[str, str]]:
    """Yield every text in the cluster that is not the place of a secret: heads, packs and leases."""
    for body in client.list(ListQuery(group="", kind="Secret", namespace=HERE)).items:
        metadata: Any = body["metadata"]
        yield metadata["name"], json.dumps({**metadata, "managedFields": []})
        if metadata["labels"].get("bundler.dev/record") in {"head", "pack"}:
            for value in body["data"].values():  # type: ignore[union-attr]
                yield from ((metadata["name"], text) for text in unpacked(base64.b64decode(str(value))))
    for body in client.list(ListQuery(group="coordination.k8s.io", kind="Lease", namespace=HERE)).items:
        yield "lease", json.dumps(body)


def said_by(operator: Operator) -> Iterator[tuple[str, str]]:
    """Yield what a terminal would show: events and plans, redacted where text is printed."""
    for event in operator.events:
        yield "event", operator.redactor.redact(str(event))
    for proposal in operator.shown:
        yield from saved_texts(proposal, operator)
    view = PlanView(namespace=HERE, has_bodies=True, shows_secrets=False)
    for proposal in operator.shown:
        yield "difference", operator.redactor.redact(json.dumps(difference_form(proposal.plan), ensure_ascii=False))
        for line in plan_lines(proposal.plan, view):
            yield "plan", operator.redactor.redact(line.text)


def explained(operator: Operator, menu: Path) -> Iterator[tuple[str, str]]:
    """Yield what `explain` says of each object, in both forms."""
    ports = operator.ports()
    order = operator.request(menu, "shop", {}).order
    for name in ("ConfigMap/leak", "ConfigMap/shop-config", "Secret/shop-token", "Secret/shop-password"):
        with contextlib.suppress(BundlerError):
            found = explain(find_subject(ports, HERE, "shop", name), "", order, ports)
            for line in (*explanation_lines(found), Line(json.dumps(explanation_form(found), ensure_ascii=False))):
                yield "explanation", operator.redactor.redact(line.text)


def saved_texts(proposal: Proposal, operator: Operator) -> Iterator[tuple[str, str]]:
    """Yield a plan as it is kept in a file, and as those who review it read it."""
    asked = SavedRequest(verb=PlannedVerb.INSTALL, release="shop", namespace=HERE)
    saved = saved_from(proposal, asked, operator.ports(), Authorship(user="ada"), expires_s=0)
    yield "plan file", zlib.decompress(encode_plan(saved)[len(MAGIC) :]).decode()
    yield "plan page", html.unescape(page(report_of(saved)))
    yield "plan in Markdown", markdown(report_of(saved))
    yield from (("plan text", line.text) for line in saved_lines(saved))


class Talkative(FaultyCluster):
    """A cluster whose containers print what they know, and that looks at what it is sent."""

    known: set[str] = set()

    def logs(self, pod: ObjectRef, query: LogQuery) -> Iterator[str]:
        yield from super().logs(pod, query)
        yield from (f"connecting with {one}" for one in sorted(self.known))

    def apply(self, payload: Payload, **options: Any) -> Answer:
        return super().apply(without_mask(payload), **options)

    def create(self, payload: Payload, **options: Any) -> Answer:
        return super().create(without_mask(payload), **options)

    def replace(self, payload: Payload, **options: Any) -> Answer:
        return super().replace(without_mask(payload), **options)


def without_mask(payload: Payload) -> Payload:
    """Return what is sent, which holds no mask anywhere; records alone say where something is masked."""
    if not payload.ref.name.startswith("bundler."):
        found = [text for text in every_text(json.loads(payload.content)) if MASK in text]
        assert not found, f"the mask is sent for {payload.ref}: {found}"
    return payload


def every_text(value: object) -> Iterator[str]:
    """Yield every text in a body, and what it is where it is base64."""
    match value:
        case dict():
            for key, item in value.items():
                yield from (key, *every_text(item))
        case list():
            for item in value:
                yield from every_text(item)
        case str():
            yield value
            with contextlib.suppress(ValueError):
                yield base64.b64decode(value, validate=True).decode("latin1")


def read_texts(one: Operator) -> Iterator[tuple[str, str]]:
    """Yield what verbs that read print of the release: its revisions, its state, and its drift once something is deployed."""
    ports = one.ports()
    for summary in one.history():
        yield "revision", json.dumps(revision_form(ports.store.load(summary)), ensure_ascii=False)
    with contextlib.suppress(ReleaseNotFoundError, RecordDamagedError):
        yield "status", json.dumps(state_form(release_state(ports, HERE, "shop")), ensure_ascii=False)
        found = find_drift(DriftRequest(release="shop", namespace=HERE), ports)
        for text in (*drift_lines(found), json.dumps(drift_forms([found]), ensure_ascii=False)):
            yield "drift", one.redactor.redact(text)


def supported_texts(cluster: FaultyCluster, clock: FakeClock) -> Iterator[tuple[str, str]]:
    """Yield every file of a support bundle; nothing where there is no release."""
    request = SupportRequest(release="shop", namespace=HERE)
    with contextlib.suppress(ReleaseNotFoundError):
        files, _ = gather_support(request, Operator(cluster, HERE, clock=clock, timeout_s=600).ports(), {})
        yield from ((file.path, file.content.decode()) for file in files)


def quoting(secret: str) -> RejectedError:
    """What an admission webhook may answer."""
    return RejectedError("applying", context=[f'denied: "{secret}" is too weak, {secret!r}'], hint=f"not {secret}")


def find_leaks(texts: Iterator[tuple[str, str]], secrets: set[str]) -> list[str]:
    wanted = {one for secret in secrets for one in spellings(secret)}
    return [where for where, text in texts if any(one in text for one in wanted)]


def generated_in(client: SandboxClient) -> set[str]:
    found = client.get(ObjectRef("", "Secret", HERE, "shop-password"))
    return {base64.b64decode(found["data"]["password"]).decode()} if found else set()  # type: ignore[call-overload, index, arg-type]


def apply_saved(one: Operator, menu: Path, secret: str) -> None:
    """Save a plan, and carry out what its file says; the token is given again."""
    session = session_on(one.cluster, one.clock, HERE, one.redactor)
    values = Values(data={"step": "again", "token": secret})
    plan = session.save_plan(ReleaseRequest(bundle=str(menu), release="shop", values=values))
    kept = decode_plan(encode_plan(plan), name="a.plan")
    session.apply_plan(kept, inputs=PlanInputs(values=Values(data={"token": secret})))


def forget_secrets(client: SandboxClient) -> None:
    """Lose what the records keep of sensitive values, as a restore without them does."""
    query = ListQuery(group="", kind="Secret", namespace=HERE, label_selector="bundler.dev/record=sensitive")
    for body in client.list(query).items:
        client.delete(ObjectRef("", "Secret", HERE, body["metadata"]["name"]))  # type: ignore[call-overload, index, arg-type]


def steps(menu: Path, secret: str, client: SandboxClient) -> list[Callable[[Operator], object]]:
    return [
        lambda one: one.install(menu, token=secret),
        lambda one: one.diff(menu, text="x", token=secret[::-1]),
        lambda one: one.install(menu, text=secret, token=secret),
        lambda one: (
            client.get(WEB)
            and client.edit(WEB, {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "hotfix"}]}}}})
        ),
        lambda one: one.upgrade(menu, image=f"docker.io/library/web:{len(secret)}", token=secret),
        lambda one: one.upgrade(menu, token=secret, replicas="many"),
        lambda one: apply_saved(one, menu, secret),
        lambda one: one.rollback(),
        lambda one: forget_secrets(client) or one.rollback(),
        lambda one: one.uninstall(),
    ]


@pytest.mark.slow
@settings(max_examples=examples(30), deadline=None, phases=[Phase.explicit, Phase.generate])
@given(secret=SECRETS, leak=st.sampled_from(sorted(LEAKS)), refused=st.integers(0, 14))
def test_a_secret_is_nowhere_but_where_it_belongs(secret: str, leak: str, refused: int) -> None:
    assume(MASK not in secret)
    with TemporaryDirectory() as folder:
        template = f"apiVersion: v1\nkind: ConfigMap\n{LEAKS[leak]}\n"
        menu = small_bundle(Path(folder), **{"templates/leak.yaml": template})
        clock = FakeClock()
        client = closed_when_dropped(SandboxClient.open(None, clock))
        cluster = Talkative(client)
        cluster.fail_at(refused, before=quoting(secret))
        known = {secret, secret[::-1]}
        for number, step in enumerate(steps(menu, secret, client)):
            operator = Operator(cluster, HERE, clock=clock, timeout_s=600)
            try:
                step(operator)
            except BundlerError as error:
                known |= generated_in(client)
                told = operator.redactor.redact(error_text(error))
                assert not find_leaks(iter([("error", told)]), known), (number, told)
            known |= generated_in(client)
            assert not find_leaks(said_by(operator), known), number
            assert not find_leaks(explained(Operator(client, HERE, clock=clock), menu), known), number
            assert not find_leaks(recorded_texts(client), known), number
            assert not find_leaks(read_texts(Operator(client, HERE, clock=clock)), known), number
            cluster.known = generated_in(client) | ({secret} if operator.history() else set())
            if number % 3 == 0:
                assert not find_leaks(supported_texts(cluster, clock), known), number


def test_the_check_finds_a_mask_that_is_sent() -> None:
    ref = ObjectRef("", "Secret", HERE, "a")
    for content in (b'{"data": {"k": "Kioq"}}', b'{"stringData": {"k": "a ***"}}'):
        with pytest.raises(AssertionError, match="the mask is sent"):
            without_mask(Payload(ref=ref, api_version="v1", content=content))


def test_the_check_finds_a_leak() -> None:
    secret = "a secret of 24 characters"
    packed = zlib.compress(json.dumps({"a": secret}).encode())
    assert find_leaks((("pack", text) for text in unpacked(b"head" + packed)), {secret}) == ["pack"]
    assert find_leaks(iter([("event", base64.b64encode(secret.encode()).decode())]), {secret}) == ["event"]
    assert find_leaks(iter([("event", "nothing")]), {secret}) == []
