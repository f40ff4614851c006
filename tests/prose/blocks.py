"""Cuts a lesson's prose into blocks: paragraphs, list items, tables and typed alt texts, with their comments."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from string import Formatter

from tests import numbers as num
from tests.notebooks import Cell, Notebook, alt_template
from tests.numbers import Number

COMMENT = re.compile(r"(?s)<!--(.*?)-->")
PART = re.compile(r"\s*(from|given|alt)\s*:\s*(.+?)\s*", re.DOTALL)
ITEM = re.compile(r"\s*(?:[-*+]|\d+[.)])\s+")
HEADING = re.compile(r"(#{1,6})\s+(.*)")
NO_NAMES = "In|Of|The|About|All|Over|With|From|Each|These|Some|After|By|Use|And|For|At|To|Take|Draw|Simulate"
# Numbers that are no results. Each pattern is blanked before numbers are looked for.
CONVENTIONS = [
    r"(?s)```\w*python.*?```",  # code
    r"!?\]\([^)]*\)|<https?://[^>]*>|https?://\S+|\bdoi:\S+",  # addresses
    r"<[a-zA-Z/][^>]*>",  # tags
    r"(?i)\blessons?\s+\d\d(?:(?:, | and | to |–)\d\d)*\b(?!\.\d|\s*%)",
    r"(?i)\bexercises?\s+\d+\.\d+(?:(?:, | and | to |–)\d+\.\d+)*\b(?!\s*%)",
    r"(?i)\b(?:section|chapter|issue|step|question)\s+\d+\b(?!\.\d|\s*%)",
    r"\b\d\d · ",  # 05 · Reading the output
    r"\b\d+\smin\b|\bclass\s\d+\b(?!\.\d|\s*%)",  # the plan in lesson 00, which a test holds to the lessons' heads
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
        """Its numbers, in order; whole numbers within $…$ are indices and powers, not results."""
        maths = [match.span() for match in re.finditer(r"(?s)\$\$.+?\$\$|\$[^$\n]+\$", self.text)]
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


def visible(text: str) -> str:
    """A text in which all that is no result is blank: code, addresses, tags and conventions."""
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
        if not COMMENT.sub("", chunk).strip() and place > 0:
            continue  # taken up by the block before
        alone = place + 1 < len(chunks) and not COMMENT.sub("", chunks[place + 1]).strip()
        if alone:
            yield chunk + "\n" + chunks[place + 1]
        elif ITEM.match(chunk):
            yield from re.split(r"\n(?=\s*(?:[-*+]|\d+[.)])\s)", chunk)
        else:
            yield chunk


def _prose(chunk: str, is_heading: bool) -> str:
    """What a chunk of markdown states: all that is no result is blank."""
    text = visible(blank(chunk, COMMENT))
    text = blank(text, r"\A\s*\d+[.)]\s") if ITEM.match(chunk) else text
    text = blank(text, r"\*\*Minutes:\*\*.*")
    # A heading names things: its own number and the names in its code spans are no results.
    return blank(text, r"\A\s*#+\s+(?:\d+(?:\.\d+)*[.)]?\s)?|`[^`]+`") if is_heading else text


def blocks(notebook: Notebook) -> Iterator[Block]:
    """All blocks of a lesson's prose and of its figures' alt texts, in reading order."""
    above: list[Cell] = []
    reading = True
    for cell, before in zip(notebook.cells, [None, *notebook.cells], strict=False):
        if cell.is_code:
            above = [cell, *above]
            yield from _alt_blocks(cell, above, _alt_givens(notebook, cell))
        for chunk in _chunks(cell.source) if cell.is_markdown else ():
            heading = HEADING.match(chunk.strip())
            level = len(heading[1]) if heading else 0
            if heading and level <= 2:
                above = []
                reading = heading[2].strip().lower() != "further reading"
            if level != 1 and reading:
                marks, bad = _marks(chunk)
                if "alt" in marks and not (before and before.alts):
                    bad.append("alt: no figure right above")
                yield Block(cell, _prose(chunk, level > 0), above, marks, bad)


def _alt_givens(notebook: Notebook, cell: Cell) -> list[str]:
    """Constants of an alt text: listed in the markdown cell that follows the figure."""
    after = notebook.cells[cell.index + 1 : cell.index + 2]
    return _marks(after[0].source)[0].get("alt", []) if after and after[0].is_markdown else []


def _alt_blocks(cell: Cell, above: list[Cell], given: list[str]) -> Iterator[Block]:
    """The parts of alt texts that were typed. What a placeholder stands for is bound by nbval already."""
    typed = [
        " ".join(text.split())
        for key in cell.captions
        for text, *_ in Formatter().parse(alt_template(key))
        if text.strip()
    ]
    block = Block(cell, visible(" … ".join(typed)), above, {"given": given} if given else {})
    if given or block.numbers:
        yield block
