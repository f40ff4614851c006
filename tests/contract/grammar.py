"""The grammar of a lesson: how long it is, what it asks before it tells, what is folded, how it is spelt.

A lesson is written as a reader meets it: a question or a picture first; each prediction right before the cell that
answers it, and the one paragraph that says the answer in a cell of its own, tagged `happened`, which learners'
copies and pages fold; what a specialist wants in one last section, tagged `deeper`, folded as well.
"""

import re
from collections.abc import Iterator

from tests.contract.structure import DEEPER, LAST, all_boxes, boxes, headings, items, sections
from tests.notebooks import Cell, Notebook

HIDDEN = {"solution", "teacher", "deeper"}
BESIDES = {"Exercises", "In your own project", DEEPER, *LAST}  # these sections every lesson has
MOST_SECTIONS = 8
MOST_DEEPER = 800  # words
MOST_HAPPENED = 120
WORDS = {"00": 1_800, "01": 2_200, "02": 2_200, "03": 2_200, "04": 2_200, "05": 2_600, "14": 10**6}
WORDS_PART_TWO = 2_400
MINUTES = {"00": 45}
MOST_MINUTES = 65
# Each result is predicted once, in the lesson that owns it; later it is recalled. A prediction's cell is called
# predict-<what it asks>; these must be asked, and where.
OWNERS = {
    "all-four-drop": "00",
    "two-bars": "00",
    "which-row": "00",
    "true-and-used-se": "01",
    "cancelling-point": "01",
    "repeats-or-athletes": "01",
    "variances-or-sds": "05",
    "unusable-se": "05",
}
# These tell readers who do not follow that the fault is theirs.
UNKIND = re.compile(r"(?i)\b(?:simply|obviously|just|trivial(?:ly)?|needless to say)\b")
AMERICAN = re.compile(
    r"(?i)\b(?:\w*color(?!ad)\w*|center(?:s|ed|ing)?|analyz\w+|\w*model(?:ed|ing)|label(?:ed|ing)|behavior\w*"
    r"|favor\w*|grays?|fulfill|(?:optim|standard|summar|visual|recogn|normal|random|general|regular|organ|real"
    r"|minim|maxim|emphas|categor|character|penal|equal)iz(?:e|es|ed|er|ers|ing|ation|ations)|judgment|toward"
    r"|meters?|liters?|catalog|neighbor\w*|defense)\b"
)
LEFT_OVER = re.compile(r"\b(?:PLACEHOLDER|TODO|FIXME|XXX|TBD)\b|(?i:lorem ipsum)|\?\?\?")


def visible(notebook: Notebook) -> str:
    """The prose that a reader meets, answers to check-yourself included: no solutions, notes, asides, comments."""
    texts = [cell.source for cell in notebook.markdown if not HIDDEN & set(cell.tags)]
    marks = r"(?s)<!--.*?-->|</?(?:details|summary)>|\|(?:[-:]+\|)*|\]\([^)]*\)|^> ?"
    return re.sub(marks, " ", "\n\n".join(texts), flags=re.MULTILINE)


def words(notebook: Notebook) -> int:
    """How many words of visible prose a lesson has."""
    return len(visible(notebook).split())


def minutes(notebook: Notebook) -> float:
    """How long a lesson takes somebody alone: reading, predicting, looking, exercises."""
    code = sum(len(cell.code_lines) for cell in notebook.code if not HIDDEN & set(cell.tags))
    stars = [len(stars) for stars in re.findall(r"(?m)^### Exercise \S+ (★+)", visible(notebook))]
    figures = sum(len(cell.figures) for cell in notebook.code if not HIDDEN & set(cell.tags))
    asked = len(all_boxes(notebook, "Predict first."))
    checks = len(all_boxes(notebook, "Check yourself."))
    return (words(notebook) + 10 * code) / 110 + 2 * asked + 3 * sum(stars) + figures + checks


def promised(notebook: Notebook) -> int:
    """The minutes that a lesson's head promises."""
    found = re.search(r"(?m)^\*\*Minutes:\*\* (\d+)\s*$", notebook.cells[0].source)
    return int(found[1]) if found else 0


def content_sections(notebook: Notebook) -> list[str]:
    """The titles of the sections that carry the lesson's ideas."""
    return [title for title in sections(notebook) if title not in BESIDES]


def is_of_its_size(notebook: Notebook) -> Iterator[str]:
    most = WORDS.get(notebook.number, WORDS_PART_TWO)
    if words(notebook) > most:
        yield f"{words(notebook)} words of visible prose: expected at most {most}"
    if len(content_sections(notebook)) > MOST_SECTIONS and notebook.number != "14":
        yield f"{len(content_sections(notebook))} sections: expected at most {MOST_SECTIONS}"


def promises_its_minutes(notebook: Notebook) -> Iterator[str]:
    if notebook.number == "14":
        return
    said, takes = promised(notebook), minutes(notebook)
    if not abs(said - takes) <= 0.15 * takes:
        yield f"'**Minutes:** {said}': it takes {takes:.0f}, and the promise may differ by 15 %"
    most = MINUTES.get(notebook.number, MOST_MINUTES)
    if said > most:
        yield f"{said} minutes: expected at most {most}"


def opens_with_a_question_or_a_picture(notebook: Notebook) -> Iterator[str]:
    head = re.sub(r"(?s)<!--.*?-->", "", notebook.cells[0].source.partition("**Minutes:**")[0])
    if "![" not in head and not re.search(r"\?\**\s*$", head):
        yield "the first cell has neither a picture nor a question before its minutes"
    aims = items(notebook.cells[0].source.partition("**You will be able to**")[2])
    if len(aims) != 3:
        yield f"{len(aims)} objectives under '**You will be able to**' in the first cell: expected 3"


def answers_stand_apart(notebook: Notebook) -> Iterator[str]:
    """Each prediction, its result, and the one paragraph that says what happened."""
    for cell in notebook.markdown:
        asks = any(box.startswith("**Predict first.**") for box in boxes(cell))
        if asks and not cell.id.startswith("predict-"):
            yield f"cell {cell.index}: call a prediction's cell predict-<what it asks>; it is {cell.id!r}"
        if asks and not any("happened" in c.tags for c in notebook.cells[cell.index + 2 :][:2]):
            yield f"cell {cell.index}: no cell tagged happened right after the prediction's result"
        if "happened" in cell.tags:
            yield from _happened(cell)


def _happened(cell: Cell) -> Iterator[str]:
    where = f"cell {cell.index}, tagged happened"
    if cell.is_code:
        yield f"{where}: it is code; a fold holds the output and one paragraph"
        return
    text = re.sub(r"(?s)<!--.*?-->", "", cell.source).strip()
    if "\n\n" in text or headings(cell) or re.search(r"\$\$|^```|^\||^>", text, re.MULTILINE):
        yield f"{where}: more than one paragraph, or an equation, a table, a box: these stay outside the fold"
    if len(text.split()) > MOST_HAPPENED:
        yield f"{where}: {len(text.split())} words: expected at most {MOST_HAPPENED}"


def the_aside_is_one_section(notebook: Notebook) -> Iterator[str]:
    tagged = [cell for cell in notebook.cells if "deeper" in cell.tags]
    if not tagged:
        return
    if not tagged[0].source.startswith(f"## {DEEPER}"):
        yield f"cell {tagged[0].index}, tagged deeper: it should start with '## {DEEPER}'"
    places = [cell.index for cell in tagged]
    if places != list(range(places[0], places[0] + len(places))):
        yield f"cells {places}, tagged deeper, are not one section"
    count = sum(len(cell.source.split()) for cell in tagged if cell.is_markdown)
    if count > MOST_DEEPER:
        yield f"{count} words under '{DEEPER}': expected at most {MOST_DEEPER}"


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
