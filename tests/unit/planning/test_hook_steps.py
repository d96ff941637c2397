"""When hooks run among the components of a plan, and what they cannot need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.model.change import Action, Plan
from bundler.model.hooks import POINTS, Operation, hook_of
from bundler.model.steps import Await, Delete, Discard, Until
from bundler.planning.hooks import HookRun
from bundler.planning.late_references import late_references
from bundler.planning.order import effective_needs
from bundler.planning.schedule import change_order
from tests.lib.manifests import deployment, manifest
from tests.unit.planning.test_schedule import DIGESTS, before, change, schedule, step_for, steps_of

if TYPE_CHECKING:
    from bundler.model.change import Change


def hook(
    name: str, point: str, component: str = "", *, kind: str = "Job", pod: dict | None = None, **notes: str
) -> Change:
    """Return the change of an object of a hook; ``notes``: order, delete_after."""
    annotations = {"bundler.dev/hook": point}
    annotations |= {f"bundler.dev/hook-{key.replace('_', '-')}": text for key, text in notes.items()}
    version = "batch/v1" if kind == "Job" else "v1"
    spec = {"spec": {"template": {"spec": pod or {}}}} if kind == "Job" else {}
    one = manifest(kind, name, version, metadata={"annotations": annotations}, component=component, **spec)
    return change(one, component=component, hook=POINTS[point])


def app(name: str, component: str = "") -> Change:
    return change(deployment(name), component=component)


NEEDS = {"web": ("db",)}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        # a bundle's hooks are around everything of it, and of its components
        (hook("a", "before-upgrade"), app("web", "web")),
        (app("web", "web"), hook("a", "after-upgrade")),
        (hook("a", "before-upgrade"), hook("b", "before-upgrade", "web")),
        (hook("a", "after-upgrade", "web"), hook("b", "after-upgrade")),
        (hook("a", "before-upgrade", "web"), app("inner", "web/inner")),
        (app("inner", "web/inner"), hook("a", "after-upgrade", "web")),
        # a component's hooks follow what it needs, and what needs it follows its hooks
        (app("db", "db"), hook("a", "before-upgrade", "web")),
        (hook("a", "after-upgrade", "db"), hook("b", "before-upgrade", "web")),
        (hook("a", "after-upgrade", "db"), app("web", "web")),
        # a component that has nothing but hooks is one all the same
        (hook("a", "before-upgrade", "db"), hook("b", "after-upgrade", "db")),
        # what Jobs need is written before them, and numbers follow each other
        (hook("sql", "before-upgrade", kind="ConfigMap"), hook("a", "before-upgrade")),
        (hook("a", "before-upgrade", order="-1"), hook("b", "before-upgrade")),
        (hook("a", "after-upgrade", order="2"), hook("b", "after-upgrade", order="10")),
    ],
)
def test_one_comes_before_the_other(first: Change, second: Change) -> None:
    for changes in ((first, second), (second, first)):
        steps = steps_of(*changes, needs=NEEDS)
        assert step_for(steps, first).id in before(steps, step_for(steps, second))
        assert step_for(steps, second).id not in before(steps, step_for(steps, first))


def test_jobs_of_a_hook_are_complete_before_anything_that_follows() -> None:
    steps = steps_of(hook("a", "before-upgrade"), app("web"))
    (wait,) = [step for step in steps if isinstance(step, Await) and step.until is Until.COMPLETE]
    assert wait.id in before(steps, step_for(steps, app("web")))
    assert wait.refs == (hook("a", "before-upgrade").ref,)


def test_nothing_is_deleted_before_the_hooks_after_a_change() -> None:
    old = change(deployment("old"), Action.DELETE)
    steps = steps_of(hook("a", "after-upgrade"), app("web"), old)
    (wait,) = [step for step in steps if isinstance(step, Await) and step.until is Until.COMPLETE]
    assert wait.id in before(steps, step_for(steps, old))


def test_an_uninstall_has_hooks_on_both_sides_of_the_deletes_and_leaves_nothing_of_them() -> None:
    old = change(deployment("old"), Action.DELETE)
    first, last = hook("a", "before-uninstall"), hook("b", "after-uninstall")
    steps = steps_of(first, last, old, is_removal=True)
    assert step_for(steps, first).id in before(steps, step_for(steps, old))
    (delete,) = [step for step in steps if isinstance(step, Delete)]
    assert delete.id in before(steps, step_for(steps, last))
    (discard,) = [step for step in steps if isinstance(step, Discard)]
    assert set(discard.refs) == {first.ref, last.ref}
    assert step_for(steps, last).id in before(steps, discard)


def test_what_is_to_go_after_success_goes_at_the_end_of_its_point_and_data_never() -> None:
    changes = [
        hook("a", "before-upgrade", delete_after="success"),
        hook("b", "before-upgrade"),
        hook("c", "before-upgrade", kind="PersistentVolumeClaim", delete_after="success"),
    ]
    steps = steps_of(*changes, app("web"))
    (discard,) = [step for step in steps if isinstance(step, Discard)]
    assert discard.refs == (changes[0].ref,)
    assert discard.id in before(steps, step_for(steps, app("web")))


SECRET = {"containers": [{"name": "a", "env": [{"valueFrom": {"secretKeyRef": {"name": "db", "key": "p"}}}]}]}
OPTIONAL = {"containers": [{"name": "a", "envFrom": [{"secretRef": {"name": "db", "optional": True}}]}]}


@pytest.mark.parametrize(
    ("job", "others", "needs", "found"),
    [
        (hook("a", "before-install", pod=SECRET), [change(manifest("Secret", "db"))], {}, ["created after it"]),
        (hook("a", "before-install", pod=OPTIONAL), [change(manifest("Secret", "db"))], {}, []),
        (hook("a", "after-install", pod=SECRET), [change(manifest("Secret", "db"))], {}, []),
        (hook("a", "before-install", "web", pod=SECRET), [change(manifest("Secret", "db"), component="db")], NEEDS, []),
        (
            hook("a", "before-install", "web", pod=SECRET),
            [change(manifest("Secret", "db"), component="db")],
            {},
            ["created after it"],
        ),
        (hook("a", "before-install", pod=SECRET), [hook("db", "before-install", kind="Secret")], {}, []),
        (
            hook("a", "before-install", pod=SECRET),
            [hook("db", "before-install", kind="Secret", order="1")],
            {},
            ["created after it"],
        ),
        (
            hook("a", "before-install", pod={"serviceAccountName": "db"}),
            [change(manifest("ServiceAccount", "db"))],
            {},
            ["created after it"],
        ),
        (hook("a", "before-upgrade", pod=SECRET), [change(manifest("Secret", "db"), Action.UPDATE)], {}, []),
    ],
)
def test_a_hook_cannot_need_what_is_created_after_it(
    job: Change, others: list[Change], needs: dict[str, tuple[str, ...]], found: list[str]
) -> None:
    changes = [job, *others]
    assert [line.rpartition("which is ")[2] for line in late_references(planned(changes, needs))] == found


def test_a_hook_after_an_uninstall_cannot_need_what_is_gone() -> None:
    job = hook("a", "after-uninstall", pod=SECRET)
    (line,) = late_references(planned([job, change(manifest("Secret", "db"), Action.DELETE)], {}, is_removal=True))
    assert line.endswith("needs Secret/db, which is deleted before it")


def planned(changes: list[Change], needs: dict[str, tuple[str, ...]], *, is_removal: bool = False) -> Plan:
    all_needs = effective_needs(frozenset(one.component for one in changes), needs)
    ordered = change_order(changes, all_needs)
    return Plan(changes=ordered, steps=schedule(ordered, all_needs, DIGESTS, is_removal=is_removal))


@pytest.mark.parametrize(
    ("notes", "sentence"),
    [
        ({"hook": "pre-install"}, "names the point 'pre-install', which does not exist"),
        ({"hook": "before-upgrade,after-upgrade"}, "names a point before and one after the upgrade"),
        ({"hook": "before-upgrade", "hook-order": "first"}, "is not a whole number"),
        ({"hook": "before-upgrade", "hook-timeout": "soon"}, "is not a duration"),
        ({"hook": "before-upgrade", "hook-delete-after": "failure"}, "is 'failure'"),
    ],
)
def test_annotations_that_mean_nothing_are_refused(notes: dict[str, str], sentence: str) -> None:
    body = {"metadata": {"annotations": {f"bundler.dev/{key}": text for key, text in notes.items()}}}
    with pytest.raises(ValueError, match=sentence):
        hook_of(body)


def test_a_mark_is_of_one_run_alone() -> None:
    job = hook("migrate-12345678", "before-upgrade").ref
    runs = [HookRun(operation=operation, start=start) for operation in Operation for start in (1, 2)]
    assert len({run.mark(job) for run in runs}) == len(runs)
