"""Bundles, and what the verbs of authors and registries find and make, as JSON. Layer: wire, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NotRequired, TypedDict

from bundler._version import __version__
from bundler.model.size import sentence
from bundler.planning.step_rules import step_gates, step_policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from bundler.archive.writer import WrittenArchive
    from bundler.loader.lockfile import LockEntry
    from bundler.model.bundle import Bundle, GenerateSpec
    from bundler.model.finding import Finding
    from bundler.model.json import Body, JSONValue
    from bundler.model.menu import MenuItem
    from bundler.model.results import LoginResult, PullResult, PushResult
    from bundler.values.explain import Contribution, ExplainRow
    from bundler.wire.deliveries import DeliveryForm


class CreatedForm(TypedDict):
    """A new bundle."""

    name: str
    files: list[str]


class FindingForm(TypedDict):
    """One thing that is wrong, or not as good as it could be."""

    file: str
    """Empty where no single file is to blame."""
    line: int
    """From 1; 0 where it is not known."""
    column: int
    """From 1; 0 where it is not known."""
    level: Literal["error", "warning"]
    rule: str
    """Stable name: the code of an error, or the name of a check."""
    message: str
    details: list[str]
    hint: str


class OverriddenForm(TypedDict):
    """What an earlier layer said of a value."""

    layer: str
    source: str
    value: JSONValue
    """Null where the layer deletes it."""


class ValueForm(TypedDict):
    """One value, and who set it."""

    path: str
    value: JSONValue
    """Sensitive parts are masked; null where it is deleted."""
    layer: str
    source: str
    """File and line, or the option."""
    formula: str
    """Of a derived value."""
    overridden: list[OverriddenForm]
    """Latest first."""


class ComponentForm(TypedDict):
    """A bundle used inside a bundle."""

    name: str
    bundle: str
    version: str
    accepts: str
    """The range of versions that is asked for."""
    when: str
    needs: list[str]
    namespace: str
    """Where its objects go; empty is the namespace of the bundle around it."""


class GeneratedForm(TypedDict):
    """A secret that is generated once."""

    name: str
    secret: str
    key: str
    kind: str
    when: str
    """A condition; empty where it is always made."""


class OutputForm(TypedDict):
    """What a bundle tells the bundle that uses it."""

    name: str
    value: JSONValue
    """As it is written: texts may hold expressions."""


class DeclaredReachForm(TypedDict):
    """What a bundle declares to write or grant outside its namespace."""

    clusterScoped: list[str]
    namespaces: list[str]
    grants: list[str]


class StepRulesForm(TypedDict):
    """How upgrades of a bundle go in steps, its components included."""

    default: list[str]
    """The shares of new pods; none where only the components below go in steps."""
    components: dict[str, list[str]]
    """Components with shares of their own."""
    pauseAfter: str
    soakSeconds: int
    stepTimeoutSeconds: int
    onFailure: Literal["abort", "pause"]
    required: bool
    """Every upgrade that replaces pods goes in steps."""


class StepGateForm(TypedDict):
    """What has to hold after each step."""

    name: str
    expr: str
    """An expression; empty for a check."""
    job: str
    """The file of a check; empty for an expression."""


class MenuForm(TypedDict):
    """One value that can be chosen."""

    path: str
    type: str
    default: str
    allowed: str
    required: bool
    derived: bool
    description: str


class DescriptionForm(TypedDict):
    """What a bundle is."""

    name: str
    version: str
    appVersion: str
    description: str
    digest: str
    origin: str
    kubeVersion: str
    upgradeFrom: str
    backup: str
    """Path of the template that is carried out before data is lost; empty: there is none."""
    steps: StepRulesForm | None
    """None where neither the bundle nor its components say anything of steps."""
    gates: list[StepGateForm]
    components: list[ComponentForm]
    needs: list[str]
    """Components that must be ready before the bundle's own objects are written."""
    outputs: list[OutputForm]
    generates: list[GeneratedForm]
    reach: DeclaredReachForm
    menu: list[MenuForm]
    delivery: NotRequired[DeliveryForm]


class LockedForm(TypedDict):
    """A component, exactly."""

    name: str
    version: str
    source: str
    sha256: str


class PackagedForm(TypedDict):
    """An archive that was written."""

    path: str
    sha256: str
    """Of the file."""
    bytes: int
    digest: str
    """Of the bundle."""


class LoginForm(TypedDict):
    """A login that is kept."""

    host: str
    user: str
    kept: str
    """Where."""
    checked: bool
    """False: the registry asked for no login."""


class PushedForm(TypedDict):
    """What is published now."""

    address: str
    digest: str
    new: bool
    """False: the same version with the same content was there."""
    sentBytes: int
    signatures: int


class PulledForm(TypedDict):
    """What was fetched."""

    path: str
    address: str
    digest: str
    signatures: int


def created_form(name: str, files: Iterable[Path]) -> CreatedForm:
    """Return which files a new bundle has."""
    return {"name": name, "files": [str(file) for file in files]}


def finding_forms(findings: Iterable[Finding]) -> list[FindingForm]:
    """Return what lint found."""
    return [_finding_form(finding) for finding in findings]


def _finding_form(finding: Finding) -> FindingForm:
    return {
        "file": finding.file,
        "line": finding.line,
        "column": finding.column,
        "level": finding.level.value,
        "rule": finding.rule,
        "message": finding.message,
        "details": list(finding.details),
        "hint": sentence(finding.hint),
    }


def sarif_log(findings: Sequence[Finding]) -> Body:
    """Return what lint found in SARIF.

    Source: docs.oasis-open.org/sarif/sarif/v2.1.0, sections 3.13 to 3.30.
    """
    rules = sorted({finding.rule for finding in findings})
    driver: Body = {"name": "bundler", "version": __version__, "rules": [{"id": rule} for rule in rules]}
    run: Body = {"tool": {"driver": driver}, "results": [_sarif_result(finding) for finding in findings]}
    return {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}


def _sarif_result(finding: Finding) -> Body:
    text = finding.message + (f" ({sentence(finding.hint)})" if finding.hint else "")
    place: dict[str, Body] = {"artifactLocation": {"uri": finding.file or "bundle.yaml"}}
    if finding.line:
        place["region"] = {
            "startLine": finding.line,
            **({"startColumn": finding.column} if finding.column else {}),
        }
    return {
        "ruleId": finding.rule,
        "level": finding.level.value,
        "message": {"text": text},
        "locations": [{"physicalLocation": place}],
    }


def value_forms(rows: Iterable[ExplainRow]) -> list[ValueForm]:
    """Return values with who set them; they are themselves, whole."""
    return [_value_form(row) for row in rows]


def _value_form(row: ExplainRow) -> ValueForm:
    return {
        "path": row.path,
        "value": row.whole,
        "layer": row.layer,
        "source": row.source,
        "formula": row.formula,
        "overridden": [_overridden_form(said) for said in row.overridden],
    }


def _overridden_form(said: Contribution) -> OverriddenForm:
    return {"layer": said.layer, "source": said.source, "value": said.whole}


def description_form(bundle: Bundle, menu: Iterable[MenuItem]) -> DescriptionForm:
    """Return what a bundle is, without what a delivery carries of it."""
    metadata, reach = bundle.metadata, bundle.reach
    return {
        "name": metadata.name,
        "version": metadata.version,
        "appVersion": metadata.app_version,
        "description": metadata.description,
        "digest": bundle.digest,
        "origin": bundle.origin,
        "kubeVersion": bundle.kube_version,
        "upgradeFrom": bundle.upgrade.from_versions,
        "backup": bundle.upgrade.backup,
        "steps": _steps_form(bundle),
        "gates": [{"name": one.name, "expr": one.expr, "job": one.job} for one in step_gates(bundle)],
        "components": _component_forms(bundle),
        "needs": list(bundle.needs),
        "outputs": [{"name": output.name, "value": output.value} for output in bundle.outputs],
        "generates": [_generated_form(secret) for secret in bundle.generate],
        "reach": {
            "clusterScoped": list(reach.cluster_scoped),
            "namespaces": list(reach.namespaces),
            "grants": list(reach.grants),
        },
        "menu": [_menu_form(item) for item in menu],
    }


def _steps_form(bundle: Bundle) -> StepRulesForm | None:
    if all(one.upgrade.steps is None for one in bundle.tree()):
        return None
    policy = step_policy(bundle)
    return {
        "default": list(map(str, policy.default)),
        "components": {path: list(map(str, shares)) for path, shares in policy.components.items()},
        "pauseAfter": policy.pause_after,
        "soakSeconds": policy.soak_s,
        "stepTimeoutSeconds": policy.step_timeout_s,
        "onFailure": policy.on_failure.value,
        "required": policy.is_required,
    }


def _generated_form(secret: GenerateSpec) -> GeneratedForm:
    return {"name": secret.name, "secret": secret.secret, "key": secret.key, "kind": secret.kind, "when": secret.when}


def _component_forms(bundle: Bundle) -> list[ComponentForm]:
    return [
        {
            "name": spec.name,
            "bundle": bundle.component_bundles[spec.name].metadata.name,
            "version": bundle.component_bundles[spec.name].metadata.version,
            "accepts": spec.version,
            "when": spec.when,
            "needs": list(spec.needs),
            "namespace": spec.namespace,
        }
        for spec in bundle.components
        if spec.name in bundle.component_bundles
    ]


def _menu_form(item: MenuItem) -> MenuForm:
    return {
        "path": item.path,
        "type": item.type,
        "default": item.default,
        "allowed": item.choices,
        "required": item.is_required,
        "derived": item.is_derived,
        "description": item.description,
    }


def locked_forms(entries: Iterable[LockEntry]) -> list[LockedForm]:
    """Return what bundle.lock holds."""
    return [
        {"name": entry.name, "version": entry.version, "source": entry.source, "sha256": entry.sha256}
        for entry in entries
    ]


def packaged_form(written: WrittenArchive, bundle: Bundle) -> PackagedForm:
    """Return which archive was written."""
    return {
        "path": str(written.path),
        "sha256": written.sha256,
        "bytes": written.size_bytes,
        "digest": bundle.digest,
    }


def login_form(host: str, user: str, done: LoginResult) -> LoginForm:
    """Return where a login is kept.

    Args:
        host: of the registry.
        user: who logged in.
        done: where the login was stored.
    """
    return {"host": host, "user": user, "kept": done.kept, "checked": done.was_checked}


def pushed_form(result: PushResult, bundle: Bundle) -> PushedForm:
    """Return what is published now."""
    return {
        "address": str(result.address),
        "digest": bundle.digest,
        "new": result.is_new,
        "sentBytes": result.sent_bytes,
        "signatures": result.signatures,
    }


def pulled_form(result: PullResult) -> PulledForm:
    """Return what was fetched."""
    return {
        "path": str(result.path),
        "address": str(result.address),
        "digest": result.digest,
        "signatures": result.signatures,
    }
