"""The ten questions before and after the course: form A in lessons 00 and 12, form B in lesson 12."""

import re
from collections.abc import Iterator

from tests.notebooks import Notebook

FORMS = {"00": "A", "12": "AB"}
QUESTIONS = range(1, 11)
LETTERS = "abcd"


def question(notebook: Notebook, form: str, number: int) -> str:
    """The text of a question as a reader sees it, without the comments that only tests read; "" without one."""
    ident = f"question-{form.lower()}{number}"
    return next(
        (re.sub(r" *<!--.*?-->", "", c.source) for c in notebook.markdown if c.id == ident), ""
    )


def options(text: str) -> dict[str, str]:
    """The options of a question by letter."""
    return dict(re.findall(r"(?m)^- \(([a-z])\) (.*\S)$", text))


def forms_are_whole(notebook: Notebook) -> Iterator[str]:
    """Ten questions a form, four options each, a place for the letter right below, and all ten are counted."""
    for form in FORMS.get(notebook.number, ""):
        for number in QUESTIONS:
            name = f"{form.lower()}{number}"
            text = question(notebook, form, number)
            if not text.startswith(f"### Question {form}{number}\n"):
                yield f"no cell question-{name} that starts '### Question {form}{number}'"
                continue
            if list(options(text)) != list(LETTERS):
                yield f"question {form}{number}: options {list(options(text))}: expected (a) to (d)"
            after = [c for c in notebook.cells if c.id == f"question-{name}"][0].index + 1
            if notebook.cells[after].source != f"{name} = ...":
                yield f"question {form}{number}: expected the code cell '{name} = ...' right below"
        names = ", ".join(f"{form.lower()}{number}" for number in QUESTIONS)
        asks = "answered" if notebook.number == "00" else "score"
        if not any(f'{asks}("{form}", [{names}]' in cell.source for cell in notebook.code):
            yield f'no cell with {asks}("{form}", [{names}])'


RULES = [forms_are_whole]
