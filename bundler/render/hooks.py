"""Objects of hooks/ and checks/: what may be in them, and how long a hook may take. Layer: render, pure."""

from __future__ import annotations

from typing import Final

from bundler.model.bundle import HOOKS_FOLDER
from bundler.model.hooks import POINTS, WrongHookError, hook_of
from bundler.model.json import Body, mapping_at, text_at
from bundler.model.labels import HOOK
from bundler.model.lean import replace
from bundler.model.manifest import Manifest
from bundler.model.refs import group_of

_RBAC: Final = "rbac.authorization.k8s.io"
_KINDS: Final = frozenset(
    {
        ("batch", "Job"),
        ("", "ConfigMap"),
        ("", "Secret"),
        ("", "ServiceAccount"),
        ("", "PersistentVolumeClaim"),
        (_RBAC, "Role"),
        (_RBAC, "RoleBinding"),
        (_RBAC, "ClusterRole"),
        (_RBAC, "ClusterRoleBinding"),
        ("networking.k8s.io", "NetworkPolicy"),
    }
)
"""Jobs, and what they need."""
_NOTES: Final = "/metadata/annotations"


def wrong_object(body: Body, folder: str) -> tuple[str, str, str] | None:
    """Return (pointer, sentence, hint) of what makes an object unfit for hooks/ or checks/; None where nothing does.

    Args:
        body: with a name and a kind.
        folder: ``hooks/`` or ``checks/``.
    """
    kind = text_at(body, "kind")
    if (group_of(text_at(body, "apiVersion")), kind) not in _KINDS:
        hint = f"put it into templates/: {folder} takes Jobs, and what they read and are allowed to do"
        return ("/kind", f"a {kind} cannot be in {folder}", hint)
    if folder != HOOKS_FOLDER:
        return None
    if HOOK not in mapping_at(body, "metadata", "annotations"):
        hint = f"say when it runs: {HOOK}: one or more of {', '.join(POINTS)}"
        return ("/metadata", f"the annotation {HOOK} is missing", hint)
    try:
        hook_of(body)
    except WrongHookError as error:
        return (_NOTES, error.sentence, error.hint)
    return None


def with_deadline(manifest: Manifest) -> Manifest:
    """Return the Job of a hook that the cluster ends when its time is over, whatever becomes of bundler."""
    hook, spec = hook_of(manifest.body), mapping_at(manifest.body, "spec")
    if hook is None or not hook.timeout_s or manifest.ref.kind != "Job" or "activeDeadlineSeconds" in spec:
        return manifest
    return replace(manifest, body={**manifest.body, "spec": {**spec, "activeDeadlineSeconds": hook.timeout_s}})
