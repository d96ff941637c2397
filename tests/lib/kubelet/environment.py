"""The environment, command line and user of a container, out of its spec. Pure but for `Sources`."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.lib.kubelet.images import Image

Body = Mapping[str, Any]
Read = Callable[[str, str], Mapping[str, bytes] | None]
"""Kind (configmaps, secrets) and name -> its data; None where it does not exist."""

_REFERENCE = re.compile(r"\$(\$|\(([A-Za-z_.-][A-Za-z0-9_.-]*)\))")


class ConfigError(Exception):
    """The container cannot be made from its spec; `reason` is what the kubelet reports."""

    reason = "CreateContainerConfigError"


def data_of(kind: str, body: Body) -> dict[str, bytes]:
    """Return what a ConfigMap or a Secret holds."""
    if kind == "secrets":
        return {key: base64.b64decode(text) for key, text in body.get("data", {}).items()}
    plain = {key: text.encode() for key, text in body.get("data", {}).items()}
    return plain | {key: base64.b64decode(text) for key, text in body.get("binaryData", {}).items()}


def field_of(pod: Body, path: str) -> str:
    """Return a field that the downward API offers."""
    keyed = re.fullmatch(r"metadata\.(labels|annotations)\['(.+)'\]", path)
    if keyed:
        return str(pod["metadata"].get(keyed[1], {}).get(keyed[2], ""))
    if path in {"metadata.labels", "metadata.annotations"}:
        found = pod["metadata"].get(path.partition(".")[2], {})
        return "".join(f'{key}="{text}"\n' for key, text in sorted(found.items()))
    at: Any = pod
    for part in path.split("."):
        at = at.get(part, "") if isinstance(at, Mapping) else ""
    return str(at)


def resolve_environment(container: Body, pod: Body, read: Read) -> dict[str, str]:
    """Return a container's own variables, `envFrom` first.

    Raises:
        ConfigError: where a ConfigMap, a Secret or a key is missing that is not optional.
    """
    found: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        kind, reference = _source(source, "Ref")
        data = _read(kind, reference, read)
        found |= {source.get("prefix", "") + key: content.decode() for key, content in data.items()}
    for variable in container.get("env", ()):
        text = _value(variable, container, pod, read)
        if text is not None:
            found[variable["name"]] = expand(text, found)
    return found


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replace $(NAME) by the variable; an unknown one stays as it is, and $$ is a dollar."""

    def replace(match: re.Match[str]) -> str:
        return "$" if match[1] == "$" else variables.get(match[2], match[0])

    return _REFERENCE.sub(replace, text)


def command_line(container: Body, image: Image, variables: Mapping[str, str]) -> list[str]:
    """Return what the container runs: `command` replaces entry point and default command, `args` the latter."""
    command, args = container.get("command"), container.get("args")
    words = [*command, *(args or ())] if command else [*image.entrypoint, *(args or image.command)]
    return [expand(word, variables) for word in words]


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """As whom a container runs."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()
    drops_all: bool = False
    no_new_privileges: bool = False
    read_only_root: bool = False


def user_of(container: Body, pod: Body, image: Image) -> User:
    """Return as whom a container runs.

    Raises:
        ConfigError: where it must not run as root, and would.
    """
    asked = {**pod["spec"].get("securityContext", {}), **container.get("securityContext", {})}
    uid = asked.get("runAsUser", image.uid)
    gid = asked.get("runAsGroup", image.gid if "runAsUser" not in asked or uid == image.uid else 0)
    if asked.get("runAsNonRoot") and uid == 0:
        raise ConfigError("container has runAsNonRoot and image will run as root")
    groups: Sequence[int] = asked.get("supplementalGroups", ())
    return User(
        uid=uid,
        gid=gid,
        groups=(*groups, *([asked["fsGroup"]] if "fsGroup" in asked else [])),
        drops_all="ALL" in asked.get("capabilities", {}).get("drop", ()),
        no_new_privileges=asked.get("allowPrivilegeEscalation") is False,
        read_only_root=bool(asked.get("readOnlyRootFilesystem")),
    )


def _value(variable: Body, container: Body, pod: Body, read: Read) -> str | None:
    source = variable.get("valueFrom")
    if source is None:
        return str(variable.get("value", ""))
    if "fieldRef" in source:
        return field_of(pod, source["fieldRef"]["fieldPath"])
    if "resourceFieldRef" in source:
        part, _, name = source["resourceFieldRef"]["resource"].partition(".")
        return str(container.get("resources", {}).get(part, {}).get(name, ""))
    kind, reference = _source(source, "KeyRef")
    data = _read(kind, reference, read)
    if reference["key"] in data:
        return data[reference["key"]].decode()
    if reference.get("optional"):
        return None
    raise ConfigError(f"couldn't find key {reference['key']} in {kind[:-1]} {reference['name']}")


def _source(source: Body, ending: str) -> tuple[str, Body]:
    for kind, word in (("configmaps", "configMap"), ("secrets", "secret")):
        if word + ending in source:
            return kind, source[word + ending]
    raise ConfigError(f"this kubelet knows no source {', '.join(source)}")


def _read(kind: str, reference: Body, read: Read) -> Mapping[str, bytes]:
    data = read(kind, reference["name"])
    if data is None and not reference.get("optional"):
        raise ConfigError(f'{kind[:-1]} "{reference["name"]}" not found')
    return data or {}
