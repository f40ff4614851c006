"""Binds every number that a lesson's prose states to the output that shows it.

    python -m tests.prose 05            what is not bound in lesson 05, and which outputs would fit
    python -m tests.prose 05 --all      every number, with what binds it
    python -m tests.prose path/to.ipynb

A number in a markdown cell, or typed into a figure's alt text, is one of

- **bound**: shown, at the precision that the prose gives, by the nearest cell above in the same section (H2)
  that prints numbers; or by the cells that a comment in the same block names,
  `<!-- from: summary, means/alex_02, 03:first-five -->` (a cell's id; its lines that hold a word; another lesson's);
- **given**: listed in such a comment, once for each time that it stands in the block, `<!-- given: 4, 4, 95 % -->`
  (constants, formulas, quoted literature); constants of the alt text above are listed as `<!-- alt: 0, 1 -->`;
- a **convention**: a year in a reference, "lesson 05", "Exercise 5.1", "between 0 and 1", the minutes of a lesson.

A block is a paragraph, list item or table; a comment that stands alone belongs to the whole block before it. A comment
may hold several parts: `<!-- from: means; given: 4 -->`. Digits in a code span are prose unless it holds code (`(`, `=`,
quotes). A number is also refused when too many of its one-digit changes would be bound as well: name the row, give a
digit more, or write the number as a word.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tests import numbers as num
from tests.notebooks import LESSONS, Cell, Notebook, lesson_path, read
from tests.numbers import Number, Printed

WEAKEST = 0.125  # the largest share of one-digit changes that may go unnoticed
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
class Problem:
    """Something that the prose of a lesson may not leave as it is."""

    cell: Cell
    what: str
    context: str

    def __str__(self) -> str:
        name = f"cell {self.cell.index}" + (f" ({self.cell.id})" if self.cell.id else "")
        return f"{name}: {self.what}\n      {self.context}"


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


@dataclass(frozen=True)
class Binding:
    """A number of the prose and the outputs that show it; none for a given constant."""

    block: Block
    number: Number
    pool: list[Printed]
    shown_by: list[Printed]


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


def outputs(cell: Cell) -> list[Printed]:
    """The numbers that a cell computed and printed: digits typed in its own strings are no evidence."""
    text = cell.printed
    for literal in cell.literals:
        if literal.strip() and re.search(r"\d", literal):
            text = blank(text, rf"(?<![\d.]){re.escape(literal.strip())}(?!\d)")
    return num.printed(text, cell.id or f"cell {cell.index}")


def _named(name: str, block: Block, notebook: Notebook) -> list[Printed] | str:
    """The outputs that a `from:` names, or what is wrong with the name."""
    lesson, _, rest = name.rpartition(":")
    ident, _, row = rest.partition("/")
    if lesson and lesson != notebook.number:
        try:
            cells = read(lesson_path(lesson)).code
        except ValueError as error:
            return str(error)
    else:
        cells = [cell for cell in notebook.code if cell.index <= block.cell.index]
    cells = [cell for cell in cells if cell.id == ident]
    if not cells:
        return f"from: {name}: no code cell above has the id {ident!r}"
    pool = [output for output in outputs(cells[0]) if not row or row.lower() in output.line.lower()]
    return pool or f"from: {name}: that prints no number"


def _pool(block: Block, notebook: Notebook) -> tuple[list[Printed], list[str]]:
    """The outputs that a block's numbers may come from, and what is wrong with its comment."""
    if "from" not in block.marks:
        return next(filter(None, map(outputs, block.above)), []), []
    pool: list[Printed] = []
    wrong = []
    for name in block.marks["from"]:
        found = _named(name, block, notebook)
        if isinstance(found, str):
            wrong.append(found)
        elif not any(num.bound(number, found) for number in block.numbers):
            wrong.append(f"from: {name}: no number of this block stands there")
        else:
            pool += found
    return pool, wrong


def check(notebook: Notebook) -> tuple[list[Binding], list[Problem]]:
    """Every number of a lesson's prose with what binds it, and everything that is wrong."""
    bindings: list[Binding] = []
    problems: list[Problem] = []
    for block in blocks(notebook):
        pool, wrong = _pool(block, notebook)
        for what in wrong + [f"comment not understood: {mark}" for mark in block.bad_marks]:
            problems.append(Problem(block.cell, what, block.text.strip()[:70]))
        left = list(block.numbers)
        for text in block.marks.get("given", []):
            listed = list(num.numbers(text))
            place = next((n for n in left if len(listed) == 1 and n.key == listed[0].key), None)
            if place is None:
                problems.append(
                    Problem(block.cell, f"given: {text}: not (so often) here", block.text.strip()[:70])
                )
            else:
                left.remove(place)
                bindings.append(Binding(block, place, [], []))
                problems += _printed_after_all(block, place)
        for number in left:
            shown_by = num.bound(number, pool)
            if shown_by:
                bindings.append(Binding(block, number, pool, shown_by))
            problems += _unproven(block, number, pool, bool(shown_by))
    return bindings, problems


def _printed_after_all(block: Block, number: Number) -> list[Problem]:
    """A result may not be passed off as a constant: three digits that the nearest output shows are a result."""
    nearest: list[Printed] = next(filter(None, map(outputs, block.above)), [])
    if len(number.value.as_tuple().digits) >= 3 and number.quantum < 0 and num.bound(number, nearest):
        return [
            Problem(block.cell, f"{number.text} is listed as given but printed above", block.around(number))
        ]
    return []


def _unproven(block: Block, number: Number, pool: list[Printed], is_bound: bool) -> list[Problem]:
    if not is_bound:
        where = (
            f"not among {len(pool)} numbers of {pool[0].cell}" if pool else "no output above in this section"
        )
        return [Problem(block.cell, f"{number.text!r} is not bound: {where}", block.around(number))]
    weak = num.weakness(number, pool)
    if weak > WEAKEST:
        what = f"{number.text!r} is weakly bound: {weak:.0%} of its one-digit changes would pass too"
        return [Problem(block.cell, what, block.around(number))]
    return []


def suggestions(notebook: Notebook, problem: Problem) -> list[str]:
    """Lines of outputs above that would bind the number which a problem is about."""
    quoted = re.match(r"'(.+?)' is (?:not|weakly) bound", problem.what)
    if not quoted:
        return []
    number = next(num.numbers(quoted[1]))
    found = [
        output
        for cell in reversed(notebook.code)
        if cell.index <= problem.cell.index
        for output in num.bound(number, outputs(cell))
    ]
    lines = {f"from: {output.cell}    {output.line.strip()[:80]}": None for output in found}
    return list(lines)[:4]


def main(arguments: list[str]) -> int:
    """The command for authors; the exit code says whether anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.prose", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("lessons", nargs="*", help="05, or a notebook's path; all lessons when left out")
    parser.add_argument("--all", action="store_true", help="list every number, bound or not")
    options = parser.parse_args(arguments)
    paths = [Path(name) if name.endswith(".ipynb") else lesson_path(name) for name in options.lessons]
    wrong = 0
    for path in paths or LESSONS:
        notebook = read(path)
        bindings, problems = check(notebook)
        wrong += len(problems)
        given = sum(not binding.pool for binding in bindings)
        print(f"{path.name}: {len(bindings) - given} bound, {given} given, {len(problems)} to mend")
        for binding in bindings if options.all else []:
            line = binding.shown_by[0].line.strip()[:60] if binding.pool else "given"
            cell = binding.shown_by[0].cell if binding.pool else ""
            print(f"   {binding.block.cell.index:3} {binding.number.text:>10}  {cell}  {line}")
        for problem in problems:
            print(f"    {problem}")
            for line in suggestions(notebook, problem):
                print(f"      ↳ {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
