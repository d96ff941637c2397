"""YAML 1.2 in and out, with marks. Layer: syntax, pure.

``reader.read_documents`` and ``read_document``: values with the line of each pointer. ``objects.read_objects``: many
rendered objects, fast, with the marks that splicing needs. ``writer.dump_yaml`` and ``dump_documents``. ``events``
holds ``Limits``, ``Mark`` and ``YamlSyntaxError``; ``scalars`` holds ``YamlFloat`` and ``resolve_plain``. Nothing is
imported here: writing must not cost the import of a parser.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.late import late_modules

if TYPE_CHECKING:
    from bundler.syntax import events as events, json_text as json_text, reader as reader, writer as writer

__getattr__ = late_modules(__name__)
