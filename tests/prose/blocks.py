"""Cuts a lesson's prose into blocks: paragraphs, list items, tables and typed alt texts, with their comments."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from tests import numbers as num
from tests.notebooks import Cell, Notebook
from tests.numbers import Number

COMMENT = re.compile(r"(?s)<!--(.*?)-->")
PART = re.compile(r"\s*(from|given|alt)\s*:\s*(.+?)\s*", re.DOTALL)
ITEM = re.compile(r"\s*(?:[-*+]|\d+[.)])\s+")
HEADING = re.compile(r"(#{1,6})\s+(.*)")
REFERENCE = r"\d+(?:\.\d+)?(?:(?:,| and| or| to|\s?–)\s*\d+(?:\.\d+)?)*"
NO_NAMES = "In|Of|The|About|All|Over|With|From|Each|These|Some|After|By|Use|And|For|At|To|Take|Draw|Simulate"
# Numbers that are no results. Each pattern is blanked before numbers are looked for.
CONVENTIONS = [
    r"(?s)```\w*python.*?```",  # code
    r"!?\]\([^)]*\)|<https?://[^>]*>|https?://\S+|\bdoi:\S+",  # addresses
    r"<[a-zA-Z/][^>]*>",  # tags
    rf"(?i)\b(?:lesson|exercise|section|chapter|issue|step|question)s?\s+{REFERENCE}(?!\.?\d|\s*%)",
    r"(?<=\()(?:19|20)\d\d[a-z]?(?=[),;:])",  # (2015)
    r"(?<=[,;&] )(?:19|20)\d\d[a-z]?(?=[),;:])",  # (Barr, 2013; …)
    r"(?<=\bal\. )(?:19|20)\d\d\b|(?<=\bal\., )(?:19|20)\d\d\b",
    rf"\b(?!(?:{NO_NAMES})\b)[A-Z][\w’'-]+,? (?:19|20)\d\d\b",  # Hurlbert 1984
    r"between 0 and 1\b|from 0 to 1\b|\b0–1\b|\[0, 1\]",  # the range of a score
    rf"\b95{num.SPACE}?% (?:confidence |prediction |profile )?intervals?\b",
]


@dataclass(frozen=True)
class Block:
    """A paragraph, list item, table or alt text, with what its comments say."""

    cell: Cell
    text: str  # comments, code and conventions blanked
    above: list[Cell]  # the code cells before it in its section, nearest first
    marks: dict[str, list[str]] = field(default_factory=dict)
    bad_marks: list[str] = field(default_factory=list)

    @cached_property
    def numbers(self) -> list[Number]:
        """Its numbers; whole numbers within $…$ are indices and powers, not results."""
        maths = [match.span() for match in re.finditer(r"\$\$.+?\$\$|\$[^$\n]+\$", self.text, re.DOTALL)]
        return [
            number
            for number in num.numbers(self.text)
            if number.percent
            or number.quantum < 0
            or not any(first <= number.start < last for first, last in maths)
        ]

    def around(self, number: Number) -> str:
        text = self.text[max(0, number.start - 45) : number.end + 25]
        return "… " + re.sub(r"\s+", " ", text).strip() + " …"


def blank(text: str, pattern: str | re.Pattern[str]) -> str:
    """The text with all matches of a pattern replaced by spaces, so that places stay what they are."""
    return re.sub(pattern, lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def _visible(text: str) -> str:
    for pattern in CONVENTIONS:
        text = blank(text, pattern)
    return blank(text, r"`[^`\n]*[(='\"][^`\n]*`")


def _marks(text: str) -> tuple[dict[str, list[str]], list[str]]:
    marks: dict[str, list[str]] = {}
    bad = []
    for comment in COMMENT.findall(text):
        for part in comment.split(";"):
            match = PART.fullmatch(part)
            if match:
                marks.setdefault(match[1], []).extend(re.split(r",\s+", match[2]))
            else:
                bad.append(comment.strip())
    return marks, bad


def _chunks(source: str) -> Iterator[str]:
    """A markdown text cut at blank lines and headings; quote marks dropped."""
    text = re.sub(r"(?m)^[ \t]*>[ \t]?", "", source)
    text = re.sub(r"(?m)^(#{1,6} .*)$", r"\n\1\n", text)
    chunks = [chunk for chunk in re.split(r"\n[ \t]*\n", text) if chunk.strip()]
    for place, chunk in enumerate(chunks):
        if not COMMENT.sub("", chunk).strip():
            continue  # taken up by the block before
        alone = place + 1 < len(chunks) and not COMMENT.sub("", chunks[place + 1]).strip()
        if alone:
            yield chunk + "\n" + chunks[place + 1]
        elif ITEM.match(chunk):
            yield from re.split(r"\n(?=\s*(?:[-*+]|\d+[.)])\s)", chunk)
        else:
            yield chunk


def blocks(notebook: Notebook) -> Iterator[Block]:
    """All blocks of a lesson's prose and of its figures' alt texts, in reading order."""
    above: list[Cell] = []
    reading = True
    for cell in notebook.cells:
        if cell.is_code:
            above = [cell, *above]
            yield from _alt_blocks(cell, above, _alt_givens(notebook, cell))
            continue
        for chunk in _chunks(cell.source):
            heading = HEADING.match(chunk.strip())
            if heading and len(heading[1]) <= 2:
                above = []
                reading = heading[2].strip().lower() != "further reading"
            if heading and len(heading[1]) == 1 or not reading or "**Minutes:**" in chunk:
                continue
            marks, bad = _marks(chunk)
            text = _visible(blank(chunk, COMMENT))
            text = blank(text, r"\A\s*\d+[.)]\s") if ITEM.match(chunk) else text
            # A heading names things: its own number and the names in its code spans are no results.
            text = blank(text, r"\A\s*#+\s+(?:\d+(?:\.\d+)*[.)]?\s)?|`[^`]+`") if heading else text
            marks.pop("alt", None)
            yield Block(cell, text, above, marks, bad)


def _alt_givens(notebook: Notebook, cell: Cell) -> list[str]:
    """Constants of an alt text: listed in the markdown cell that follows the figure."""
    after = notebook.cells[cell.index + 1 : cell.index + 2]
    return _marks(after[0].source)[0].get("alt", []) if after and after[0].is_markdown else []


def _alt_blocks(cell: Cell, above: list[Cell], given: list[str]) -> Iterator[Block]:
    """The parts of alt texts that were typed. What an f-string computed is bound by nbval already."""
    shown = re.sub(r"\s+", " ", " ".join(cell.alts))
    typed = [text for text in cell.literals if text.strip() and re.sub(r"\s+", " ", text).strip() in shown]
    text = _visible(" … ".join(typed))
    if given or any(True for _ in num.numbers(text)):
        yield Block(cell, text, above, {"given": given} if given else {})
