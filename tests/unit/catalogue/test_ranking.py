from __future__ import annotations

import pytest

from bundler.catalogue.ranking import near, ranked
from bundler.model.catalogue import FoundBundle


def found(name: str, description: str = "", *keywords: str, place: str = "shipped") -> FoundBundle:
    return FoundBundle(
        name=name, version="1.0.0", description=description, keywords=keywords, reference=name, place=place
    )


ALL = [
    found("webapp", "A web application with its ingress"),
    found("web", "Pages"),
    found("cobweb", "Spiders"),
    found("nginx", "A replicated server", "Web", "http server"),
    found("redis", "Keeps what the web asks for again", "cache", "key-value"),
    found("postgres", "One PostgreSQL server with a volume"),
]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ((), ["cobweb", "nginx", "postgres", "redis", "web", "webapp"]),
        (("web",), ["web", "webapp", "cobweb", "nginx", "redis"]),
        (("WEB",), ["web", "webapp", "cobweb", "nginx", "redis"]),
        (("server",), ["nginx", "postgres"]),
        (("serv",), ["nginx", "postgres"]),
        (("key",), ["redis"]),
        (("web", "server"), ["nginx"]),
        (("web", "pages"), ["web"]),
        (("appl",), ["webapp"]),
        (("pplication",), []),
        (("nothing",), []),
        (("",), ["cobweb", "nginx", "postgres", "redis", "web", "webapp"]),
    ],
)
def test_names_come_before_keywords_and_keywords_before_descriptions(words: tuple[str, ...], names: list[str]) -> None:
    assert [one.name for one in ranked(ALL, words)] == names


def test_bundles_of_one_name_stay_in_the_order_of_their_places() -> None:
    places = [found("redis", place=place) for place in ("shipped", "oci://b/c", "oci://a/c")]
    assert [one.place for one in ranked(places, ["redis"])] == ["shipped", "oci://b/c", "oci://a/c"]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("postgers",), ("postgres",)),
        (("reddis", "ngnix"), ("redis", "nginx")),
        (("cahce",), ("cache",)),
        (("zzz",), ()),
    ],
)
def test_a_misspelt_word_is_answered_with_what_is_close(words: tuple[str, ...], names: tuple[str, ...]) -> None:
    assert near(ALL, words) == names
