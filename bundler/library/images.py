"""Images that a session builds. Layer: library."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from bundler import library
from bundler.actions.delivery.base_image import Base
from bundler.actions.delivery.build_image import build_image as build
from bundler.actions.delivery.image_target import Target
from bundler.delivery.layout import LayoutSource
from bundler.delivery.layout_target import LayoutTarget
from bundler.model.image import ImageRef
from bundler.model.oci import Repository

if TYPE_CHECKING:
    from bundler.library.scope import Scope
    from bundler.model.image_build import BuiltImage, ImageBuild, ImagePlace

_UNNAMED = "latest"
"""What an image in a layout is called where no one named it."""


def build_image(scope: Scope, request: ImageBuild) -> BuiltImage:
    """Build an image from a base and files, and store it in a registry or a folder.

    Args:
        scope: the session's network and credentials.
        request: what it is made of, and where it goes.

    Raises:
        ImageBuildError, ImageTagTakenError: when it cannot be built, or its tag is taken.
        RegistryError, ExportError: when the base cannot be read, or the image not be stored.
    """
    base = _base(scope, request.base) if request.base else None
    with ExitStack() as stack:
        target = _target(scope, request.to, stack)
        return build(request, base, target, report=scope.report, is_stopped=scope.call.is_stopped)


def _base(scope: Scope, place: ImagePlace) -> Base:
    if place.ref is not None:
        repository = Repository(place.ref.registry, place.ref.repository)
        reference = place.ref.digest or place.ref.tag
        source = library.registries.open_registry(scope)
        return Base(source=source, repository=repository, reference=reference, shown=str(place))
    layout = LayoutSource(Path(place.folder))
    reference = layout.find(place.name).digest
    return Base(source=layout, repository=Repository("", ""), reference=reference, shown=str(place), is_near=True)


def _target(scope: Scope, place: ImagePlace, stack: ExitStack) -> Target:
    if place.ref is not None:
        repository = Repository(place.ref.registry, place.ref.repository)
        store = library.registries.open_registry(scope, is_writing=True)
        return Target(store=store, repository=repository, tag=place.ref.tag, ref=place.ref)
    layout, name = stack.enter_context(LayoutTarget(Path(place.folder))), place.name or _UNNAMED
    is_whole = "/" in name or ":" in name
    ref = ImageRef.parse(name) if is_whole else ImageRef("", Path(place.folder).resolve().name, name)
    return Target(store=layout, repository=Repository("", ""), tag=name, ref=ref, layout=layout)
