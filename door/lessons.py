"""The lessons, and the learner's own copies of them in `my_lessons/`.

A record of what was handed out lets a later start distinguish a copy that the learner changed (always kept)
from one that they did not (renewed when the lesson is revised).
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
from pathlib import Path

from door import ROOT, Stop, say


def lessons(root: Path = ROOT) -> dict[str, Path]:
    """The lessons by number ("03"), in reading order, and the questions to answer before them, by name."""
    folder = root / "notebooks"
    paths = {path.name[:2]: path for path in sorted(folder.glob("[0-9][0-9]_*.ipynb"))}
    return paths | {path.stem: path for path in folder.glob("before_you_begin.ipynb")}


def chosen(names: list[str], root: Path = ROOT) -> list[Path]:
    """The lessons that `names` (numbers such as 3 or 03, or file names) mean; all when no name is given.

    Raises Stop when there is no such lesson.
    """
    known = lessons(root)
    if not known:
        raise Stop("There is no lesson in notebooks/: fetch the whole course again.")
    found = []
    for name in names or known:
        stem = Path(name).name.removesuffix(".ipynb")
        key = stem if stem in known else stem[:2] if not stem.isdecimal() else stem.zfill(2)
        if key not in known:
            raise Stop(f"There is no lesson {name}; the lessons here are: {', '.join(known)}.")
        found.append(known[key])
    return found


def fresh(lesson: Path, student: bool = False) -> str:
    """The text of a lesson as a learner first meets it: nothing has run, and a student's copy has no solutions.

    Raises Stop when the lesson is not whole.
    """
    text = lesson.read_text("utf-8")
    # A student's bundle has no handouts/: what it holds is an edition already.
    if (ROOT / "handouts" / "editions.py").exists():
        from handouts import editions, source

        edition = editions.STUDENT if student else editions.SELF_STUDY
        try:
            text = editions.notebook(source.read(lesson), edition)
        except source.LessonError as error:
            raise Stop(f"{error}.") from None
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"]).splitlines(keepends=True)  # as Jupyter saves it
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def digest(text: str) -> str:
    """What a reader would call the notebook's content: cells and outputs, not the settings that JupyterLab
    adds by merely opening it. A file that is no notebook counts as it stands."""
    try:
        cells = json.loads(text)["cells"]
        kept = ("cell_type", "source", "attachments")
        parts = [[*map(cell.get, kept), cell.get("outputs") or []] for cell in cells]
        content = json.dumps(parts, sort_keys=True)
    except (ValueError, KeyError, TypeError, AttributeError):
        content = text
    return hashlib.sha256(content.encode()).hexdigest()


def write(path: Path, text: str) -> None:
    """Write all of a file or nothing of it."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8", newline="\n")
    os.replace(part, path)


def unused(path: Path) -> Path:
    """`path`, or the first of path_2, path_3, … that is not there yet."""
    count, free = 1, path
    while free.exists():
        count += 1
        free = path.with_stem(f"{path.stem}_{count}")
    return free


class Copies:
    """The learner's folder, with the record of what was handed out; students' copies have a folder of their own."""

    def __init__(self, root: Path = ROOT, student: bool = False) -> None:
        self.root, self.student = root, student
        self.folder = root / "my_lessons" / ("student" if student else "")
        self.record = self.folder / ".handed_out.json"
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self.handed = dict(json.loads(self.record.read_text("utf-8", errors="replace")))
        except (OSError, ValueError, TypeError):
            self.handed = {}

    def hand_out(self) -> None:
        """Copies of all lessons: new ones made, unchanged ones renewed, changed ones kept, with a word on each."""
        self.set_old_ones_aside()
        renewed, kept = [], []
        for number, lesson in lessons(self.root).items():
            copy, text = self.folder / lesson.name, fresh(lesson, self.student)
            now, given, held = digest(text), self.handed.get(lesson.name), self.content(copy)
            if held == now:
                self.handed[lesson.name] = now
            elif held in (None, given):
                self.give(copy, text)
                renewed += [number] if held else []
            elif given != now:
                kept.append(number)
        self.save()
        if renewed:
            say(f"Revised, and renewed as you had not changed it: lesson {', '.join(renewed)}.")
        if kept:
            numbers = ("--student " if self.student else "") + " ".join(kept)
            brings = f"`course.py reset {numbers}` brings the new one and puts yours beside it"
            say(f"Revised, but kept as you changed it: lesson {' '.join(kept)}. {brings}.")

    def set_old_ones_aside(self) -> None:
        """Copies of what is no lesson any more (renamed, renumbered): moved to `old/` unless they were changed."""
        names = {lesson.name for lesson in lessons(self.root).values()}
        moved, kept, old = [], [], self.folder / "old"
        for name in sorted(set(self.handed) - names):
            copy, given = self.folder / name, self.handed.pop(name)
            if self.content(copy) == given:
                old.mkdir(exist_ok=True)
                copy.rename(unused(old / name))
                moved.append(name)
            elif copy.exists():
                kept.append(name)
        if moved:
            where = old.relative_to(self.root).as_posix()
            say(
                f"No lesson has these names any more; you had not changed them, so they are now in {where}: "
                f"{', '.join(moved)}."
            )
        if kept:
            say(f"No lesson has these names any more; your work in them stays: {', '.join(kept)}.")

    def reset(self, chosen_lessons: list[Path]) -> None:
        """Fresh copies; what the learner changed is kept beside them under the day's date."""
        today = datetime.date.today().isoformat()
        for lesson in chosen_lessons:
            copy, text, kept = self.folder / lesson.name, fresh(lesson, self.student), ""
            if self.content(copy) not in (None, digest(text), self.handed.get(lesson.name)):
                aside = unused(copy.with_stem(f"{copy.stem}_{today}"))
                copy.rename(aside)
                kept = f"; yours is kept as {aside.name}"
            self.give(copy, text)
            self.save()
            say(f"{copy.relative_to(self.root).as_posix()} is fresh{kept}.")

    def content(self, copy: Path) -> str | None:
        """The digest of a copy; None where there is none."""
        return digest(copy.read_text("utf-8", errors="replace")) if copy.exists() else None

    def give(self, copy: Path, text: str) -> None:
        """Write a copy and remember what was given."""
        write(copy, text)
        self.handed[copy.name] = digest(text)

    def save(self) -> None:
        """Write the record."""
        write(self.record, json.dumps(self.handed, indent=1, sort_keys=True) + "\n")
