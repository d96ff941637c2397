"""Write docs/gallery/ from the shipped bundles: a page and a picture of each, and a list of all.

python tool/site/gallery.py

Every bundle in bundles/ is found; nothing has to be registered. Run it after a change of a bundle.
"""

from __future__ import annotations

import html
import json
import re
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from bundler import ReleaseRequest, Session, Values, library  # noqa: E402 - a script finds the package beside it
from bundler.actions.author.describe import menu_of  # noqa: E402
from bundler.actions.compose.compose import compose  # noqa: E402
from bundler.actions.delivery.image_inventory import take_inventory  # noqa: E402
from bundler.cli.output.described import markdown  # noqa: E402
from bundler.errors import BundlerError  # noqa: E402
from bundler.fields.kinds import pod_spec_path  # noqa: E402
from bundler.loader.locate import known_names  # noqa: E402
from bundler.model.image import ImageRef  # noqa: E402
from bundler.model.json import items_at, value_at  # noqa: E402
from bundler.model.sweep import Sweep  # noqa: E402
from bundler.render.graph import bundle_graph  # noqa: E402
from bundler.wire.bundles import description_form  # noqa: E402
from bundler.wire.graph import graph_form, linked_objects  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bundler.actions.compose.render_request import RenderRequest
    from bundler.model.bundle import Bundle
    from bundler.model.graph import BundleGraph
    from bundler.model.manifest import Manifest
    from bundler.model.menu import MenuItem

FOLDER = ROOT / "docs" / "gallery"
_MADE = "<!-- Written by tool/site/gallery.py from bundles/; change the bundle instead. -->\n"
_INDEX_HEAD = """\
The bundles that are shipped with bundler. Each is installed by its name, `bundler install redis`, and can be a component
of yours: `bundle: redis` in `spec.components`. [`bundler search`](../catalogues.md) finds them by words.
"""
_STEPS = (0.25, 0.5, 1, 2.5, 5, 10, 25, 50)
"""Of the default of a value that others are computed from."""
_MERMAID = re.compile(r"^```mermaid\n.*?^```\n+", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[([^\]]+)\]\((?!https?://)[^)]*\)")
_DESCRIPTION = re.compile(r"<dc:description>(.*?)</dc:description>", re.DOTALL)


class Shown(NamedTuple):
    """What is known of a bundle, with its default values."""

    bundle: Bundle
    order: RenderRequest
    menu: Sequence[MenuItem]
    graph: BundleGraph
    manifests: Sequence[Manifest]


def names() -> list[str]:
    """Return the names of all shipped bundles."""
    return known_names(())


@cache
def _shown(name: str) -> Shown:
    with Session.local() as session:
        taken = session.acquire(name)
        order = library.bundles.render_request(session.scope, taken, Values())
        made = compose(order)
        graph = bundle_graph(taken.bundle, made.rendering, made.manifests)
        return Shown(taken.bundle, order, menu_of(taken.bundle), graph, made.manifests)


def index() -> str:
    """Return the page that lists all bundles."""
    rows = [
        f"| [{name}]({name}.md) | {shown.bundle.metadata.app_version} | {_cell(shown.bundle.metadata.description)} |"
        for name in names()
        if (shown := _shown(name))
    ]
    return "\n".join([
        "# Gallery\n",
        _MADE,
        _INDEX_HEAD,
        "| bundle | application | is |",
        "|---|---|---|",
        *rows,
        "",
    ])  # fmt: skip


def page(name: str) -> str:
    """Return the page of a bundle."""
    return "".join([*quick_parts(name), images_part(name)])


def quick_parts(name: str) -> list[str]:
    """Return what is quick to make of a page: all but the images, for which the bundle is rendered many times."""
    shown = _shown(name)
    parts = [_head(shown), _readme(name), _tables(shown), _objects(shown), _sizing(name, shown), _needs(shown)]
    return [f"{part.rstrip()}\n\n" for part in parts if part]


def images_part(name: str) -> str:
    """Return every image that a bundle can need, over the switches in its schema."""
    inventory = take_inventory(_shown(name).order)
    images = "\n".join(f"- `{image.ref}`" for image in inventory.images)
    head = f"Over all switches of the schema; `bundler images {name}` says where each is used."
    return f"## Images\n\n{f'{head}{chr(10) * 2}{images}' if images else 'None.'}\n"


def default_images(name: str) -> set[str]:
    """Return the images of the containers that a bundle has with its default values."""
    return {
        str(ImageRef.parse(str(container.get("image"))))
        for manifest in _shown(name).manifests
        if (path := pod_spec_path(manifest.ref.group, manifest.ref.kind))
        for key in ("initContainers", "containers")
        for container in items_at(value_at(manifest.body, *path), key)
    }


def drawn_graph(name: str) -> str | None:
    """Return what the picture of a bundle is drawn from; None where no object has to do with another one."""
    graph = _shown(name).graph
    return json.dumps(graph_form(graph), sort_keys=True) if linked_objects(graph) else None


def graph_in(picture: Path) -> str | None:
    """Return what a picture was drawn from, which it holds as its description; None where there is no picture."""
    found = _DESCRIPTION.search(picture.read_text("utf-8")) if picture.is_file() else None
    return html.unescape(found[1]) if found else None


def _head(shown: Shown) -> str:
    metadata = shown.bundle.metadata
    facts = [f"Version {metadata.version}"]
    facts += [f"application {metadata.app_version}"] if metadata.app_version else []
    facts += [f"Kubernetes {_cell(shown.bundle.kube_version)}"] if shown.bundle.kube_version else []
    return f"# {metadata.name}\n\n{_MADE}\n{_cell(metadata.description)}. {', '.join(facts)}.\n"


def _readme(name: str) -> str:
    """Return what the README says below its title, its picture left out: the page has one.

    Links out of it would lead nowhere from here.
    """
    path = ROOT / "bundles" / name / "README.md"
    if not path.is_file():
        return f"```console\n$ bundler install {name}\n```\n"
    _, _, text = path.read_text("utf-8").partition("\n")
    return _LINK.sub(r"\1", _MERMAID.sub("", text).strip())


def _tables(shown: Shown) -> str:
    """Return components, outputs and values, without name and description, which the head has."""
    lines = list(markdown(description_form(shown.bundle, shown.menu)))
    first = next((number for number, line in enumerate(lines) if line.startswith("## ")), len(lines))
    return "\n".join("## Every value" if line == "## Values" else line for line in lines[first:])


def _objects(shown: Shown) -> str:
    by_component: dict[str, list[str]] = {}
    for one in shown.graph.objects:
        by_component.setdefault(one.component, []).append(f"`{one.name}`{f' {one.detail}' if one.detail else ''}")
    rows = [f"| {part or 'itself'} | {', '.join(found)} |" for part, found in by_component.items()]
    name = shown.bundle.metadata.name
    is_drawn = drawn_graph(name) is not None
    picture = [f"![The objects of {name}, and how they hang together]({name}.svg)", ""] if is_drawn else []
    head = "With the default values:"
    return "\n".join(["## Objects", "", head, "", *picture, "| component | objects |", "|---|---|", *rows])


def _sizing(name: str, shown: Shown) -> str:
    """Return what follows from each number of the menu that formulas read."""
    parts = [table for item in shown.menu if (table := _swept(name, shown, item))]
    if not parts:
        return ""
    head = "Computed from the formulas in `bundle.yaml`; any of it can be set by hand."
    return "\n\n".join(["## Sizing", head, *parts])


def _swept(name: str, shown: Shown, item: MenuItem) -> str:
    default = _number(item)
    is_read = any(re.search(rf"\bvalues\.{re.escape(item.path)}\b", rule.formula) for rule in shown.bundle.derive)
    if item.is_derived or default is None or not is_read:
        return ""
    kind = int if item.type == "integer" else float
    points = tuple(dict.fromkeys(f"{kind(default * step):g}" for step in _STEPS))
    with Session.local() as session:
        try:
            result = session.sweep(ReleaseRequest(bundle=name), Sweep(path=item.path, points=points))
        except BundlerError:
            return ""
    if not result.rows:
        return ""
    heads = [f"`{item.path}`", *result.points]
    rows = [
        [f"`{row.path}`", *("-" if value is None else _cell(str(value)) for value in row.values)] for row in result.rows
    ]
    lines = [f"| {' | '.join(row)} |" for row in (heads, ["---"] * len(heads), *rows)]
    command = f"`bundler values {name} --sweep {item.path}={','.join(result.points)}`:"
    return "\n".join([command, "", *lines])


def _number(item: MenuItem) -> float | None:
    """Return the default of a value that is a number of its own, neither zero nor a switch."""
    try:
        return (float(item.default) or None) if item.type in {"integer", "number"} else None
    except ValueError:
        return None


def _needs(shown: Shown) -> str:
    """Return what a cluster has to offer, and what the release may do there."""
    bundle = shown.bundle
    rows: list[tuple[str, str]] = []
    every = [bundle, *_below(bundle)]
    reach = [word for one in every for word in (*one.reach.grants, *one.reach.cluster_scoped)]
    namespaces = [word for one in every for word in one.reach.namespaces]
    secrets = Counter(spec.kind for one in every for spec in one.generate)
    volumes = [
        f"{one.name.removeprefix('volume/')} {one.detail}".rstrip()
        for one in shown.graph.objects
        if "volume/" in one.name
    ]
    kinds = sorted(
        {one.ref.kind for one in shown.manifests if "." in one.ref.group and not one.ref.group.endswith(".k8s.io")}
    )
    rows += [("[reach](../reach.md)", ", ".join(dict.fromkeys(f"`{word}`" for word in reach)))] if reach else []
    rows += [("namespaces", ", ".join(dict.fromkeys(f"`{word}`" for word in namespaces)))] if namespaces else []
    rows += [("volumes", ", ".join(volumes))] if volumes else []
    rows += [("custom kinds", ", ".join(f"`{kind}`" for kind in kinds))] if kinds else []
    made = ", ".join(f"{kind}: {count}" for kind, count in sorted(secrets.items()))
    rows += [("secrets, made once and kept", made)] if made else []
    lines = [f"| {what} | {text} |" for what, text in rows]
    return (
        "\n".join(["## What it needs", "", "| what | with the default values |", "|---|---|", *lines]) if lines else ""
    )


def _below(bundle: Bundle) -> Iterator[Bundle]:
    for below in bundle.component_bundles.values():
        yield below
        yield from _below(below)


def _cell(text: str) -> str:
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]<>#|" else letter for letter in " ".join(text.split()))


def draw(name: str) -> None:
    """Draw a bundle again where its picture shows something else, or remove a picture that shows nothing."""
    from bundler.cli.flows.graph_picture import write_graph

    picture, wanted = FOLDER / f"{name}.svg", drawn_graph(name)
    if wanted is None:
        picture.unlink(missing_ok=True)
    elif graph_in(picture) != wanted:
        write_graph(_shown(name).graph, picture)


def main() -> None:
    """Write the pages and pictures; those of bundles that are gone are removed."""
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.iterdir():
        if path.stem not in {"index", *names()}:
            path.unlink()
    (FOLDER / "index.md").write_text(index(), "utf-8")
    for name in names():
        draw(name)
        (FOLDER / f"{name}.md").write_text(page(name), "utf-8")


if __name__ == "__main__":
    main()
