"""The house as a whole: which room may import which, how long a module is, what the files may not mention."""

import ast
import configparser
import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

import fewgroups
import helpers

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "fewgroups" / "src" / "fewgroups"
MODULES = sorted([*(ROOT / "helpers").rglob("*.py"), *LIBRARY.rglob("*.py")])
MOST_SANITIZERS = 5


def imported(source: str) -> set[str]:
    """The packages that a source imports."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").split(".")[0])
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
    return found


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


def test_the_library_needs_what_it_declares_and_nothing_of_the_course() -> None:
    project = tomllib.loads((ROOT / "fewgroups" / "pyproject.toml").read_text("utf-8"))["project"]
    declared = {re.split(r"[<>=\[ ]", need)[0] for need in project["dependencies"]}
    needed = {name for path in LIBRARY.rglob("*.py") for name in imported(path.read_text("utf-8"))}
    assert needed - sys.stdlib_module_names - {"fewgroups"} == declared


def test_the_library_is_the_one_of_this_copy() -> None:
    """From the root, a fewgroups that is not installed is an empty namespace; another copy may be installed."""
    assert Path(fewgroups.__file__).parent == LIBRARY


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_everything_public_has_a_docstring(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "the module itself"
    assert [node.name for node in public_names(tree) if not ast.get_docstring(node)] == []


PUBLIC = [
    (package, name)
    for package in (fewgroups, helpers)
    for name in package.__all__
    if inspect.isfunction(getattr(package, name)) or name in ("Design", "Truth")
]


@pytest.mark.parametrize(("package", "name"), PUBLIC, ids=[name for _, name in PUBLIC])
def test_a_public_docstring_names_every_parameter(package: ModuleType, name: str) -> None:
    thing = getattr(package, name)
    parameters = inspect.signature(thing).parameters
    assert [one for one in parameters if not re.search(rf"\b{one}\b", thing.__doc__ or "")] == []


def test_no_public_function_has_the_name_of_a_module() -> None:
    modules = {path.parent.name if path.name == "__init__.py" else path.stem for path in MODULES}
    assert {name for _, name in PUBLIC} & modules == set()


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
