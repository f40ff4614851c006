"""The command for authors: `python -m tests.prose 05`."""

import re
import sys
from pathlib import Path

from tests import numbers as num
from tests.notebooks import LESSONS, Notebook, lesson_path, read
from tests.prose import Problem, check, outputs
from tests.prose import __doc__ as about


def suggestions(notebook: Notebook, problem: Problem) -> list[str]:
    """Lines of outputs above that would bind the number which a problem is about."""
    quoted = re.match(r"'(.+?)' is (?:not|weakly) bound", problem.what)
    if not quoted:
        return []
    number = next(num.numbers(quoted[1]))
    above = [cell for cell in reversed(notebook.code) if cell.index <= problem.cell.index]
    found = [output for cell in above for output in num.bound(number, outputs(cell))]
    lines = {f"from: {output.cell}    {output.line.strip()[:80]}": None for output in found}
    return list(lines)[:4]


def main(names: list[str]) -> int:
    """List what is not bound in the named lessons, or in all; the exit code says whether anything is wrong."""
    if {"-h", "--help"} & set(names):
        print(about)
        return 0
    wrong = 0
    for path in [Path(n) if n.endswith(".ipynb") else lesson_path(n) for n in names] or LESSONS:
        notebook = read(path)
        bindings, problems = check(notebook)
        wrong += len(problems)
        given = sum(not binding.shown_by for binding in bindings)
        caught = 1 - sum(binding.weakness for binding in bindings) / max(1, len(bindings))
        print(
            f"{path.name}: {len(bindings) - given} bound, {given} given, {len(problems)} to mend; "
            f"{caught:.1%} of one-digit changes would be noticed"
        )
        for problem in problems:
            print(f"    {problem}")
            for line in suggestions(notebook, problem):
                print(f"      ↳ {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
