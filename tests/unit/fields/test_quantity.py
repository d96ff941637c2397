"""Quantities; the whole table is held to a real server in tests/e2e/test_apply_differential.py."""

import pytest

from bundler.fields.quantity import Quantity, canonical


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("0", "0"), ("0m", "0"), ("1000m", "1"), ("1500m", "1500m"), ("0.5", "500m"), (0.5, "500m"), (2, "2"), (".5", "500m"),
        ("1.5", "1500m"), ("1.500", "1.500"), ("1024Mi", "1Gi"), ("1500Mi", "1500Mi"), ("0.5Gi", "512Mi"), ("0.1Gi", "107374182400m"),
        ("0.5Ki", "512"), ("1024", "1024"), ("1000000", "1M"), ("12e2", "1200"), ("1e3", "1e3"), ("10E2", "1e3"), ("1E", "1E"),
        ("-0.5", "-500m"), ("0.1n", "1n"), ("16Ei", "9223372036854775807"), (" 1 ", "1"),
    ],
)  # fmt: skip
def test_a_quantity_is_spelled_as_the_server_stores_it(text: str | float, stored: str) -> None:
    assert canonical(text) == stored


@pytest.mark.parametrize(
    ("text", "stored"), [("1n", "1m"), ("1.0001", "1001m"), ("-0.0001", "-1m"), ("250m", "250m"), ("1Gi", "1Gi")]
)
def test_an_amount_of_a_resource_is_rounded_up_to_thousandths(text: str, stored: str) -> None:
    assert canonical(text, places=3) == stored


@pytest.mark.parametrize(
    "text", ["", ".", "m", "1mm", "1 Gi", "1ki", "1KI", "1e", "--1", "0x10", "1e99999999", "\u0661", "true", "1_000"]
)
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="quantity"):
        canonical(text)


def test_quantities_compare_by_amount_and_not_by_spelling() -> None:
    assert Quantity.parse("1000m") == Quantity.parse("1") == Quantity.parse("1e0")
    assert Quantity.parse("1Gi") > Quantity.parse("1G") > Quantity.parse("999M")
    assert sorted(map(Quantity.parse, ["1Ki", "1", "1m"])) == [
        Quantity.parse("1m"),
        Quantity.parse("1"),
        Quantity.parse("1Ki"),
    ]


@pytest.mark.parametrize(
    ("terms", "total"),
    [
        (["500m", "500m"], "1"),
        (["512Mi", "512Mi"], "1Gi"),
        (["0", "1Gi"], "1Gi"),
        (["1Gi", "1G"], "2073741824"),
        (["1", "1m"], "1001m"),
    ],
)
def test_quantities_add_up(terms: list[str], total: str) -> None:
    amount = Quantity.parse("0")
    for term in terms:
        amount += Quantity.parse(term)
    assert str(amount) == total


def test_a_quantity_is_multiplied_and_is_true_unless_zero() -> None:
    assert str(Quantity.parse("250m") * 4) == "1"
    assert not Quantity.parse("0Mi")
    assert Quantity.parse("1n")
