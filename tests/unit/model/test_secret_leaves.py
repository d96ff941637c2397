import base64

import pytest

from bundler.model.secret_leaves import decoded_leaf, is_secret, leaf_texts, without_leaves

PASSWORD = "correct-horse-battery"
ENCODED = base64.b64encode(PASSWORD.encode()).decode()


@pytest.mark.parametrize(
    "written", [ENCODED, f"{ENCODED}\n", f"{ENCODED[:8]}\n{ENCODED[8:]}", f"{ENCODED[:8]}\r\n{ENCODED[8:]}\r\n"]
)
def test_line_breaks_in_base64_are_read_as_the_api_server_reads_them(written):
    assert decoded_leaf(written) == PASSWORD.encode()
    assert {PASSWORD, ENCODED, written} == set(leaf_texts({"data": {"a": written}}))


def test_what_is_no_base64_is_known_as_it_is_written():
    assert decoded_leaf("pass word!") is None
    assert set(leaf_texts({"data": {"a": "pass word!"}})) == {"pass word!"}


def test_bytes_that_are_no_text_are_known_by_their_base64():
    encoded = base64.b64encode(b"\xff\xfe\x00").decode()
    assert decoded_leaf(encoded) == b"\xff\xfe\x00"
    assert set(leaf_texts({"data": {"a": encoded}})) == {encoded}


def test_the_leaves_of_string_data_are_themselves_numbers_included():
    assert set(leaf_texts({"stringData": {"a": "x", "b": 12345678, "c": None, "d": True}})) == {"x", "12345678"}


def test_keys_of_a_masked_secret_stay():
    body = {"apiVersion": "v1", "kind": "Secret", "data": {"a": "eA=="}, "stringData": {"b": "x"}, "type": "Opaque"}
    assert is_secret(body)
    assert without_leaves(body) == {**body, "data": {"a": "***"}, "stringData": {"b": "***"}}
    assert not is_secret({"apiVersion": "example.org/v1", "kind": "Secret"})
