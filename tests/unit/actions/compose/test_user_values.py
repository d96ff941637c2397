"""What a user gives is taken as it is."""

from bundler.actions.compose.user_values import Values, read_inputs
from bundler.model.values import AssignmentKind


def test_the_text_of_a_file_keeps_its_line_ends_and_its_byte_order_mark(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfa=1\r\nb=2\r\n\x85".replace(b"\x85", "\x85\u2028".encode()))
    given = Values(assignments=((AssignmentKind.FILE, f"a={path}"),))
    (assignment,) = read_inputs(given, variables={}, read_stdin=str).user.assignments
    assert assignment.text == "\ufeffa=1\r\nb=2\r\n\x85\u2028"
