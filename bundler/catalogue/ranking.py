"""Which bundles fit some words, and in what order. Layer: catalogue, pure."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bundler.model.catalogue import FoundBundle

_NAME, _NAME_BEGINS, _IN_NAME, _KEYWORD, _KEYWORD_BEGINS, _WORD, _WORD_BEGINS = range(7)
_MOST_HINTS = 3


def ranked(bundles: Iterable[FoundBundle], words: Sequence[str]) -> tuple[FoundBundle, ...]:
    """Return the bundles that every word fits: by name, then by keywords, then by words of the description.

    Bundles that fit equally well are in the order of their names, those of one name in the order given.

    Args:
        bundles: to choose from.
        words: what is looked for; none: everything fits.
    """
    wanted = [word.casefold() for word in words]
    graded = [(grades, one) for one in bundles if (grades := _grades(one, wanted)) is not None]
    return tuple(one for _, one in sorted(graded, key=lambda pair: (pair[0], pair[1].name)))


def near(bundles: Iterable[FoundBundle], words: Sequence[str]) -> tuple[str, ...]:
    """Return names and keywords that are close to one of the words: it may be misspelt."""
    known = sorted({text for one in bundles for text in (one.name, *map(str.casefold, one.keywords))})
    found = [text for word in words for text in difflib.get_close_matches(word.casefold(), known, n=_MOST_HINTS)]
    return tuple(dict.fromkeys(found))


def _grades(bundle: FoundBundle, words: Sequence[str]) -> tuple[int, list[int]] | None:
    """Return how far the words are from fitting best, the worst of them first; None where one does not fit."""
    grades = [_grade(bundle, word) for word in words]
    fitting = [grade for grade in grades if grade is not None]
    return (max(fitting, default=0), fitting) if len(fitting) == len(grades) else None


def _grade(bundle: FoundBundle, word: str) -> int | None:
    name = bundle.name
    if word in name:
        return _NAME if word == name else _NAME_BEGINS if name.startswith(word) else _IN_NAME
    keywords = [keyword.casefold() for keyword in bundle.keywords]
    described = _words(bundle.description)
    steps = (
        (_KEYWORD, word in keywords),
        (_KEYWORD_BEGINS, any(one.startswith(word) for keyword in keywords for one in _words(keyword))),
        (_WORD, word in described),
        (_WORD_BEGINS, any(one.startswith(word) for one in described)),
    )
    return next((grade for grade, fits in steps if fits), None)


def _words(text: str) -> list[str]:
    return "".join(letter if letter.isalnum() else " " for letter in text.casefold()).split()
