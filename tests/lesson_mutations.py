"""Would a slip in a lesson be noticed? Changes one thing at a time in a copy of the course, runs the tests that read
it, and counts what they catch.

    python -m tests.lesson_mutations                 100 changes, on every kind alike
    python -m tests.lesson_mutations --count 20 --seed 2 --kind number --kind link

Kinds: a digit of a number in the prose, a formula in a lesson's code, a colour or limit in a drawing, a character of a
stored output, a word of an alt text, the rule of an answer key, a link. What no test notices is printed: read it and
say why. (Equations in the text are read by people only: no test knows that a sign in LaTeX is wrong.)
"""

from __future__ import annotations

import argparse
import ast
import io
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import tokenize
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from door.commands import NO_BARS
from tests.notebooks import LESSONS, read
from tests.prose.mutations import places

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", "my_lessons", "build", "__pycache__", ".*_cache", ".hypothesis"
)
SWAPS = {
    "+": "-",
    "-": "+",
    "*": "/",
    "/": "*",
    "**": "*",
    "<": ">",
    ">": "<",
    "<=": "<",
    ">=": ">",
    "==": "!=",
}
LOOKS = ("BLUE", "ORANGE", "GREEN", "INK", "GREY", "PINK", "SKY")


@dataclass(frozen=True)
class Change:
    """`old` becomes `new` at `at` in the source (or the k-th stored text) of a cell, or in a file without cells."""

    kind: str
    path: Path  # within the course
    cell: int | None
    output: int | None
    at: int
    old: str
    new: str
    lessons: tuple[str, ...]  # the numbers of the lessons whose cells are run to notice it

    def __str__(self) -> str:
        where = (
            ""
            if self.cell is None
            else f" cell {self.cell}" + ("" if self.output is None else " output")
        )
        return f"{self.kind}: {self.path}{where}: {self.old!r} → {self.new!r}"

    def apply(self, root: Path) -> None:
        """Make the change in the copy at `root`."""
        file = root / self.path
        text = file.read_text(encoding="utf-8")
        if self.cell is None:
            file.write_text(self.edited(text), encoding="utf-8")
            return
        notebook = json.loads(text)
        cell = notebook["cells"][self.cell]
        holder, key = (cell, "source") if self.output is None else _texts(cell)[self.output]
        held = holder[key]
        holder[key] = self.edited(held if isinstance(held, str) else "".join(held))
        file.write_text(json.dumps(notebook, ensure_ascii=False), encoding="utf-8")

    def edited(self, text: str) -> str:
        """`text` with the change in it."""
        assert text[self.at : self.at + len(self.old)] == self.old, f"{self}: not there"
        return text[: self.at] + self.new + text[self.at + len(self.old) :]


def _texts(cell: dict) -> list[tuple[dict, str]]:
    """Where a code cell's stored texts are: what to index with which key."""
    found = []
    for output in cell.get("outputs", []):
        found += [(output, "text")] if "text" in output else [(output["data"], "text/plain")]
    return found


def operators(source: str) -> Iterator[tuple[int, str, str]]:
    """Operators of a Python source: place, what stands there, what could by a slip."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    before = None
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        at = starts[token.start[0] - 1] + token.start[1]
        # A sign, an unpacking star and a lone star in a signature are no arithmetic.
        binary = before is not None and (
            before.type in (tokenize.NAME, tokenize.NUMBER) or before.string in ")]"
        )
        if token.type == tokenize.OP and token.string in SWAPS and binary:
            yield at, token.string, SWAPS[token.string]
        before = token


def digits(text: str, rng: random.Random, pattern: str = r"\d") -> Iterator[tuple[int, str, str]]:
    """Places where `pattern` holds one character, which becomes another of its kind."""
    for match in re.finditer(pattern, text):
        pool = "0123456789" if match[0].isdigit() else "abcdefghijklmnopqrstuvwxyz"
        yield match.start(), match[0], rng.choice(pool.replace(match[0].lower(), ""))


def candidates(kind: str, rng: random.Random) -> list[Change]:
    """All that a kind could change."""
    found = []
    for path in LESSONS:
        name, lesson, notebook = path.relative_to(ROOT), (path.name[:2],), read(path)

        def change(
            at: tuple[int, str, str],
            cell: int | None,
            output: int | None = None,
            file: Path = name,
            runs: tuple[str, ...] = lesson,
        ) -> Change:
            return Change(kind, file, cell, output, *at, runs)

        if kind == "number":
            for place in places(notebook):
                old = notebook.cells[place.cell].source[place.at]
                new = rng.choice("0123456789".replace(old, ""))
                found.append(change((place.at, old, new), place.cell))
        if kind == "formula":
            for cell in notebook.code:
                found += [change(at, cell.index) for at in operators(cell.source)]
                found += [
                    change((match.end() - 2, "~ ", "~ 0 + "), cell.index)
                    for match in re.finditer(r'"\w+ ~ (?!0)', cell.source)
                ]
        if kind == "output":
            for cell in notebook.code:
                for k, (holder, key) in enumerate(_texts(cell.raw)):
                    text = holder[key] if isinstance(holder[key], str) else "".join(holder[key])
                    found += [change(at, cell.index, k) for at in digits(text, rng, r"[0-9a-z]")]
        if kind == "alt":
            for cell in notebook.code:
                for match in re.finditer(r'(?s)alt = f?"""(.*?)"""|alt = f?"(.*?)"', cell.source):
                    start, inside = match.span(1 if match[1] else 2)
                    plain = re.sub(
                        r"\{.*?\}", lambda hole: "\0" * len(hole[0]), cell.source[start:inside]
                    )
                    found += [
                        change((start + word.start(), word[0], "nothing"), cell.index)
                        for word in re.finditer(r"[a-z]{4,}", plain)
                    ]
        if kind == "link":
            for cell in notebook.markdown:
                for match in re.finditer(r"\]\(([^)\s:]+)\)", cell.source):
                    found.append(change((match.end(1) - 1, match[1][-1], "x"), cell.index))
        if kind == "key":
            file = ROOT / "helpers" / "answers" / f"lesson_{path.name[:2]}.py"
            if file.exists():
                source = file.read_text(encoding="utf-8")
                keys = [match.span() for match in re.finditer(r"key=lambda: .*", source)]
                found += [
                    change(at, None, file=file.relative_to(ROOT))
                    for at in operators(source)
                    if any(start <= at[0] < end for start, end in keys)
                ]
                found += [
                    change((match.start(2), match[2], "z"), None, file=file.relative_to(ROOT))
                    for match in re.finditer(r'(key=lambda: ")(\w)"', source)
                ]
    if kind == "drawing":
        for file in sorted((ROOT / "helpers" / "figures").glob("*.py")):
            source = file.read_text(encoding="utf-8")
            for start, inside, runs in _drawings(source):
                body = source[start:inside]
                slips = [
                    (
                        match.start(),
                        match[0],
                        rng.choice([look for look in LOOKS if look != match[0]]),
                    )
                    for match in re.finditer(rf"\b({'|'.join(LOOKS)})\b", body)
                ]
                slips += [
                    (match.start(1), match[1], str((int(match[1]) + 3) % 10))
                    for match in re.finditer(r"set_[xy]lim\([^)\d]*(\d)", body)
                ]
                found += [
                    Change(kind, file.relative_to(ROOT), None, None, start + at, old, new, runs)
                    for at, old, new in slips
                ]
    return found


def _drawings(source: str) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """The public drawings of a module that lessons use: where they stand, and the first lesson that draws one."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef):
            users = [
                path.name[:2]
                for path in LESSONS
                if any(f"figures.{node.name}(" in cell.source for cell in read(path).code)
            ]
            if users:
                yield (
                    starts[node.lineno - 1],
                    starts[node.end_lineno or node.lineno],
                    tuple(users[:1]),
                )


KINDS = ("number", "formula", "drawing", "output", "alt", "key", "link")


def suites(kind: str, lessons: tuple[str, ...]) -> list[list[str]]:
    """The tests that could notice a change of this kind: those that read the lessons, and the lessons' own cells."""
    found = [["tests/test_lessons.py", "tests/test_exercises.py", "tests/test_prose.py"]]
    if kind not in ("number", "link"):  # those stand in text, which no kernel runs
        found.append([f"notebooks/{path.name}" for path in LESSONS if path.name[:2] in lessons])
    return found


def fails(course: Path, what: list[list[str]]) -> bool:
    """Whether one of the suites `what` fails in the copy `course`."""
    env = os.environ | NO_BARS | {"PYTHONPATH": str(course), "OMP_NUM_THREADS": "1"}
    base = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider"]
    return any(
        subprocess.run([*base, *suite], cwd=course, env=env, capture_output=True).returncode
        for suite in what
    )


def noticed(change: Change, course: Path) -> bool:
    """Whether the course's tests fail once the change is made in the copy `course`; the copy is mended afterwards."""
    file = course / change.path
    before = file.read_bytes()
    try:
        change.apply(course)
        return fails(course, suites(change.kind, change.lessons))
    finally:
        file.write_bytes(before)


def main() -> int:
    """Make the changes; 1 when fewer than 95 in 100 are noticed."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.lesson_mutations", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--kind", action="append", choices=KINDS, help="only this kind (may be repeated)"
    )
    given = parser.parse_args()
    rng = random.Random(given.seed)
    kinds = given.kind or KINDS
    pools = {kind: candidates(kind, rng) for kind in kinds}
    changes = [rng.choice(pools[kinds[k % len(kinds)]]) for k in range(given.count)]
    workers = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        copies = [Path(folder) / str(k) for k in range(workers)]
        for place in copies:
            shutil.copytree(ROOT, place, ignore=LEFT_OUT)
        # What fails untouched would count as a change that was noticed.
        ill = [
            lesson
            for lesson in sorted({name for change in changes for name in change.lessons})
            if fails(copies[0], suites("output", (lesson,)))
        ]
        if ill:
            sys.exit(
                f"nothing was changed yet, and the tests of lesson {', '.join(ill)} fail: mend them first"
            )
        shares = [changes[k::workers] for k in range(workers)]

        def work(share: list[Change], place: Path) -> list[bool]:
            results = []
            for change in share:
                results.append(noticed(change, place))
                print(f"{'noticed' if results[-1] else 'NOT NOTICED'} · {change}", flush=True)
            return results

        results = [result for answers in pool.map(work, shares, copies) for result in answers]
    print(f"{sum(results)} of {len(results)} changes were noticed")
    return 0 if sum(results) >= 0.95 * len(results) else 1


if __name__ == "__main__":
    raise SystemExit(main())
