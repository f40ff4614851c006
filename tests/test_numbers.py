"""Numbers are read as people write them."""

from decimal import Decimal

import pytest

from tests import numbers


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (".846", ".846"),
        ("0.846", ".846"),
        ("−.073", "-.073"),
        ("–.073", "-.073"),
        ("-0.073", "-.073"),
        ("(−2)", "-2"),
        ("84.6 %", ".846"),
        ("84.6\u202f%", ".846"),
        ("84.6%", ".846"),
        ("5 per cent", ".05"),
        ("10 000", "10000"),
        ("10\u202f000", "10000"),
        ("10,000", "10000"),
        ("1.8e-23", "1.8e-23"),
        ("1.8 × 10⁻²³", "1.8e-23"),
        (r"1.8 \times 10^{-23}", "1.8e-23"),
    ],
)
def test_a_number_is_read_as_people_write_it(text: str, value: str) -> None:
    assert [number.signed for number in numbers.numbers(text)] == [Decimal(value)]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (".085–.060", [".085", ".060"]),
        ("0.846 − 0.073 = 0.773", [".846", ".073", ".773"]),
        ("between −.085 and −.060.", ["-.085", "-.060"]),
        ("60–70 %", [".60", ".70"]),
        ("4, 200 and 20/30", ["4", "200", "20", "30"]),
        ("session_20, alex_02, u0 and H0", []),
    ],
)
def test_numbers_are_told_apart(text: str, values: list[str]) -> None:
    assert [number.signed for number in numbers.numbers(text)] == [
        Decimal(value) for value in values
    ]
