"""Which components go back together, and how that is said."""

import pytest

from bundler.model.change import Action, Change
from bundler.model.refs import ObjectRef
from bundler.planning.together import changed_components, component_words, components_of


def change(component: str, name: str, action: Action = Action.UPDATE) -> Change:
    return Change(ref=ObjectRef("apps", "Deployment", "prod", name), action=action, component=component)


def test_what_a_plan_leaves_alone_does_not_go_back() -> None:
    changes = [change("web", "a"), change("web", "b", Action.NONE), change("db", "c", Action.NONE), change("", "d")]
    assert changed_components(changes) == {"web", ""}


def test_the_components_of_what_failed_are_found_by_their_objects() -> None:
    changes = [change("web", "a"), change("db", "c", Action.NONE)]
    assert components_of(changes, {"Deployment/a", "Deployment/c", "Pod/a-1"}) == {"web", "db"}
    assert components_of(changes, set()) == frozenset()


@pytest.mark.parametrize(
    ("components", "words"),
    [
        ((), ""),
        (("",), ""),
        (("web",), "component web"),
        (("web", "cache"), "components cache and web"),
        (("web", "cache", "mail"), "components cache, mail and web"),
        (("web", ""), "component web, and the bundle's own objects"),
    ],
)
def test_components_are_named_in_words(components: tuple[str, ...], words: str) -> None:
    assert component_words(components) == words
