"""Images that are written as the keys of a mapping: how operators take them apart. Layer: images, pure.

``{registry, repository, tag, digest}`` with any of them left out but one: the repository is also called ``image`` or
``name``. An operator puts them together as ``registry/repository:tag`` or ``…@digest``. So a digest goes into
``digest`` where the mapping has that key, and behind the tag otherwise: ``1.27@sha256:…`` is a tag that every runtime
takes, and pins.
"""

from __future__ import annotations

from typing import NamedTuple

from bundler.model.json import Body

REPOSITORY_KEYS = ("repository", "image", "name")
_UNPINNABLE = "it has neither a tag nor a digest, so that there is no place for a digest; give it a tag"


class Spelling(NamedTuple):
    """Which keys of a mapping spell an image; none of them: it is one text."""

    repository: str = ""
    has_registry: bool = False
    has_tag: bool = False
    has_digest: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys, in the order of a reference."""
        flags = {"registry": self.has_registry, self.repository: True, "tag": self.has_tag, "digest": self.has_digest}
        return tuple(key for key, is_there in flags.items() if is_there) if self.repository else ()

    def pinned(self, host: str, name: str, tag: str, digest: str) -> dict[str, str]:
        """Return the texts of the keys that name one digest in one repository.

        Args:
            host: of the registry.
            name: of the repository.
            tag: empty without one.
            digest: of the content.
        """
        parts = {"registry": host} if self.has_registry else {}
        parts[self.repository] = name if self.has_registry else f"{host}/{name}"
        if self.has_tag:
            parts["tag"] = tag
        if self.has_digest:
            parts["digest"] = digest
        else:
            # an empty tag has nothing to carry it
            parts["tag" if self.has_tag and tag else self.repository] += f"@{digest}"
        return parts


PLAIN = Spelling()


class Read(NamedTuple):
    """What a mapping says."""

    text: str = ""
    """The reference; empty where it names no image, as ``{repository: ""}`` does."""
    spelling: Spelling = PLAIN
    problem: str = ""


def read_mapping(value: Body) -> Read:
    """Read an image that is spelled by keys; other keys (``pullPolicy``) do not matter."""
    if not value:
        return Read()
    repository = next((key for key in REPOSITORY_KEYS if key in value), "")
    used = ("registry", repository, "tag", "digest")
    parts = {key: value[key] for key in used if key in value}
    if not repository:
        wanted = "an image has a repository (or image, or name) and a tag or digest"
        return Read(problem=f"it is a mapping of {', '.join(value)}; {wanted}")
    for key, part in parts.items():
        if part is not None and not isinstance(part, str):
            return Read(problem=f"its {key} is not a string; quote it")
    texts = {key: part for key, part in parts.items() if isinstance(part, str)}
    if not texts.get(repository):
        return Read()
    spelling = Spelling(repository, "registry" in value, "tag" in value, "digest" in value)
    text = _joined(texts, repository)
    if not spelling.has_tag and not spelling.has_digest and not _is_whole(texts[repository]):
        return Read(text, spelling, _UNPINNABLE)
    return Read(text, spelling)


def _joined(texts: dict[str, str], repository: str) -> str:
    registry, tag, digest = (texts.get(key, "") for key in ("registry", "tag", "digest"))
    name = f"{registry.rstrip('/')}/{texts[repository]}" if registry else texts[repository]
    return f"{name}{f':{tag}' if tag else ''}{f'@{digest}' if digest else ''}"


def _is_whole(text: str) -> bool:
    """Return whether a repository key holds a tag or digest of its own: ``{image: nginx:1.27}``."""
    return "@" in text or ":" in text.rpartition("/")[2]
