import base64

import pytest
from hypothesis import example, given, strategies as st

from bundler.model.redaction import MASK, Redactor, is_common, is_short, is_strong, spellings
from bundler.storage.sensitive import Secrets


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


@pytest.mark.parametrize(
    "text",
    [
        "A&amp;b &lt;&quot;c&quot;&gt; &#x27;d&#x27;/e",
        "A&amp;b &lt;&#34;c&#34;&gt; &#39;d&#39;/e",
        "A&amp;b &lt;&quot;c&quot;&gt; &#039;d&#039;/e",
        "A&amp;b &lt;\"c\"&gt; 'd'/e",
        r"A\u0026b \u003c\"c\"\u003e 'd'/e",
        "A%26b%20%3c%22c%22%3e%20%27d%27%2fe",
    ],
)
def test_what_logs_make_of_marks_in_a_password_is_masked(text):
    """HTML as Python, Go and PHP write it, JSON as Go does, and percent signs with small letters."""
    assert redactor("A&b <\"c\"> 'd'/e").redact(f"({text})") == f"({MASK})"


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


@pytest.mark.parametrize("word", ["admin", "true", "Postgres", "5432", "ab", "1", "production", "localhost"])
def test_a_common_word_is_never_looked_for(word):
    assert is_common(word)
    text = f"{word}: {word}\nurl: https://{word}.example/{word}"
    assert redactor(word).redact(text) == text
    assert redactor(word).redact_value(word) == word


@pytest.mark.parametrize("secret", ["abc", "x9y", "hunter", "123456", "Ab1!"])
def test_a_short_secret_is_masked_where_it_is_a_whole_value(secret):
    assert is_short(secret)
    one = redactor(secret)
    assert one.redact_value(secret) == MASK
    for text in (
        f"a: {secret}",
        f"- {secret}",
        f'a: "{secret}"',
        f"a: {secret}  # why",
        f"+  a: {secret}",
        f"a={secret}",
    ):
        assert (secret in one.redact(text)) == text.startswith("a=")
    assert secret not in one.redact(f"{{a: {secret}, b: [{secret}]}}".replace("[", "[ ").replace("]", " ]"))


@pytest.mark.parametrize("secret", ["abc", "hunter", "123456"])
def test_a_short_secret_stays_as_a_key_and_inside_a_text(secret):
    text = f"{secret}: x\nurl: https://{secret}.example/{secret}\nword: {secret}s"
    assert redactor(secret).redact(text) == text


@pytest.mark.parametrize("secret", ["user1", "p4ssw", "longword", "12345678", "a-b-c"])
def test_a_strong_secret_is_masked_wherever_it_is(secret):
    assert is_strong(secret)
    assert secret not in redactor(secret).redact(f"x{secret}y {secret}: https://{secret}.example")


STRONG = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp")), min_size=5, max_size=40
)


@given(secret=STRONG.filter(is_strong), before=st.binary(max_size=7), after=st.binary(max_size=7))
def test_base64_of_a_longer_text_does_not_show_the_secret_in_it(secret, before, after):
    encoded = base64.b64encode(before + secret.encode() + after).decode()
    one = redactor(secret)
    for text in (encoded, encoded.translate(str.maketrans("+/", "-_"))):
        masked = one.redact(f"auth: {text}")
        assert MASK in masked
        left = "".join(masked.removeprefix("auth: ").split(MASK)).rstrip("=")
        assert len(left) <= -(-(len(before) + len(after)) * 8 // 6) + 4


@given(secret=STRONG.filter(is_strong), before=st.text("abcü:", max_size=7), around=st.text('{"auth:}', max_size=9))
@example(secret="s3cret-pw", before="user:", around='{"auths":{"r.example":{"auth":"')
def test_base64_of_base64_does_not_show_the_secret_in_it(secret, before, around):
    inner = base64.b64encode(f"{before}{secret}".encode()).decode()
    for text in (inner, f"{around}{inner}{around}"):
        outer = base64.b64encode(text.encode()).decode()
        left = "".join(redactor(secret).redact(f"x: {outer}").removeprefix("x: ").split(MASK))
        assert len(left) <= len(outer) - len(inner.rstrip("=")) * 8 // 6 + len(before.encode()) * 16 // 9 + 20
        assert Secrets([secret], []).is_in_text(outer)


def test_a_long_secret_is_looked_for_in_a_bounded_number_of_spellings():
    assert len(spellings(["0123456789-" * 20])) < 60
    assert len(spellings(["0123456789-" * 2000])) < 15


@given(
    secret=STRONG.filter(is_strong), before=st.binary(max_size=4), form=st.sampled_from(["plain", "base64", "quoted"])
)
def test_the_record_hides_whatever_the_output_masks(secret, before, form):
    text = {
        "plain": f"see {secret}.",
        "base64": base64.b64encode(before + secret.encode()).decode(),
        "quoted": secret.replace("'", "''"),
    }[form]
    assert redactor(secret).redact(text) != text
    assert Secrets([secret], []).is_in_text(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("url: postgres://u:Zebra-Quil…", "url: postgres://u:***…"),
        ('"Zebra…, live "Zebra-Quilt-7… set by x', '"***…, live "***… set by x'),
        ('{"live": "u:Zebra-Qu\\u2026"}', '{"live": "u:***\\u2026"}'),
        ("WmVicmEtUXVpb…", "***…"),
        ("Zeb… and Zebras…", "Zeb… and Zebras…"),
        ("ZebrZebra-Q…", "Zebr***…"),
        ("Zebra-Quilt…  Zebra-Quilt-77", "***…  ***"),
    ],
)
def test_what_is_left_of_a_secret_in_a_text_that_was_cut_is_masked(text: str, shown: str) -> None:
    redactor = Redactor()
    redactor.learn("Zebra-Quilt-77")
    assert redactor.redact(text) == shown
