"""Why each object of a plan changes: the value that was read for it, someone in the cluster, or another bundle."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from bundler.actions.release import install as installing
from bundler.cli.output.causes import because, by_path
from bundler.errors.change import WaitError
from bundler.loader.site_file import load_site
from bundler.model.conflicts import OnConflict
from bundler.model.lean import replace
from bundler.sandbox.client import SandboxClient
from tests.lib.bundles import make_bundle
from tests.lib.clocks import FakeClock
from tests.lib.menus import small_bundle
from tests.lib.operator import Operator
from tests.lib.sandboxes import closed_when_dropped
from tests.scenario.conftest import IN_MEMORY

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.actions.release.proposal import Proposal
    from tests.scenario.conftest import World


def reasons(proposal: Proposal) -> dict[str, tuple[str, ...]]:
    """Return what is said of each object that changes, Jobs without the digest in their names."""
    plan = proposal.plan
    told = by_path(plan.values)
    return {
        change.ref.short.split("-job-")[0]: because(change.causes, told) for change in plan.changes if change.causes
    }


@IN_MEMORY
def test_each_object_names_the_value_that_its_lines_read(world: World):
    operator, menu = world.operator, world.menu
    operator.install(menu)
    assert reasons(operator.diff(menu, text="ho")) == {
        "ConfigMap/shop-config": ('because text "hello" → "ho" (--set) → .data.text',),
        "Deployment/shop-web": (
            'because text "hello" → "ho" (--set) → .spec.template.spec.containers[name="web"].env[name="TEXT"].value',
        ),
    }
    assert reasons(operator.diff(menu, replicas="2", step="other", extra="true")) == {
        "ConfigMap/shop-extra": ("because extra false → true (--set)",),
        "Deployment/shop-web": ("because replicas 1 → 2 (--set) → .spec.replicas",),
        "Job/shop": ('because step "migrate" → "other" (--set)',),
    }
    token = reasons(operator.diff(menu, token="the-secret-of-the-test"))
    assert token == {"Secret/shop-token": ("because token changed (--set) → .data.token",)}


def test_of_fields_that_are_printed_together_it_is_not_said_which_follows_which_value(sandbox_world: World):
    operator, menu = sandbox_world.operator, sandbox_world.menu
    config = menu / "templates" / "config.yaml"
    lines = config.read_text().splitlines(keepends=True)
    config.write_text("".join(lines[:3]) + 'data: {{ {"text": values.text, "step": values.step} | to_yaml }}\n')
    operator.install(menu)

    def causes(**values: str) -> list[tuple[tuple[str, ...], str, bool]]:
        plan = operator.diff(menu, **values).plan
        found = [one for change in plan.changes if change.ref.short == "ConfigMap/shop-config" for one in change.causes]
        return [(one.values, one.note, one.is_certain) for one in found]

    assert causes(text="ho") == [(("text",), "", True)]
    assert causes(text="ho", step="other") == [(("step", "text"), "values read at templates/config.yaml:4", False)]


def test_what_was_changed_in_the_cluster_names_who_did(world: World):
    operator, menu = world.operator, world.menu
    operator.install(menu)
    world.edit("ConfigMap", "shop-config", {"data": {"text": "theirs"}})
    found = reasons(operator.diff(menu, image="docker.io/library/web:2"))
    assert found["ConfigMap/shop-config"][0].startswith(
        "because .data.text was changed in the cluster by kubectl-edit at "
    )
    assert found["Deployment/shop-web"][0].startswith(
        'because image "docker.io/library/web:1" → "docker.io/library/web:2" (--set) → .spec'
    )


@IN_MEMORY
def test_of_another_bundle_what_no_value_explains_is_its_doing(world: World, tmp_path: Path):
    operator, menu = world.operator, world.menu
    operator.install(menu)
    newer = small_bundle(tmp_path / "newer")
    template = newer / "templates" / "web.yaml"
    template.write_text(template.read_text().replace("port: 80,", "port: 8080,"))
    changed = reasons(operator.diff(newer, text="ho"))
    assert changed["Service/shop-web"] == ("because the bundle changed: small 1.0.0, of another content",)
    assert changed["ConfigMap/shop-config"] == ('because text "hello" → "ho" (--set) → .data.text',)


@pytest.mark.slow
def test_going_back_names_the_values_that_differ_and_what_was_changed_in_the_cluster(sandbox_world: World):
    operator, menu = sandbox_world.operator, sandbox_world.menu
    operator.install(menu, token="the-secret-of-the-test", replicas="1")
    operator.upgrade(menu, text="ho", replicas="2", token="another-secret-of-it", extra="true")
    sandbox_world.edit("Service", "shop-web", {"spec": {"sessionAffinity": "ClientIP"}})
    operator.rollback(revision=1, on_conflict=OnConflict.TAKE)
    told = reasons(operator.shown[-1])
    env = '.spec.template.spec.containers[name="web"].env[name="TEXT"].value'
    text, replicas = 'text "ho" → "hello" (not set in revision 1)', "replicas 2 → 1 (revision 1)"
    begun = f"extra true → false (not set in revision 1); {replicas}; {text}; and 1 more"
    assert {ref: lines for ref, lines in told.items() if ref != "Service/shop-web"} == {
        "ConfigMap/shop-config": (f"because {text} → .data.text",),
        "ConfigMap/shop-extra": (f"values that changed: {begun}",),
        "Deployment/shop-web": (f"because {replicas}; {text}",),
        "Secret/shop-token": ("because token changed (revision 1) → .data.token",),
    }
    change = next(one for one in operator.shown[-1].plan.changes if one.ref.short == "Deployment/shop-web")
    assert [(cause.values, cause.fields[0].field, cause.is_certain) for cause in change.causes] == [
        (("replicas",), ".spec.replicas", False),
        (("text",), env, False),
    ]


@pytest.mark.slow
def test_going_back_from_a_single_value_says_that_everything_follows_from_it(sandbox_world: World):
    operator, menu = sandbox_world.operator, sandbox_world.menu
    operator.install(menu)
    operator.upgrade(menu, extra="true")
    operator.rollback()
    proposal = operator.shown[-1]
    assert reasons(proposal) == {"ConfigMap/shop-extra": ("because extra true → false (not set in revision 1)",)}
    assert [cause.is_certain for change in proposal.plan.changes for cause in change.causes] == [True]


@pytest.mark.slow
def test_going_back_after_a_failed_upgrade_names_what_that_was_given(sandbox_world: World):
    operator, menu = sandbox_world.operator, sandbox_world.menu
    operator.install(menu)
    with pytest.raises(WaitError):
        operator.upgrade(menu, image=sandbox_world.break_web())
    operator.rollback()
    image = 'image "docker.io/library/broken:1" → "docker.io/library/web:1" (not set in revision 1)'
    assert reasons(operator.shown[-1])["Deployment/shop-web"] == (
        f'because {image} → .spec.template.spec.containers[name="web"].image',
    )


@pytest.mark.slow
def test_going_back_to_another_version_of_the_bundle_names_it_where_no_value_explains_the_field(
    sandbox_world: World, tmp_path: Path
):
    operator, menu = sandbox_world.operator, sandbox_world.menu
    operator.install(menu)
    newer = small_bundle(tmp_path / "newer")
    metadata = newer / "bundle.yaml"
    metadata.write_text(metadata.read_text().replace("1.0.0", "1.1.0"))
    template = newer / "templates" / "web.yaml"
    template.write_text(template.read_text().replace("port: 80,", "port: 8080,"))
    operator.upgrade(newer, text="ho")
    operator.rollback()
    told = reasons(operator.shown[-1])
    assert told["ConfigMap/shop-config"] == ('because text "ho" → "hello" (not set in revision 1) → .data.text',)
    assert told["Service/shop-web"] == ("because revision 1 had it so (small 1.0.0)",)


def test_a_patch_of_the_site_is_named_where_it_sets_the_field(sandbox_world: World, tmp_path: Path):
    operator, menu = sandbox_world.operator, sandbox_world.menu
    operator.install(menu)
    site = tmp_path / "acme.yaml"
    site.write_text(_SITE.format(namespace=operator.namespace), "utf-8")
    request = operator.request(menu, "shop", {"text": "ho"})
    placed = replace(request, order=replace(request.order, place=load_site(site)))
    told = reasons(installing.diff(placed, operator.ports()))
    assert told["ConfigMap/shop-config"] == (
        'because text "hello" → "ho" (--set) → .data.text',
        f"because .data.more is patched by {site}:7",
    )


@pytest.mark.slow
def test_of_very_many_objects_those_after_the_first_say_what_their_template_reads(tmp_path: Path):
    many = make_bundle(tmp_path, {"values.yaml": "a: x\nb: x\n", "templates/all.yaml": _MANY})
    operator = Operator(closed_when_dropped(SandboxClient.open(None, clock := FakeClock())), "prod", clock=clock)
    operator.install(many)
    two = Counter(reasons(operator.diff(many, a="y", b="y")).values())
    a, b = 'a "x" → "y" (--set)', 'b "x" → "y" (--set)'
    assert two == {
        (f"because {a} → .data.a; {b} → .data.b",): 30,
        (f"values read by templates/all.yaml: {a}; {b}",): 10,
    }
    assert Counter(reasons(operator.diff(many, a="y")).values()) == {
        (f"because {a} → .data.a",): 30,
        (f"because {a}",): 10,
    }


_MANY = """\
{% for n in range(40) %}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: "many-{{ n }}"}
data:
  a: {{ values.a }}
  b: {{ values.b }}
{% endfor %}
"""
_SITE = """\
apiVersion: bundler.dev/v1
kind: Site
metadata: {{name: acme}}
spec:
  namespace: {namespace}
  patches:
    - target: {{kind: ConfigMap, name: shop-config}}
      patch: {{data: {{more: "of acme"}}}}
"""


def test_a_hook_runs_because_the_change_is_made(sandbox_world: World, tmp_path: Path):
    operator = sandbox_world.operator
    files = {"values.yaml": "a: x\n", "templates/c.yaml": _CONFIG, "hooks/h.yaml": _HOOK}
    hooked = make_bundle(tmp_path / "hooked", files)
    operator.install(hooked)
    assert reasons(operator.diff(hooked, a="y")) == {"ConfigMap/c": ('because a "x" → "y" (--set) → .data.a',)}


_CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data: {a: {{ values.a }}}
"""
_HOOK = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: hook, annotations: {bundler.dev/hook: before-upgrade}}
data: {a: {{ values.a }}}
"""
