"""What lint finds in hooks, and in what was a hook for Helm. Layer: actions, pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from bundler.actions.author.findings import Flaw
from bundler.model.finding import Finding, Level
from bundler.model.hooks import Operation, is_dormant
from bundler.model.json import Body, mapping_at, text_at
from bundler.model.labels import HOOK, HOOK_DELETE_AFTER, HOOK_ORDER
from bundler.planning.hooks import HookRun, active_hooks
from bundler.planning.late_references import HINT, late_references
from bundler.planning.observation import Observation, Wanted
from bundler.planning.planner import build_plan

if TYPE_CHECKING:
    from bundler.actions.compose.compose import Composition

_HELM: Final = "helm.sh/hook"
_OPERATIONS: Final = {"install": "install", "upgrade": "upgrade", "rollback": "rollback", "delete": "uninstall"}
_POINTS: Final = {
    f"{theirs}-{verb}": f"{ours}-{operation}"
    for theirs, ours in (("pre", "before"), ("post", "after"))
    for verb, operation in _OPERATIONS.items()
}
_CHECKS_HINT: Final = "move it to checks/, without these annotations: `bundler test RELEASE` runs it"
_TESTS: Final = {"test", "test-success", "test-failure"}


def helm_hook_flaws(body: Body) -> Iterator[Flaw]:
    """Yield what to write in place of Helm's annotations, which mean nothing here: the object is one like any other."""
    notes = mapping_at(body, "metadata", "annotations")
    if _HELM not in notes:
        return
    names = [name.strip() for name in text_at(notes, _HELM).split(",")]
    message = f"{_HELM}: {', '.join(names)} is Helm's: without it, the object is applied with all others"
    hint = _CHECKS_HINT if _TESTS.intersection(names) else _hook_hint(names, notes)
    if text_at(body, "kind") == "Pod":
        hint = f"{hint}; make it a Job"
    yield Flaw(rule="helm-hook", message=message, hint=hint, is_error=True, field=f'metadata.annotations["{_HELM}"]')


def _hook_hint(names: list[str], notes: Body) -> str:
    points = ", ".join(_POINTS[name] for name in names if name in _POINTS)
    if not points:
        return "put CRDs into crds/" if "crd-install" in names else "remove the annotation"
    lines = [f"{HOOK}: {points}"]
    if weight := text_at(notes, "helm.sh/hook-weight"):
        lines.append(f'{HOOK_ORDER}: "{weight}"')
    if "hook-succeeded" in text_at(notes, "helm.sh/hook-delete-policy"):
        lines.append(f"{HOOK_DELETE_AFTER}: success")
    return f"move it to hooks/, with {' and '.join(f'`{line}`' for line in lines)}"


def hook_findings(made: Composition) -> Iterator[Finding]:
    """Yield the hooks of a first install that need what is created only after them."""
    run, order = HookRun(operation=Operation.INSTALL, start=0), made.order
    hooks = tuple(active_hooks(made.manifests, run))
    if not hooks:
        return
    others = tuple(one for one in made.manifests if not is_dormant(one))
    wanted = Wanted(
        release=order.release,
        namespace=order.namespace,
        uid="",
        manifests=(*others, *hooks),
        generated=made.rendering.generated,
        needs=made.rendering.needs,
        hook_run=run,
    )
    for line in late_references(build_plan(wanted, Observation(live={}), {})):
        message = line.message
        yield Finding(line.file, line.line, 0, Level.ERROR, "hook-order", message, (), HINT)
