"""The lessons, and the learner's own copies of them in `my_lessons/`.

A list of what was handed out lets a later start tell a copy that the learner changed (kept, always) from one
that they did not (renewed when the lesson is).
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
from pathlib import Path

from door import ROOT, Stop, say


def lessons(root: Path = ROOT) -> dict[int, Path]:
    """The lessons by number, in reading order."""
    return {
        int(path.name[:2]): path for path in sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    }


def chosen(names: list[str], root: Path = ROOT) -> list[Path]:
    """The lessons that `names` (numbers such as 3 or 03, or file names) mean.

    Raises
    ------
    Stop: when there is no such lesson
    """
    known = lessons(root)
    found = []
    for name in names:
        number = Path(name).name[:2] if not name.isdecimal() else name
        if not number.isdecimal() or int(number) not in known:
            there = ", ".join(f"{number:02d}" for number in known) or "none"
            raise Stop(f"There is no lesson {name}; the lessons here are: {there}.")
        found.append(known[int(number)])
    return found


def fresh(lesson: Path) -> str:
    """The text of a lesson without its outputs, as a learner first meets it."""
    notebook = json.loads(lesson.read_text("utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def digest(text: str) -> str:
    """What a reader would call the notebook's content: cells and outputs, not the settings that JupyterLab
    adds by merely opening it. A file that is no notebook counts as it stands."""
    try:
        cells = json.loads(text)["cells"]
        content = json.dumps(
            [
                [cell.get(part) for part in ("cell_type", "source", "attachments")]
                + [cell.get("outputs") or []]
                for cell in cells
            ],
            sort_keys=True,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        content = text
    return hashlib.sha256(content.encode()).hexdigest()


def write(path: Path, text: str) -> None:
    """Write all of a file or nothing of it."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8", newline="\n")
    os.replace(part, path)


def text_of(path: Path) -> str:
    return path.read_text("utf-8", errors="replace")


class Desk:
    """The learner's folder, with the list of what was handed out."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root, self.folder = root, root / "my_lessons"
        self.list = self.folder / ".handed_out.json"
        self.folder.mkdir(exist_ok=True)
        try:
            self.handed = dict(json.loads(text_of(self.list)))
        except (OSError, ValueError, TypeError):
            self.handed = {}

    def hand_out(self) -> None:
        """Copies of all lessons: new ones made, unchanged ones renewed, changed ones kept and told."""
        behind = []
        for number, lesson in lessons(self.root).items():
            copy, text = self.folder / lesson.name, fresh(lesson)
            now, given = digest(text), self.handed.get(lesson.name)
            held = digest(text_of(copy)) if copy.exists() else None
            if held in (None, given) and held != now:
                self.give(copy, text)
                if held is not None:
                    say(
                        f"Lesson {number:02d} was revised; yours was as handed out, so you have the new one."
                    )
            elif held not in (now, given) and given != now:
                behind.append(f"{number:02d}")
            elif held == now:
                self.handed[lesson.name] = now
        self.save()
        if behind:
            numbers = " ".join(behind)
            say(
                f"You changed your copy of lesson {numbers}, so it is kept, and there is a newer one: "
                f"`course.py reset {numbers}` brings that and puts yours beside it."
            )

    def reset(self, chosen_lessons: list[Path]) -> None:
        """Fresh copies; what the learner changed is kept beside them under the day's date."""
        today = datetime.date.today().isoformat()
        for lesson in chosen_lessons:
            copy, text = self.folder / lesson.name, fresh(lesson)
            kept = ""
            if copy.exists() and digest(text_of(copy)) not in (
                digest(text),
                self.handed.get(lesson.name),
            ):
                aside = copy.with_name(f"{copy.stem}_{today}.ipynb")
                count = 1
                while aside.exists():
                    count += 1
                    aside = copy.with_name(f"{copy.stem}_{today}_{count}.ipynb")
                copy.rename(aside)
                kept = f"; yours is kept as {aside.name}"
            self.give(copy, text)
            self.save()
            say(f"my_lessons/{copy.name} is fresh{kept}.")

    def give(self, copy: Path, text: str) -> None:
        write(copy, text)
        self.handed[copy.name] = digest(text)

    def save(self) -> None:
        write(self.list, json.dumps(self.handed, indent=1, sort_keys=True) + "\n")
