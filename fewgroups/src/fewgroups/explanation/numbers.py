"""Numbers as they are written in sentences, and the few joins of words that every sentence needs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fewgroups.noted_table import joined, useful_decimals


def signed(number: str) -> str:
    """A formatted number with a minus sign in place of the hyphen, and no negative zero."""
    if any(digit in number for digit in "123456789"):
        return number.replace("-", "−")
    return number.removeprefix("-")


def rounded(value: float, beside: float) -> str:
    """`value` with the decimals that give `beside` (its standard error, say) two digits."""
    return signed(f"{value:.{useful_decimals(abs(beside), 2)}f}")


def estimate(value: float, se: float) -> str:
    """As `rounded` by the standard error, but with one digit that counts where that leaves only zeros."""
    shown = rounded(value, se)
    if value == 0 or any(digit in shown for digit in "123456789"):
        return shown
    return signed(f"{value:.{useful_decimals(abs(value), 1)}f}")


def three(value: float) -> str:
    """Three digits that count; zero is 0."""
    if np.isinf(value):
        return "∞" if value > 0 else "−∞"
    return signed(f"{value:.{useful_decimals(abs(value), 3)}f}") if value else "0"


def two(number: float) -> str:
    """Two decimals, as t, F and correlations are written."""
    return signed(f"{number:.2f}")


def degrees(df: float) -> str:
    """Degrees of freedom."""
    if np.isinf(df):
        return "∞"
    return f"{df:.1f}" if df < 1000 else f"{df:.0f}"


def p_value(p: float, exact: bool = False) -> str:
    """A p-value as journals print it, never zero: "p = 0.034", "p < 0.001"; exact: "p = 1.8e−23"."""
    if exact:
        return f"p = {signed(f'{p:.2g}')}" if p > 0 else "p < 1e−300"
    return "p < 0.001" if p < 0.001 else f"p = {p:.{3 if p >= 0.01 else 4}f}"


def counted(number: int, one: str, many: str) -> str:
    """ "1 row", "2 rows"."""
    return f"{number} {one if number == 1 else many}"


def listed(names: Sequence[object], most: int) -> str:
    """The first of the names, as code, and how many more there are."""
    shown = [code(name) for name in names[:most]]
    return joined(shown if len(names) <= most else [*shown, f"{len(names) - most} more"])


def clean(text: object) -> str:
    """What a user named something, on one line and without the backticks that mark names."""
    return " ".join(str(text).replace("`", "'").split())


def code(name: object) -> str:
    """A name of the printout or of the formula, in backticks."""
    return f"`{clean(name)}`"
