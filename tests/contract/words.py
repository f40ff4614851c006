"""How the prose is written: spelling, words that help nobody."""

import re
from collections.abc import Iterator

from tests.notebooks import Notebook

# These tell readers who do not follow that the fault is theirs.
UNKIND = re.compile(r"(?i)\b(?:simply|obviously|just|trivial(?:ly)?|needless to say)\b")
AMERICAN = re.compile(
    r"(?i)\b(?:\w*color(?!ad)\w*|center(?:s|ed|ing)?|analyz\w+|\w*model(?:ed|ing)|label(?:ed|ing)|behavior\w*"
    r"|favor\w*|grays?|fulfill|(?:optim|standard|summar|visual|recogn|normal|random|general|regular|organ|real"
    r"|minim|maxim|emphas|categor|character|penal|equal)iz(?:e|es|ed|er|ers|ing|ation|ations)|judgment|toward"
    r"|meters?|liters?|catalog|neighbor\w*|defense)\b"
)
LEFT_OVER = re.compile(r"\b(?:PLACEHOLDER|TODO|FIXME|XXX|TBD)\b|(?i:lorem ipsum)|\?\?\?")


def prose(notebook: Notebook) -> Iterator[tuple[int, str]]:
    """The words of each markdown cell and alt text, without code, formulas, addresses, comments or references."""
    reading = True
    for cell in notebook.cells:
        if cell.is_code:
            yield cell.index, " ".join(cell.alts)
            continue
        lines = []
        for line in re.sub(r"(?s)<!--.*?-->|```.*?```|\$\$.*?\$\$", " ", cell.source).splitlines():
            if re.match(r"#{1,2} ", line):
                reading = "Further reading" not in line
            lines.append(line if reading else "")
        yield cell.index, re.sub(r"`[^`]*`|\$[^$\n]+\$|\]\([^)]*\)|<[^>]*>", " ", "\n".join(lines))


def says_nothing_unkind(notebook: Notebook) -> Iterator[str]:
    for index, text in prose(notebook):
        for match in UNKIND.finditer(text):
            yield f"cell {index}: the word {match[0]!r}: {_around(text, match)}"


def spells_the_british_way(notebook: Notebook) -> Iterator[str]:
    for index, text in prose(notebook):
        for match in AMERICAN.finditer(text):
            yield f"cell {index}: American spelling {match[0]!r}: {_around(text, match)}"


def nothing_is_left_over(notebook: Notebook) -> Iterator[str]:
    for cell in notebook.cells:
        for match in LEFT_OVER.finditer(cell.source):
            yield f"cell {cell.index}: {match[0]!r}"


def _around(text: str, match: re.Match[str]) -> str:
    return "…" + " ".join(text[max(0, match.start() - 25) : match.end() + 25].split()) + "…"


RULES = [says_nothing_unkind, spells_the_british_way, nothing_is_left_over]
