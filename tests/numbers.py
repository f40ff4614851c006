"""Numbers as people write them and as programs print them, and when the two agree."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

SPACE = "[ \u00a0\u2009\u202f]"  # plain, no-break, thin, narrow no-break
MINUS = "\u2212\u2013-"  # minus sign, en dash, hyphen
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
POWER = re.compile(
    rf"{SPACE}?(?:×|\\times){SPACE}?10(?:\^\{{?([+{MINUS}]?\d+)\}}?|([⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+))"
)
PERCENT = re.compile(rf"{SPACE}?(?:\\,)?(?:\\?%|per{SPACE}?cent\b|percentage{SPACE}points?\b)")
# 10 000 and 10,000 are one number each; 4, 200 are two. A digit that follows a letter is part of a name.
NUMBER = re.compile(
    rf"(?<![\w.])(?:\d{{1,3}}(?:(?:{SPACE}|\\,|,)\d{{3}})+(?![\d.])|\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?"
)
# A number without a sign may stand for a negative output only beside one of these.
DOWNWARD = re.compile(
    r"\b(?:lower|drop\w*|f[ae]ll\w*|below|less|minus|decreas\w*|declin\w*|smaller|los[est]\w*|down|under"
    r"|worse\w*|reduc\w*|negative|shr[iau]nk\w*|cost\w*|absolute|size|magnitude|left)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Number:
    """A number in a text: where it stands, its value, and to which power of ten it is given."""

    text: str
    value: Decimal  # without its sign; 84.6 % is .846
    sign: str  # "+", "-" or "" where none is written
    percent: bool
    start: int
    end: int
    downward: bool = False  # the sentence says in words that the number is a fall

    @property
    def quantum(self) -> int:
        return int(self.value.as_tuple().exponent)

    @property
    def key(self) -> tuple[str, Decimal, bool]:
        """What makes two numbers the same one: +.05 is not .05, 5 % is not .05."""
        return self.sign, self.value.normalize(), self.percent


@dataclass(frozen=True)
class Printed:
    """A number in an output, with the line that it stands in."""

    number: Number
    line: str
    cell: str = ""


def _sign(text: str, start: int) -> tuple[str, int]:
    """The sign that belongs to a number: 3 − 2 and .06–.08 hold none, "(−2" and "= −2" do."""
    if start == 0 or text[start - 1] not in MINUS + "+±":
        return "", start
    before = text[: start - 1]
    if text[start - 1] == "±" or (before and re.match(r"[\w.)\]%}$]", before[-1])):
        return "", start
    return ("+" if text[start - 1] == "+" else "-"), start - 1


def _sentence(text: str, start: int) -> str:
    """The sentence around a place."""
    ends = [match.end() for match in re.finditer(r"[.!?:;](?=\s+[^\s\d])|\n\s*\n", text)]
    first = max((end for end in ends if end <= start), default=0)
    last = min((end for end in ends if end > start), default=len(text))
    return text[first:last]


def numbers(text: str) -> Iterator[Number]:
    """All the numbers of a text, in order.

    Understands .846, 0.846, −.073 with any dash, 84.6 %, "84.6 per cent", 10 000, 1.8e-23, 1.8 × 10⁻²³.
    A range such as 60–70 % gives its sign and unit to both ends.
    """
    end = 0
    for match in NUMBER.finditer(text):
        if match.start() < end:
            continue  # the 10 of a power of ten
        end = match.end()
        value = Decimal(re.sub(rf"{SPACE}|\\,|,", "", match[0]))
        power = POWER.match(text, end)
        if power:
            exponent = (power[1] or power[2]).translate(SUPERSCRIPTS).replace("\u2212", "-")
            value = value.scaleb(int(exponent))
            end = power.end()
        after = re.match(rf"{SPACE}?[\u2013-]{SPACE}?", text[end:])
        upper = NUMBER.match(text, end + after.end()) if after else None
        unit = PERCENT.match(text, end)
        end = unit.end() if unit else end
        percent = bool(unit or (upper and PERCENT.match(text, upper.end())))
        value = value.scaleb(-2) if percent else value
        sign, start = _sign(text, match.start())
        minus_before = re.search(rf"[\u2212-]{SPACE}+$", text[max(0, start - 3) : start])
        downward = bool(minus_before or DOWNWARD.search(_sentence(text, start)))
        yield Number(text[start:end], value, sign, percent, start, end, downward)


def printed(text: str, cell: str = "") -> list[Printed]:
    """The numbers of an output, line by line. "10 000" counts as 10000 and as 10 and 000: arrays look the same."""
    found = []
    for line in text.splitlines():
        for number in numbers(line):
            found.append(Printed(number, line, cell))
            if re.search(SPACE, number.text.rstrip("% ")):
                parts = re.split(SPACE, number.text)
                found += [Printed(one, line, cell) for part in parts for one in numbers(part)]
    return found


def agrees(number: Number, output: Printed) -> bool:
    """Whether a number in prose is what an output shows, at the precision that the prose gives.

    Halves may be rounded either way. The prose may not give more digits than the output shows. A whole
    number below ten is never taken for a rounded decimal, nor 0.000 for a small number. A written sign must be
    the output's; a number without one stands for a negative output only where words say so (`DOWNWARD`) or a
    minus goes before it.
    """
    shown = output.number
    if shown.sign == "-" and shown.value != 0:
        if number.sign == "+" or (number.sign == "" and not number.downward):
            return False
    elif number.sign == "-" and number.value != 0:
        return False
    readings = [shown.value]
    if number.percent and not shown.percent and re.search(r"%|per ?cent|points", output.line):
        readings.append(shown.value.scaleb(-2))
    return any(_rounds_to(number, value) for value in readings)


def _rounds_to(number: Number, value: Decimal) -> bool:
    quantum, exponent = number.quantum, int(value.as_tuple().exponent)
    if number.value == 0:
        return value == 0 and exponent == quantum
    if exponent >= quantum or (quantum >= 0 and number.value < 10):
        return value == number.value
    return abs(value - number.value) <= Decimal(5).scaleb(quantum - 1)


def bound(number: Number, pool: Iterable[Printed]) -> list[Printed]:
    """The outputs that a number in prose may come from."""
    return [output for output in pool if agrees(number, output)]


def changes(number: Number) -> Iterator[Number]:
    """Every number whose text differs from this one's by one digit."""
    for place, digit in enumerate(number.text):
        alphabet = next((ten for ten in ("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹") if digit in ten), "")
        for other in alphabet.replace(digit, ""):
            text = number.text[:place] + other + number.text[place + 1 :]
            new = next(numbers(text))
            value = new.value.scaleb(-2) if number.percent and not new.percent else new.value
            yield replace(number, text=text, value=value)


def weakness(number: Number, accepted: Callable[[Number], object]) -> float:
    """The share of the one-digit changes of a number that would be accepted as well, 0 to 1."""
    tries = [bool(accepted(changed)) for changed in changes(number)]
    return sum(tries) / len(tries)
