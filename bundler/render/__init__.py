"""From bundle and values to Kubernetes objects. Layer: render, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules
from bundler.render.bundle import render_bundle, render_texts, render_what_can_be
from bundler.render.sensitive import sensitive_strings
from bundler.render.types import Capabilities, RenderContext, RenderedBundle, RenderedTemplate, Rendering

__all__ = [
    "Capabilities",
    "RenderContext",
    "RenderedBundle",
    "RenderedTemplate",
    "Rendering",
    "render_bundle",
    "render_texts",
    "render_what_can_be",
    "sensitive_strings",
]

if TYPE_CHECKING:
    from bundler.render import line_marks as line_marks, tracing as tracing

__getattr__ = late_modules(__name__)
