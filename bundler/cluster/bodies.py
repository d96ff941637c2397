"""Bodies of requests, so that the server reads what was meant. Layer: cluster, pure."""

from __future__ import annotations

import re

_READ_OTHERWISE = re.compile(rb"\x7f|\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]|\xef\xbb\xbf|\xef\xbf[\xbe\xbf]")
"""In UTF-8: U+007F to U+009F, U+2028, U+2029, U+FEFF, U+FFFE, U+FFFF; in JSON they stand inside texts only."""


def escaped_for_yaml(content: bytes) -> bytes:
    """Return JSON with the characters as escapes that a reader of YAML refuses, or takes for the end of a line.

    The API server reads the bodies of server-side apply as YAML.

    Source: yaml.org/spec/1.1, sections 5.1 (characters) and 5.4 (line breaks).
    """
    return _READ_OTHERWISE.sub(lambda found: b"\\u%04x" % ord(found[0].decode()), content)
