"""The course as a whole: how much code there is, what the library needs, what every file must keep."""

import ast
import inspect
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import fewgroups
import helpers

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "fewgroups" / "src" / "fewgroups"
MODULES = sorted([*(ROOT / "helpers").rglob("*.py"), *LIBRARY.rglob("*.py")])

# Lines of Python (and JavaScript), formatted, blank lines and comments included: the most there may be. A budget is
# there to make you choose: what no lesson, page or named promise uses goes first. What has gone does not come back.
BUDGETS = {
    "fewgroups/src": 6_500,
    "helpers without answers": 2_000,
    "helpers/answers": 1_750,
    "handouts": 2_000,
    "door and course.py": 900,
    "tests": 10_000,
}


def part(path: str) -> str | None:
    """The part of the course whose budget a file counts against."""
    folder, *inner = path.split("/")
    if "tests" in (folder, *inner):
        return "tests"
    if folder == "helpers":
        return "helpers/answers" if inner[0] == "answers" else "helpers without answers"
    names = {"door": "door and course.py", "course.py": "door and course.py"}
    names |= {"handouts": "handouts", "fewgroups": "fewgroups/src"}
    return names.get(folder)


def course_files() -> list[str]:
    """The files of the course: what git tracks, or in a plain download all that is not made by running it."""
    if (ROOT / ".git").exists() and shutil.which("git"):
        git = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
        names = git.stdout.decode().split("\0")
    else:
        made = re.compile(r"\.|(.*/)?(my_lessons|build|__pycache__|wheels)/")
        names = [path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*")]
        names = [name for name in names if not made.match(name)]
    return [name for name in names if (ROOT / name).is_file()]


def test_every_part_keeps_within_its_budget(capsys: pytest.CaptureFixture[str]) -> None:
    lines: Counter[str | None] = Counter()
    for name in course_files():
        if name.endswith((".py", ".js")):
            lines[part(name)] += len((ROOT / name).read_text(encoding="utf-8").splitlines())
    table = "\n".join(f"{lines[name]:7,} of {most:6,}  {name}" for name, most in BUDGETS.items())
    with capsys.disabled():
        print("\n" + table)
    assert [name for name, most in BUDGETS.items() if lines[name] > most] == [], table


def imported(source: str) -> set[str]:
    """The packages that a source imports."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").split(".")[0])
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
    return found


def test_the_library_needs_what_it_declares_and_nothing_of_the_course() -> None:
    project = tomllib.loads((ROOT / "fewgroups" / "pyproject.toml").read_text("utf-8"))["project"]
    declared = {re.split(r"[<>=\[ ]", need)[0] for need in project["dependencies"]}
    needed = {name for path in LIBRARY.rglob("*.py") for name in imported(path.read_text("utf-8"))}
    assert needed - sys.stdlib_module_names - {"fewgroups"} == declared


def test_the_library_is_the_one_of_this_copy() -> None:
    """From the root, a fewgroups that is not installed is an empty namespace; another copy may be installed."""
    assert Path(fewgroups.__file__).parent == LIBRARY


PUBLIC = [
    (package, name)
    for package in (fewgroups, helpers)
    for name in package.__all__
    if inspect.isfunction(getattr(package, name)) or name in ("Design", "Truth")
]


def test_no_public_function_has_the_name_of_a_module() -> None:
    """The package's modules are loaded when asked for, and would take the function's place."""
    modules = {path.parent.name if path.name == "__init__.py" else path.stem for path in MODULES}
    assert {name for _, name in PUBLIC} & modules == set()


def test_no_two_classes_share_a_name() -> None:
    names = Counter(
        node.name
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    )
    words = {"Design", "Truth"}  # the library's, and the course's own words for them
    assert [name for name, count in names.items() if count > 1 and name not in words] == []


def defined(
    tree: ast.Module | ast.ClassDef,
) -> Iterator[ast.Module | ast.ClassDef | ast.FunctionDef]:
    """A module or class with the functions, classes and methods in it."""
    yield tree
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield from defined(node) if isinstance(node, ast.ClassDef) else [node]


def test_everything_public_has_a_docstring() -> None:
    lacking = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in MODULES
        for node in defined(ast.parse(path.read_text(encoding="utf-8")))
        if not (name := getattr(node, "name", "the module")).startswith("_")
        and not ast.get_docstring(node)
    ]
    assert lacking == []


@pytest.mark.parametrize(("package", "name"), PUBLIC, ids=[name for _, name in PUBLIC])
def test_a_public_docstring_names_every_parameter(package: ModuleType, name: str) -> None:
    thing = getattr(package, name)
    parameters = inspect.signature(thing).parameters
    assert [one for one in parameters if not re.search(rf"\b{one}\b", thing.__doc__ or "")] == []


def test_old_names_of_helpers_say_where_they_are() -> None:
    for name in ("coefficients", "explain", "fit", "fit_many", "monte_carlo", "variances"):
        with pytest.raises(ImportError, match=f"from fewgroups import {name}"):
            getattr(helpers, name)


def test_no_file_holds_a_path_of_somebodys_machine() -> None:
    homes = re.compile(r"(?<![\w.:/])/(?:root|tmp|work)/\w")
    found = []
    for name in course_files():
        try:
            text = (ROOT / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a binary file
        found += [f"{name}: {match[0]}" for match in homes.finditer(text)]
    assert found == []


def test_nbval_is_strict() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    options = project["tool"]["pytest"]["ini_options"]["addopts"]
    assert "--nbval " in options and "lax" not in options and "sanitize" not in options


@pytest.mark.full
@pytest.mark.parametrize("checker", ["ruff format --check", "ruff check", "mypy"])
def test_format_lint_and_types_are_clean(checker: str) -> None:
    command = [sys.executable, "-m", *checker.split()]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr
