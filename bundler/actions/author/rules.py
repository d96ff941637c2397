"""The rules that lint knows beside the errors of bundler itself. Layer: actions, pure.

The page of rules in the reference is made from these; a test checks that no other rule is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that lint finds."""

    name: str
    level: str
    """``error``, ``warning``, or both, separated by a comma."""
    finds: str
    """What is found, in Markdown."""
    remedy: str
    """What to do about it, in Markdown."""


OBJECT_RULE_TABLE: Final = (
    Rule(
        "unknown-field",
        "error",
        "a field that Kubernetes, or the bundle's own CustomResourceDefinition, does not know",
        "correct the spelling or the indentation; `kubectl explain KIND` lists the fields",
    ),
    Rule(
        "wrong-type",
        "error",
        "a value of the wrong type: missing quotes, or a list in place of a mapping",
        "quote the value (`{{ values.x | quote }}`) or change its form",
    ),
    Rule(
        "unknown-kind",
        "error",
        "a kind that Kubernetes' own API groups do not have",
        "correct `kind` and `apiVersion`",
    ),
    Rule(
        "gone-version",
        "error",
        "an `apiVersion` that is no longer served, such as an Ingress of `extensions/v1beta1`",
        "use the version that the finding names",
    ),
    Rule(
        "refused",
        "error",
        "what the API server would refuse: names, labels, selectors, missing fields",
        "correct the field that the finding names",
    ),
    Rule(
        "service-target",
        "error, warning",
        "a Service whose selector or port matches nothing",
        "use the labels and ports of the pods that it should reach",
    ),
    Rule(
        "service-track",
        "warning",
        "a Service that selects `bundler.dev/track`",
        "leave the label out of the selector, so that pods on trial get their share of requests",
    ),
    Rule(
        "job-reference",
        "warning",
        "an object that refers to a Job by its template name; the Job is renamed with each change of its spec",
        "write `{{ job_name('NAME') }}`",
    ),
    Rule(
        "shared-config",
        "warning",
        "a ConfigMap or Secret that pods of a component that goes in steps (`upgrade.steps`) read under a fixed name: "
        "when its content changes, old pods read it too, and such an upgrade in steps is refused",
        "name it by its content: `{{ digest_name(name, data) }}`, of a Secret with `secret=true` "
        "([names](../templates.md#names-of-configmaps-and-secrets))",
    ),
    Rule(
        "helm-hook",
        "error",
        "an object with the annotation `helm.sh/hook`, which means nothing here: it would be applied with all others",
        "move it to `hooks/` or `checks/`, with the annotations that the finding names ([hooks](../hooks.md))",
    ),
    Rule(
        "hook-order",
        "error",
        "a hook that needs a ConfigMap, Secret, claim or ServiceAccount which a first install creates only after it",
        "put what it needs into `hooks/` too, or run it after the install",
    ),
    Rule(
        "older-yaml",
        "warning",
        "`defaultMode: 0755` and `optional: yes`, which YAML 1.1 reads as 493 and true",
        'write `0o755` or `493`, `true` or `"yes"`',
    ),
)
"""About rendered objects."""
POD_RULE_TABLE: Final = (
    Rule(
        "fetches",
        "warning",
        "a container that downloads something when it starts",
        "put what it downloads into the image; a site without internet cannot fetch it",
    ),
    Rule(
        "image-name",
        "error",
        "an image whose name is outside the grammar of references, which no node can pull",
        "write `HOST/REPOSITORY:TAG`: the repository in small letters, no blanks, a port below 65536",
    ),
    Rule("image-tag", "warning", "an image without a version", "name a tag other than `latest`, or a digest"),
    Rule(
        "no-readiness",
        "warning",
        "a long-running container without a readinessProbe",
        "add a `readinessProbe`, so that an upgrade waits until the pod serves requests",
    ),
    Rule(
        "no-requests",
        "warning",
        "a container that requests neither CPU nor memory",
        "set `resources.requests`",
    ),
    Rule(
        "pod-security",
        "warning",
        "a pod that a namespace with the restricted Pod Security Standard refuses",
        "set the fields of `securityContext` that the finding names",
    ),
    Rule(
        "pull-always",
        "warning",
        "`imagePullPolicy: Always`",
        "leave it out; with `Always` a pod cannot start while the registry is unreachable",
    ),
)
"""About pods; what many of them have in common is one finding."""
BUNDLE_RULE_TABLE: Final = (
    Rule(
        "shell-comment",
        "error",
        "`${#…}` of a shell, which starts a template comment",
        "write it as [Templates](../templates.md#text-that-looks-like-a-template) shows",
    ),
    Rule(
        "bad-silence",
        "error",
        "a comment that should silence a rule but gives no reason, or names no rule",
        "write `lint: ignore RULE - REASON`",
    ),
    Rule("unused-silence", "warning", "a comment that silences nothing", "remove the comment"),
    Rule(
        "unread-value",
        "warning",
        "a value that no template and no expression reads",
        "remove the value, or use it; mark one kept for old values files as `deprecated` in the schema",
    ),
    Rule(
        "gate-check",
        "warning",
        "an entry of `upgrade.gates` whose check prints no Job",
        "put a Job into the file, or name another one in `checks/`",
    ),
    Rule(
        "gate-object",
        "warning",
        'an expression in `upgrade.gates` with `objects["KIND/NAME"]` that fits no object of the bundle, or several',
        "correct the name: `KIND/NAME` as rendered, with `*` for the name of the release",
    ),
    Rule(
        "idle-steps",
        "warning",
        "`upgrade.steps` of components without a Deployment or StatefulSet",
        "leave them out: nothing else goes in steps",
    ),
    Rule(
        "recreate-name",
        "warning",
        "an entry of `upgrade.recreate` that fits no object of the bundle",
        "correct the name: `KIND/NAME` as rendered, with `*` for the name of the release",
    ),
    Rule(
        "moved-value",
        "error",
        "an `x-moved-to` of the schema that carries nothing over: its path is unknown, leads into a list, is of "
        "another type, or `deprecated` is missing",
        "correct the path, or add `deprecated: true`",
    ),
    Rule("schema-keyword", "warning", "a misspelt keyword in the schema", "use the keyword that the finding suggests"),
    Rule(
        "slow-pattern",
        "warning",
        "a pattern of the schema that can match one text in many ways",
        "remove the nested repetition, for example `a+` in place of `(a+)+`",
    ),
    Rule(
        "no-schema",
        "warning",
        "values without `values.schema.json`",
        "add a `values.schema.json`; a bundle made with `bundler create` has one to start from",
    ),
    Rule(
        "no-description",
        "warning",
        "a bundle without a description",
        "set `metadata.description` in bundle.yaml",
    ),
    Rule(
        "nothing-to-install",
        "warning",
        "a bundle without objects and components",
        "add templates or `spec.components`",
    ),
)
"""About the files of a bundle."""
POD_RULES: Final = frozenset(rule.name for rule in POD_RULE_TABLE)
RULES: Final = frozenset(rule.name for rule in (*OBJECT_RULE_TABLE, *POD_RULE_TABLE, *BUNDLE_RULE_TABLE))
