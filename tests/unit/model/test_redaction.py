import base64

import pytest

from bundler.model.redaction import MASK, Redactor


def redactor(*secrets, public=()):
    one = Redactor()
    one.learn(*secrets)
    one.publish(*public)
    return one


SECRET = 'x"9\\ü secret'


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        base64.b64encode(SECRET.encode()).decode(),
        '{"a": "x\\"9\\\\\\u00fc secret"}',
        '{"a": "x\\"9\\\\ü secret"}',
    ],
)
def test_a_secret_is_masked_in_every_spelling(text):
    masked = redactor(SECRET).redact(f"before {text} after")
    assert "secret" not in masked
    assert MASK in masked
    assert masked.startswith("before ")


@pytest.mark.parametrize(
    "text", ["PA55 WORD/KEY&", "pa55 word/key&", "Pa55%20Word/Key%26", "Pa55%20Word%2FKey%26", "Pa55+Word%2FKey%26"]
)
def test_what_templates_commonly_make_of_a_password_is_masked(text):
    assert redactor("Pa55 Word/Key&").redact(f"postgres://ada:{text}@db") == f"postgres://ada:{MASK}@db"


@pytest.mark.parametrize(("secret", "text"), [("Production", "production"), ("Ab1!", "ab1!"), ("Secret-1", "SECRET-1")])
def test_other_cases_of_words_and_of_short_secrets_stay_readable(secret, text):
    assert redactor(secret).redact(text) == text


def test_each_line_of_a_secret_is_one():
    assert redactor("first line\nsecond line").redact("saw second line") == f"saw {MASK}"


def test_the_longest_secret_wins():
    assert redactor("secret", "secret-and-more").redact("secret-and-more") == MASK


def test_short_strings_and_nothing_learned_change_nothing():
    assert redactor("abc").redact("abc abc") == "abc abc"
    assert redactor().redact("text") == "text"


def test_what_stands_in_a_public_name_stays_readable():
    one = redactor("shop", "long-password-1", public=["shop-db"])
    assert one.redact("Secret/shop-db holds long-password-1") == f"Secret/shop-db holds {MASK}"


def test_all_secrets_being_public_masks_nothing():
    assert redactor("shop", public=["shop"]).redact("shop") == "shop"


def test_a_secret_of_a_megabyte_is_masked_too():
    long = "0123456789abcdef" * 65_536
    redactor = Redactor()
    redactor.learn(long, "short-secret")
    assert redactor.redact(f"a {long} b short-secret c") == "a *** b *** c"
