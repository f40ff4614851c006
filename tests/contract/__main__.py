"""The command for authors: `python -m tests.contract 05`."""

import sys

from tests.contract import RULES, grammar
from tests.notebooks import LESSONS, lesson_path, read


def main(numbers: list[str]) -> int:
    """List what the named lessons, or all of them, do not keep; the exit code says whether there is anything."""
    wrong = 0
    for path in [lesson_path(number) for number in numbers] or LESSONS:
        found = [(rule.__name__, problem) for rule in RULES for problem in rule(read(path))]
        lesson = read(path)
        print(
            f"{path.name}: {grammar.words(lesson)} words, {len(grammar.content_sections(lesson))} sections, "
            f"{grammar.minutes(lesson):.0f} minutes ({grammar.promised(lesson)} promised); {len(found)} to mend"
        )
        for name, problem in found:
            print(f"    {problem}   [{name}]")
        wrong += len(found)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
