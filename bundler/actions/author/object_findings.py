"""What lint finds in the rendered objects of one setting. Layer: actions, pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from bundler.actions.author.best_practices import check_manifest
from bundler.actions.author.custom_objects import Definitions, definitions_in
from bundler.actions.author.findings import Flaw
from bundler.actions.author.rules import POD_RULES
from bundler.fields.field_path import leading_steps
from bundler.health.service_targets import service_problems
from bundler.model.finding import Finding, Level
from bundler.model.lean import replace
from bundler.model.size import first_of
from bundler.planning.job_references import job_references
from bundler.planning.older_yaml import OldReading, as_written, may_hold_older_yaml, read_older_yaml
from bundler.planning.shared_config import shared_config

if TYPE_CHECKING:
    from bundler.model.json import Body
    from bundler.model.manifest import Manifest
    from bundler.model.refs import ObjectRef
    from bundler.planning.step_rules import StepPolicy
    from bundler.render.types import Rendering

MAX_PLACES = 5
"""So many more places of one warning are named."""


class ObjectChecks:
    """Checks objects, each body once over all settings.

    Lines are searched for where they are shown: one warning about thousands of pods names a few.
    """

    def __init__(self, *, policy: StepPolicy, needs_every_line: bool) -> None:
        """Know nothing yet.

        Args:
            policy: how the upgrades of the bundle go in steps.
            needs_every_line: comments silence single lines.
        """
        self._policy = policy
        self._needs_every_line = needs_every_line
        self._seen: dict[ObjectRef, list[Body]] = {}
        self.known: dict[ObjectRef, Manifest] = {}
        """One manifest of each object, whatever the setting."""
        self._counts: Counter[tuple[str, str]] = Counter()

    def findings(self, rendering: Rendering) -> Iterator[Finding]:
        """Yield what is wrong with the objects that were not seen before, and with their Services."""
        definitions = definitions_in(rendering.manifests)
        is_old = any(may_hold_older_yaml(template.text) for template in rendering.templates)
        read = read_older_yaml if is_old else as_written
        for manifest in rendering.manifests:
            seen = self._seen.setdefault(manifest.ref, [])
            self.known.setdefault(manifest.ref, manifest)
            if manifest.body not in seen:
                seen.append(manifest.body)
                yield from self._of_object(*read(manifest), definitions, rendering)
        yield from self._of_services(rendering)
        yield from self._of_jobs(rendering)
        yield from self._of_shared_config(rendering)

    def _of_object(
        self, manifest: Manifest, readings: Iterable[OldReading], definitions: Definitions, rendering: Rendering
    ) -> Iterator[Finding]:
        for one in readings:
            hint = "write numbers and true or false as YAML 1.2 has them"
            yield self._finding(
                manifest, Flaw(rule="older-yaml", message=str(one), hint=hint, field=one.path), rendering
            )
        for flaw in check_manifest(manifest, definitions):
            yield self._finding(manifest, flaw, rendering)

    def _of_services(self, rendering: Rendering) -> Iterator[Finding]:
        manifests = {manifest.ref: manifest for manifest in rendering.manifests}
        hint = "correct it, or the labels and ports of the pods"
        for one in service_problems(rendering.manifests):
            flaw = Flaw(rule="service-target", message=one.message, hint=hint, is_error=one.is_certain, field=one.field)
            yield self._finding(manifests[one.ref], flaw, rendering)

    def _of_jobs(self, rendering: Rendering) -> Iterator[Finding]:
        manifests = {manifest.ref: manifest for manifest in rendering.manifests}
        for one in job_references(rendering.manifests):
            hint = f"write {{{{ job_name('{one.job}') }}}}, or select the Job by a label of its own"
            message = f"it names the Job {one.job}, whose name in the cluster is now {one.real_name}"
            flaw = Flaw(rule="job-reference", message=message, hint=hint, field=one.field)
            yield self._finding(manifests[one.ref], flaw, rendering)

    def _of_shared_config(self, rendering: Rendering) -> Iterator[Finding]:
        manifests = {manifest.ref: manifest for manifest in rendering.manifests}
        for one in shared_config(rendering.manifests, self._policy, rendering.content_names):
            call = "digest_name(name, data, secret=true)" if one.ref.kind == "Secret" else "digest_name(name, data)"
            hint = f"name it by its content, `{{{{ {call} }}}}`, there and in the pod template"
            readers = ", ".join(ref.short for ref in one.readers)
            message = f"its name stays when its content changes, and old and new pods of {readers} read it in a step"
            flaw = Flaw(rule="shared-config", message=message, hint=hint, field="metadata.name")
            yield self._finding(manifests[one.ref], flaw, rendering)

    def _finding(self, manifest: Manifest, flaw: Flaw, rendering: Rendering) -> Finding:
        self._counts[flaw.rule, flaw.hint] += 1
        is_shown = (
            flaw.rule not in POD_RULES or self._needs_every_line or self._counts[flaw.rule, flaw.hint] <= MAX_PLACES + 1
        )
        steps = leading_steps(flaw.field, manifest.body) if is_shown else ()
        source = (rendering.find_source(manifest.ref, steps) if steps else None) or manifest.source
        level = Level.ERROR if flaw.is_error else Level.WARNING
        message = f"{manifest.ref.short}: {flaw.message}"
        return Finding(source.file, source.line, 0, level, flaw.rule, message, (), flaw.hint)


def merged(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield the findings, with what many pods have in common as one that names other places."""
    groups: dict[object, list[Finding]] = {}
    for number, finding in enumerate(findings):
        key = (finding.rule, finding.hint) if finding.rule in POD_RULES else number
        groups.setdefault(key, []).append(finding)
    for first, *others in groups.values():
        places = [f"also {one.place}: {one.message}" for one in others]
        yield replace(first, details=(*first.details, *first_of(places, MAX_PLACES)))
