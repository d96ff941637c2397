"""Where a field of a live object comes from: owner, template line, values, and the revision that set it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.actions.inspect.explain import explain, find_subject
from bundler.cli.output.explanation import explanation_lines
from bundler.errors import UsageError
from bundler.errors.change import ReleaseNotFoundError
from bundler.wire.explanation import explanation_form

if TYPE_CHECKING:
    from bundler.model.explanation import Explanation
    from tests.scenario.conftest import World


def explained(world: World, name: str, field: str = "", *, has_bundle: bool = True) -> Explanation:
    operator = world.operator
    subject = find_subject(operator.ports(), operator.namespace, "shop", name)
    order = operator.request(world.menu, "shop", {}).order if has_bundle else None
    return explain(subject, field, order, operator.ports(), missing="" if has_bundle else "it is gone")


def test_of_a_large_object_it_is_said_how_many_fields_are_left_out_and_how_to_see_them(sandbox_world: World):
    config = sandbox_world.menu / "templates" / "config.yaml"
    many = "".join(f"  text-{number}: {{{{ values.text | quote }}}}\n" for number in range(230))
    config.write_text(config.read_text().replace("  text: {{ values.text | quote }}\n", many))
    sandbox_world.operator.install(sandbox_world.menu)
    found = explained(sandbox_world, "ConfigMap/shop-config")
    assert (len(found.fields), len(found.left_out)) == (200, 30)
    assert explanation_form(found)["leftOut"][-1] == ".data.text-99"
    last = [line.text for line in explanation_lines(found)][-1]
    assert last == "and 30 more fields below .data: name a field to see everything below it"
    below = explained(sandbox_world, "ConfigMap/shop-config", ".data")
    assert (len(below.fields), below.left_out) == (230, ())


def lines(world: World, name: str, field: str = "") -> list[str]:
    """Return what is printed, without the times."""
    found = explanation_lines(explained(world, name, field))
    return [line.text.partition(", since ")[0].partition(", 20")[0].strip() for line in found]


def test_a_field_names_its_value_owner_line_the_values_behind_it_and_the_revision_that_set_it(world: World):
    world.operator.install(world.menu, replicas="1")
    world.operator.upgrade(world.menu, text="ho")
    world.operator.upgrade(world.menu, replicas="2")
    assert lines(world, "ConfigMap/shop-config", "data.text")[1:] == [
        '.data.text: "ho"',
        "owner     bundler",
        "printed   at templates/config.yaml:5",
        'value     text "ho" (recorded with revision 3)',
        "so since revision 2",
        'changed   text "hello" → "ho" (recorded with revision 3)',
    ]
    world.scale_web(5, manager="kubectl")
    assert lines(world, "deployment/shop-web", ".spec.replicas")[1:4] == [
        ".spec.replicas: 5 (recorded: 2)",
        "owner     kubectl",
        "printed   at templates/web.yaml:12",
    ]
    assert "recorded so since revision 3" in lines(world, "deployment/shop-web", ".spec.replicas")
    default = (
        explained(world, "Deployment/shop-web", ".spec.template.spec.restartPolicy") if not world.is_sandbox else None
    )
    assert default is None or [(one.setter.value, one.owners) for one in default.fields] == [("server", ())]


def test_of_fields_that_are_printed_together_each_value_is_only_a_maybe(sandbox_world: World):
    world = sandbox_world
    config = world.menu / "templates" / "config.yaml"
    text = config.read_text().splitlines(keepends=True)
    config.write_text("".join(text[:3]) + 'data: {{ {"text": values.text, "step": values.step} | to_yaml }}\n')
    world.operator.install(world.menu)
    assert lines(world, "ConfigMap/shop-config", ".data.text")[1:6] == [
        '.data.text: "hello"',
        "owner     bundler",
        "printed   at templates/config.yaml:4",
        'maybe     step "migrate" (default, values.yaml:5)',
        'maybe     text "hello" (default, values.yaml:1)',
    ]


def test_of_a_whole_object_the_fields_that_follow_values_and_those_of_others_are_told(sandbox_world: World):
    world = sandbox_world
    world.operator.install(world.menu, token="the-secret-of-the-test")
    world.edit("ConfigMap", "shop-config", {"data": {"more": "theirs"}})
    found = {one.field: (one.setter.value, one.values) for one in explained(world, "ConfigMap/shop-config").fields}
    assert found == {".data.more": ("manager", ()), ".data.text": ("template", ("text",))}
    (secret,) = explained(world, "Secret/shop-token", ".data.token").fields
    assert (secret.value, secret.values) == ("***", ("token",))
    assert "the-secret-of-the-test" not in str(explained(world, "Secret/shop-token"))
    (made,) = explained(world, "Secret/shop-password", ".data.password").fields
    assert (made.value, made.setter.value) == ("***", "generated")
    world.cluster.delete(explained(world, "Service/shop-web").ref)
    gone = explained(world, "Service/shop-web", ".spec.ports[0].port")
    assert (gone.is_live, gone.fields[0].value, gone.fields[0].owners) == (False, "80", ())


def test_what_others_wrote_into_a_secret_is_masked_wherever_the_object_tells_of_it(sandbox_world: World):
    world = sandbox_world
    world.operator.install(world.menu, token="the-secret-of-the-test")
    theirs = "b25lLW1vcmUtc2VjcmV0"
    copy = f'{{"apiVersion":"v1","data":{{"token":"{theirs}"}}}}'
    notes = {"kubectl.kubernetes.io/last-applied-configuration": copy, "example.com/url": "u:one-more-secret@db"}
    world.edit("Secret", "shop-token", {"metadata": {"annotations": notes}, "data": {"token": theirs}})
    for field in ("", ".metadata.annotations", ".data"):
        said = str(explained(world, "Secret/shop-token", field))
        assert theirs[:12] not in said
        assert "one-more" not in said


def test_what_there_is_not_is_said_and_what_is_unknown_without_the_bundle(sandbox_world: World):
    world = sandbox_world
    world.operator.install(world.menu)
    with pytest.raises(UsageError) as unknown:
        explained(world, "ConfigMap/shop-confug")
    assert unknown.value.hint == "ask about ConfigMap/shop-config"
    with pytest.raises(UsageError) as none:
        explained(world, "ConfigMap/shop-config", ".data.texd")
    assert none.value.hint == "ask about .data.text"
    config = world.menu / "templates" / "config.yaml"
    text = config.read_text()
    config.write_text(text.replace("quote }}", "upper | quote }}"))
    assert explained(world, "ConfigMap/shop-config", ".data.text").missing.startswith(
        "the bundle prints another object"
    )
    config.write_text(text.replace("values.text", "values.gone"))
    assert "values.gone" in explained(world, "ConfigMap/shop-config", ".data.text").missing
    found = explained(world, "ConfigMap/shop-config", ".data.text", has_bundle=False)
    assert [(one.value, one.setter.value, one.source, one.values) for one in found.fields] == [
        ('"hello"', "template", "", ())
    ]
    assert found.missing == "it is gone"
    world.operator.uninstall(keeps_history=True)
    with pytest.raises(ReleaseNotFoundError):
        explained(world, "ConfigMap/shop-config", has_bundle=False)
