from __future__ import annotations

import re

import pytest

from tests.lib.walkthrough import pattern_of, read_commands

TEXT = """# Title

```console
site$ one \\
    --two
first […] end
[…]
last
(exit 3)
carry$ cp a b
```

```yaml
not: a command
```
"""


def test_commands_are_read_with_their_place_output_and_exit_code(tmp_path) -> None:
    path = tmp_path / "text.md"
    path.write_text(TEXT)
    one, copy = read_commands(path)
    assert (one.place, one.text, one.exit_code, one.line) == ("site", "one --two", 3, 4)
    assert one.says == ("first […] end", "[…]", "last")
    assert (copy.place, copy.text, copy.says, copy.exit_code) == ("carry", "cp a b", (), 0)


def test_a_line_without_a_prompt_at_the_begin_of_a_block_is_an_error(tmp_path) -> None:
    path = tmp_path / "text.md"
    path.write_text("```console\nwhat is this\n```\n")
    with pytest.raises(AssertionError, match="line 2"):
        read_commands(path)


@pytest.mark.parametrize(
    ("printed", "fits"),
    [
        ("first 12 end\nlast\n", True),
        ("first  end\nx\ny\nlast\n", True),
        ("first end\nlast\n", False),
        ("first 1 end\n", False),
        ("first 1\n end\nlast\n", False),
        ("first 1 end\nlast\nmore\n", False),
    ],
)
def test_wildcards_stand_for_the_rest_of_a_line_or_for_whole_lines(printed: str, fits: bool) -> None:
    assert bool(re.fullmatch(pattern_of(["first […] end", "[…]", "last"]), printed)) is fits
