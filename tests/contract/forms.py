"""The ten questions before and after the course: form A before lesson 00 and in lesson 14, form B there."""

import re
from collections.abc import Iterator

from tests.notebooks import Notebook

FORMS = {"before_you_begin": "A", "14_test_yourself_and_glossary": "AB"}
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
    for form in FORMS.get(notebook.path.stem, ""):
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
        asks = "answered" if notebook.path.stem == "before_you_begin" else "score"
        if not any(f'{asks}("{form}", [{names}]' in cell.source for cell in notebook.code):
            yield f'no cell with {asks}("{form}", [{names}])'


RULES = [forms_are_whole]
