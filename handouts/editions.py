"""What each edition may hold. What one leaves out is cut from the source, before anything is made of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any

from handouts.source import Lesson, LessonError, joined


@dataclass(frozen=True)
class Edition:
    """What an edition holds (`answers`: solutions too) and whether it folds what follows a prediction."""

    name: str
    title: str
    answers: bool
    notes: bool
    folds: bool


SELF_STUDY = Edition("self-study", "Self-study edition", answers=True, notes=False, folds=True)
STUDENT = Edition("student", "Student edition", answers=False, notes=False, folds=True)
TEACHER = Edition("teacher", "Teacher edition", answers=True, notes=True, folds=False)
EDITIONS = {edition.name: edition for edition in (SELF_STUDY, STUDENT, TEACHER)}

NOTE = "For the teacher"
_TOKEN = re.compile(  # code first, so that a tag inside it is not taken for one
    r"(?P<code>^[> ]*(?P<fence>```+|~~~+).*?^[> ]*(?P=fence)[ \t]*$"
    r"|(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`))"
    r"|(?P<comment><!--.*?-->)|(?P<open><details\b[^>]*>)|(?P<close></details\s*>)",
    re.DOTALL | re.MULTILINE | re.IGNORECASE,
)
_QUOTED_NOTE = re.compile(rf"^> ?\*\*{NOTE}\b.*\n?(?:^>.*\n?)*", re.MULTILINE)


def edited(lesson: Lesson, edition: Edition) -> Lesson:
    """The lesson with only what this edition may hold, and without the comments that only tests read."""
    cells = []
    for cell in lesson.cells:
        if _cut(cell.tags, edition):
            continue
        if cell.kind == "markdown":
            cell = replace(
                cell, source=_text(cell.source, edition, f"{lesson.path.name}, cell {cell.id!r}")
            )
            if not cell.source.strip():
                continue
        cells.append(cell)
    return replace(lesson, cells=tuple(cells))


def notebook(lesson: Lesson, edition: Edition) -> str:
    """The notebook of an edition, as JSON: the teacher's as it stands, with outputs; a learner's as it is first met.

    In a learner's copy nothing answers a question before it is asked: there are no outputs, solutions and what
    happened are folded text that no "Run All" runs, what goes deeper is folded, and boxes are told apart by colour.
    Folds and colours are plain Markdown and HTML that JupyterLab, VS Code and others show without an extension.
    """
    content = lesson.path.read_text(encoding="utf-8")
    if edition.notes:
        return content
    raw: dict[str, Any] = json.loads(content)
    kept: list[dict[str, Any]] = []
    for place, cell in enumerate(raw["cells"], start=1):
        tags = frozenset(cell["metadata"].get("tags", []))
        if _cut(tags, edition):
            continue
        name = str(cell.get("id", place))
        source = joined(cell["source"])
        if cell["cell_type"] == "markdown":
            source = _text(source, edition, f"{lesson.path.name}, cell {name!r}")
            if not source.strip():
                continue
            new = _markdown(name, _coloured(_folded(source, tags)), tags)
            if "attachments" in cell:
                new["attachments"] = cell["attachments"]
        elif "solution" in tags:
            new = _markdown(name, _fold("Solution", f"```python\n{source}\n```"), tags)
        else:
            new = cell | {"outputs": [], "execution_count": None}
        kept.append(new)
    kernel = raw.get("metadata", {}).get("kernelspec", {})
    raw.update(cells=kept, metadata={"kernelspec": kernel} if kernel else {})
    return json.dumps(raw, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


# Boxes by their lead: a mark, and a colour that stands out on white and on black paper alike.
_LOOKS = {
    "Predict first.": ("✎", "217, 119, 6"),
    "Common misreading.": ("⚠", "220, 38, 38"),
    "Check yourself.": ("?", "37, 99, 235"),
}
_QUOTE = re.compile(r"(?m)^>.*(?:\n>.*)*")


def _coloured(source: str) -> str:
    """Boxes as blocks with a coloured edge: JupyterLab shows all block quotes alike."""

    def box(quote: re.Match[str]) -> str:
        text = re.sub(r"(?m)^> ?", "", quote[0])
        lead = next((lead for lead in _LOOKS if text.startswith(f"**{lead}**")), None)
        if lead is None:
            return quote[0]
        mark, colour = _LOOKS[lead]
        look = (
            f"border-left: 6px solid rgb({colour}); background: rgba({colour}, 0.1); "
            "padding: 8px 16px; margin: 8px 0"
        )
        text = text.replace(f"**{lead}**", f"**{mark} {lead}**", 1)
        return f'<div style="{look}">\n\n{text.strip()}\n\n</div>'

    return _QUOTE.sub(box, source)


def _folded(source: str, tags: frozenset[str]) -> str:
    if "happened" in tags:
        return _fold("What happened", source)
    if "deeper" not in tags:
        return source
    heading, _, rest = source.partition("\n") if source.startswith("#") else ("", "", source)
    return (
        f"{heading}\n\n{_fold('For those who want more', rest)}".strip()
        if rest.strip()
        else heading
    )


def _fold(summary: str, text: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{text.strip()}\n\n</details>"


def _markdown(name: str, source: str, tags: frozenset[str]) -> dict[str, Any]:
    metadata: dict[str, Any] = {"tags": sorted(tags)} if tags else {}
    if "deeper" in tags and source.startswith("## "):
        metadata["jp-MarkdownHeadingCollapsed"] = True  # the section's code too, in JupyterLab
    return {"cell_type": "markdown", "id": name, "metadata": metadata, "source": source}


def _cut(tags: frozenset[str], edition: Edition) -> bool:
    return ("solution" in tags and not edition.answers) or ("teacher" in tags and not edition.notes)


def _text(source: str, edition: Edition, where: str) -> str:
    """Markdown without comments and without the folds that this edition leaves out."""
    pieces: list[str] = []  # what is kept; a fold that is open starts at marks[-1]
    marks: list[int] = []
    end = 0
    for token in _TOKEN.finditer(source):
        pieces.append(source[end : token.start()])
        end = token.end()
        if token["comment"]:
            pieces[-1] = pieces[-1].rstrip(
                " \t"
            )  # what follows brings its own space, or ends the line
        elif token["code"]:
            pieces.append(token[0])
        elif token["open"]:
            marks.append(len(pieces))
            pieces.append(token[0])
        elif token["close"]:
            if not marks:
                raise LessonError(f"{where}: </details> without <details>")
            start = marks.pop()
            if _kept("".join(pieces[start:]), edition):
                pieces.append(token[0])
            else:
                del pieces[start:]
                pieces[-1:] = [re.sub(r"(?:^|\n)[> \t]*\Z", "\n", pieces[-1])] if pieces else []
    if marks:
        raise LessonError(f"{where}: a <details> is not closed")
    text = "".join([*pieces, source[end:]])
    if not edition.notes:
        text = _QUOTED_NOTE.sub("", text)
    text = re.sub(
        r"(?:^>[ \t]*\n)+(?=^[^>]|^$|\Z)|(?:^>[ \t]*)\Z", "", text + "\n", flags=re.MULTILINE
    )
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n")


def _kept(fold: str, edition: Edition) -> bool:
    """Whether an edition keeps a fold: a note to the teacher, or else an answer."""
    is_note = re.search(rf"<summary>\s*{NOTE}\b", fold, re.IGNORECASE)
    return edition.notes if is_note else edition.answers
