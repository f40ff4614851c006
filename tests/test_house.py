"""The house as a whole: which room may import which, how long a module is, what the files may not mention."""

import ast
import configparser
import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import helpers

ROOT = Path(__file__).resolve().parents[1]
FLOORS = [
    {"designs", "tables"},
    {"engine", "simulation"},
    {"fitting"},
    {"inference", "studies"},
    {"explanation", "figures", "exercises"},
    {"explorables"},  # they redraw figures
]
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
MODULES = sorted((ROOT / "helpers").rglob("*.py"))
MOST_SANITIZERS = 5


def room(path: Path) -> str:
    """The room that a module belongs to; "" for the public face."""
    return path.relative_to(ROOT / "helpers").parts[0].removesuffix(".py").removeprefix("__init__")


def imported_rooms(source: str) -> set[str]:
    """The rooms of helpers that a source imports; "" stands for the package's public face."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == "helpers":
            found |= {alias.name if alias.name in FLOOR else "" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("helpers."):
            found.add((node.module or "").split(".")[1])
        elif isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
            found |= {(name + [""])[1] for name in names if name[0] == "helpers"}
    return found


def uphill(importer: str, source: str) -> set[str]:
    """The rooms that a module of one room imports and may not: those that are not below it."""
    return {
        other
        for other in imported_rooms(source)
        if other != importer and FLOOR.get(other, 99) >= FLOOR[importer]
    }


def public_names(tree: ast.Module) -> list[ast.FunctionDef | ast.ClassDef]:
    """Public functions and classes of a module, and the public methods of those classes."""
    kinds = (ast.FunctionDef, ast.ClassDef)
    top = [node for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")]
    methods = [
        node
        for owner in top
        if isinstance(owner, ast.ClassDef)
        for node in owner.body
        if isinstance(node, kinds) and not node.name.startswith("_")
    ]
    return top + methods


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down_only(path: Path) -> None:
    if room(path):
        assert room(path) in FLOOR
        assert uphill(room(path), path.read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize(
    "source",
    [
        "from helpers.studies import power",
        "import helpers.figures",
        "from helpers import exercises",
        "from helpers import fit",
    ],
)
def test_an_import_that_points_up_is_caught(source: str) -> None:
    assert uphill("engine", source)
    assert (
        uphill(
            "engine",
            "from helpers.designs import Design\nfrom helpers.engine.batch import fit_many",
        )
        == set()
    )


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_everything_public_has_a_docstring(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "the module itself"
    assert [node.name for node in public_names(tree) if not ast.get_docstring(node)] == []


@pytest.mark.parametrize(
    "name", [name for name in helpers.__all__ if callable(getattr(helpers, name))]
)
def test_a_public_docstring_names_every_parameter(name: str) -> None:
    thing = getattr(helpers, name)
    parameters = inspect.signature(thing).parameters
    assert [one for one in parameters if not re.search(rf"\b{one}\b", thing.__doc__ or "")] == []


def test_no_public_function_has_the_name_of_a_module() -> None:
    modules = {path.parent.name if path.name == "__init__.py" else path.stem for path in MODULES}
    assert {
        name for name in helpers.__all__ if not inspect.ismodule(getattr(helpers, name))
    } & modules == set()


def course_files() -> list[Path]:
    """The files of the course: what git tracks, or in a plain download all that is not made by running it."""
    git = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if git.returncode == 0 and git.stdout:
        return [
            ROOT / name
            for name in git.stdout.decode().split("\0")
            if name and (ROOT / name).is_file()
        ]
    made = {
        ".venv",
        "my_lessons",
        "__pycache__",
        ".git",
        ".pytest_cache",
        ".mypy_cache",
        ".ruff_cache",
    }
    return [path for path in ROOT.rglob("*") if path.is_file() and not made & set(path.parts)]


# Folders and words of the machines that the course was made on; in pieces, so that this file passes its own test.
PIECES = [
    "/wo|rk/",
    "/fa|rm/",
    "/tm|p/[a-z]",
    "/ro|ot/",
    r"\.lib|rary",
    "before-|stop",
    "developers.? ses|sion",
]
MACHINE = re.compile("|".join(piece.replace("|", "") for piece in PIECES))


def test_no_file_mentions_the_machine_that_made_it() -> None:
    found = []
    for path in course_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a binary file
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in MACHINE.finditer(text)]
    assert found == []


def test_a_mention_of_the_machine_would_be_found() -> None:
    assert MACHINE.search("saved in " + "/tm" + "p/ipykernel") and not MACHINE.search(
        "templates/work.html"
    )


def test_nbval_is_strict() -> None:
    """No lax mode anywhere, and few rules that blur outputs before they are compared."""
    pytest_options = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
        "pytest"
    ]
    options = str(pytest_options)
    assert "--nbval-lax" not in (ROOT / "course.py").read_text(encoding="utf-8") + options
    for name in re.findall(r"--(?:nbval-)?sanitize-with[= ',]+([\w./-]+)", options):
        rules = configparser.ConfigParser()
        rules.read(ROOT / name, encoding="utf-8")
        assert len(rules.sections()) <= MOST_SANITIZERS


@pytest.mark.full
@pytest.mark.parametrize(
    "checker", [["ruff", "format", "--check"], ["ruff", "check"], ["mypy"]], ids=" ".join
)
def test_lint_and_types_are_clean(checker: list[str]) -> None:
    found = subprocess.run(
        [sys.executable, "-m", *checker], cwd=ROOT, capture_output=True, text=True
    )
    assert found.returncode == 0, found.stdout + found.stderr
