"""What a lesson is made of: its head, headings, boxes, exercises, forms of questions, last sections and links."""

import itertools
import re
from collections.abc import Iterator
from urllib.parse import unquote

from tests.notebooks import LESSONS, TEACHING, Cell, Notebook, read

BOXES = ("Predict first.", "Common misreading.", "Check yourself.", "For the teacher.")
TAGS = {"exercise", "solution", "teacher", "explorable", "deeper", "happened"}
LAST = ["Key points", "Further reading", "Next"]
DEEPER = "Going deeper"
EXERCISE = re.compile(r"Exercise (\d+\.\d+) (★{1,3}) (\S.*)")
CHECK = re.compile(r"\bcheck\(\s*[\"'](\d+\.\d+)[\"']")
# The ten questions before and after the course: form A before lesson 00 and in lesson 14, form B there.
FORMS = {"before_you_begin": "A", "14_test_yourself_and_glossary": "AB"}
QUESTIONS = range(1, 11)
LETTERS = "abcd"


def headings(cell: Cell) -> list[tuple[int, str]]:
    """Level and text of a markdown cell's headings."""
    text = re.sub(r"(?ms)^```.*?^```", "", cell.source)
    found = re.findall(r"(?m)^(#{1,6})\s+(.*)$", text)
    return [(len(marks), title.strip()) for marks, title in found]


def sections(notebook: Notebook) -> dict[str, str]:
    """The markdown under each H2, by its title."""
    text = "\n\n".join(cell.source for cell in notebook.markdown)
    parts = re.split(r"(?m)^## +(.*)$", text)
    return {title.strip(): body for title, body in zip(parts[1::2], parts[2::2], strict=True)}


def boxes(cell: Cell) -> list[str]:
    """The block quotes of a cell, each as one text without its marks."""
    quotes = re.findall(r"(?m)(?:^[ \t]*>.*(?:\n|\Z))+", cell.source)
    return [re.sub(r"(?m)^[ \t]*> ?", "", quote) for quote in quotes]


def all_boxes(notebook: Notebook, lead: str) -> list[str]:
    """The lesson's boxes with one lead, such as "Predict first."."""
    found = [box for cell in notebook.markdown for box in boxes(cell)]
    return [box for box in found if box.startswith(f"**{lead}**")]


def items(text: str) -> list[str]:
    """The items of the first list in a text."""
    match = re.search(r"(?m)(?:^[-*] .*(?:\n(?![-*] |#|\s*\n).*)*(?:\n|\Z))+", text)
    return re.findall(r"(?m)^[-*] (.*(?:\n(?![-*] ).+)*)", match[0]) if match else []


def opens_with_title_and_promise(notebook: Notebook) -> Iterator[str]:
    lines = notebook.cells[0].source.splitlines() + ["", ""]
    if not re.fullmatch(rf"# {notebook.number} · \S.*", lines[0]):
        yield f"the first line is {lines[0]!r}: expected '# {notebook.number} · Title'"
    promise = next((line for line in lines[1:] if line.strip()), "")
    if not re.fullmatch(r"\*[^*].{30,}[.?]\*", promise) or re.search(r"[.?!] [A-Z]", promise):
        yield f"after the title: {promise!r}: expected a promise, one sentence in *italics*"


def promise(notebook: Notebook) -> tuple[str, str]:
    """A lesson's title, without its number, and its promise."""
    lines = [line for line in notebook.cells[0].source.splitlines() if line.strip()]
    return re.sub(r"^# \d\d · ", "", lines[0]).strip(), lines[1].strip().strip("*")


def says_time_and_needs(notebook: Notebook) -> Iterator[str]:
    head = "\n\n".join(cell.source for cell in notebook.cells[:2] if cell.is_markdown)
    if not re.search(r"(?m)^\*\*Minutes:\*\* \d+( in class · \d+ alone)?\s*$", head):
        yield "no line '**Minutes:** 60' in the first cells"
    if not re.search(r"(?m)^\*\*Know first:\*\* \S.+$", head):
        yield "no line '**Know first:** …' in the first cells"


def headings_are_in_order(notebook: Notebook) -> Iterator[str]:
    found = [(cell.index, *heading) for cell in notebook.markdown for heading in headings(cell)]
    if [index for index, level, _ in found if level == 1] != [0]:
        yield "expected exactly one H1, in the first cell"
    for (_, before, _), (index, level, title) in itertools.pairwise(found):
        if level > before + 1:
            yield f"cell {index}: heading {title!r} jumps from level {before} to {level}"
    titles = [title for _, level, title in found if level == 2]
    for title in sorted({title for title in titles if titles.count(title) > 1}):
        yield f"two sections are called {title!r}"


def boxes_have_known_leads(notebook: Notebook) -> Iterator[str]:
    for cell in notebook.markdown:
        for box in boxes(cell):
            if not box.startswith(tuple(f"**{lead}** " for lead in BOXES)):
                yield f"cell {cell.index}: box starts {box[:40]!r}: expected **{'** or **'.join(BOXES)}**"


def has_enough_boxes(notebook: Notebook) -> Iterator[str]:
    if int(notebook.number) not in TEACHING:
        return
    for lead, least in [("Predict first.", 3), ("Common misreading.", 1), ("Check yourself.", 2)]:
        count = len(all_boxes(notebook, lead))
        if count < least:
            yield f"{count} boxes '{lead}': expected at least {least}"


def predictions_come_before_results(notebook: Notebook) -> Iterator[str]:
    for cell in notebook.markdown:
        asks = [box for box in boxes(cell) if box.startswith("**Predict first.**")]
        after = notebook.cells[cell.index + 1 :]
        if not asks:
            continue
        if not (cell.source.rstrip().endswith(asks[-1].splitlines()[-1].strip()) and after):
            yield f"cell {cell.index}: text after 'Predict first.' in the same cell"
        elif not (after[0].is_code and after[0].outputs):
            yield f"cell {cell.index}: no result right after 'Predict first.'"
        if len(asks) > 1:
            yield f"cell {cell.index}: two predictions before one result"


def self_checks_have_folded_answers(notebook: Notebook) -> Iterator[str]:
    for box in all_boxes(notebook, "Check yourself."):
        answer = re.search(
            r"(?s)<details>\s*<summary>Answer</summary>\n\s*\n(.+?)</details>\s*(?:<!--.*-->\s*)?$",
            box,
        )
        if not answer or len(answer[1].split()) < 5:
            yield f"'{box[:60]}…': expected <details><summary>Answer</summary>, an empty line, the answer, </details>"


def ends_with_points_reading_next(notebook: Notebook) -> Iterator[str]:
    body = sections(notebook)
    if list(body)[-3:] != LAST:
        yield f"the last sections are {list(body)[-3:]}: expected {LAST}"
        return
    if not 3 <= len(items(body["Key points"])) <= 8:
        yield f"{len(items(body['Key points']))} key points: expected a list of 3 to 8"
    reading = items(body["Further reading"])
    if len(reading) < 2:
        yield f"{len(reading)} items of further reading: expected a list of 2 or more"
    for item in reading:
        if not re.search(r"\b(?:1[89]|20)\d\d\b|https?://", item):
            yield f"further reading {item[:50]!r}: neither a year nor an address"


def links_to_the_next_lesson(notebook: Notebook) -> Iterator[str]:
    coming = [path.name for path in LESSONS if path.name[:2] == f"{int(notebook.number) + 1:02}"]
    following = sections(notebook).get("Next", "")
    for name in coming:
        if f"]({name})" not in following:
            yield f"'## Next' does not link to {name}"
    if not following.strip():
        yield "'## Next' is empty"


def relative_links_resolve(notebook: Notebook) -> Iterator[str]:
    for cell in notebook.markdown:
        for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", cell.source)):
            if re.match(r"https?:|mailto:|attachment:", target):
                continue
            name, _, anchor = unquote(target).partition("#")
            path = notebook.path.parent / name if name else notebook.path
            if not path.exists():
                yield f"cell {cell.index}: link to {target}: no such file"
            elif path.suffix == ".ipynb" and anchor:
                there = read(path) if name else notebook
                yield from _anchor(cell, target, anchor, there, elsewhere=bool(name))


def _anchor(
    cell: Cell, target: str, anchor: str, there: Notebook, elsewhere: bool
) -> Iterator[str]:
    """Whether a lesson has what the end of an address names: a cell, or in the same lesson a heading."""
    if anchor.startswith("cell-id="):
        place = there.by_id.get(anchor.removeprefix("cell-id="))
        if place is None or place.is_code:
            yield f"cell {cell.index}: link to {target}: no text cell with that id"
    elif elsewhere:
        # JupyterLab finds a heading in a lesson that is open, but not in one that it has to open first.
        yield f"cell {cell.index}: link to {target}: name a cell of the other lesson, as #cell-id=…"
    elif anchor not in anchors(there):
        yield f"cell {cell.index}: link to {target}: no heading with that anchor"


def anchors(notebook: Notebook) -> set[str]:
    """The names that JupyterLab gives a lesson's headings."""
    titles = [title for cell in notebook.markdown for _, title in headings(cell)]
    return {re.sub(r"\s", "-", title.replace("`", "")) for title in titles}


def tags_and_names_of_cells(notebook: Notebook) -> Iterator[str]:
    ids = [cell.id for cell in notebook.cells]
    for cell in notebook.cells:
        if ids.count(cell.id) > 1 or not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", cell.id):
            yield f"cell {cell.index}: id {cell.id!r}: expected a word of its own, such as 'summary'"
        for tag in set(cell.tags) - TAGS:
            yield f"cell {cell.index}: tag {tag!r}: expected one of {sorted(TAGS)}"


def exercises_have_stubs(notebook: Notebook) -> Iterator[str]:
    titles = [
        title
        for cell in notebook.markdown
        for level, title in headings(cell)
        if level == 3 and title.startswith("Exercise ")
    ]
    ids = []
    for title in titles:
        match = EXERCISE.fullmatch(title)
        if match:
            ids.append(match[1])
        else:
            yield f"heading {title!r}: expected 'Exercise {int(notebook.number)}.1 ★ Title'"
    wanted = [f"{int(notebook.number)}.{k}" for k in range(1, len(ids) + 1)]
    if ids != wanted:
        yield f"exercises are numbered {ids}: expected {wanted}"
    if int(notebook.number) in TEACHING and len(ids) < 3:
        yield f"{len(ids)} exercises: expected at least 3"
    if ids and not re.search(r"(?m)^### Exercise", sections(notebook).get("Exercises", "")):
        yield "exercises belong under '## Exercises'"
    stubs = [cell.source for cell in notebook.code if "exercise" in cell.tags]
    asked = [ident for source in stubs for ident in CHECK.findall(source)]
    if asked != ids:
        yield f"exercises {ids} have stubs (tag exercise) that check {asked}"


def stubs_run_as_they_stand(notebook: Notebook) -> Iterator[str]:
    for cell in notebook.cells:
        after = notebook.cells[cell.index + 1] if cell.index + 1 < len(notebook.cells) else None
        if "exercise" in cell.tags:
            if not (re.search(r"(?m)^\w+ = \.\.\.", cell.source) and CHECK.search(cell.source)):
                yield f"cell {cell.index}: a stub holds 'answer = ...' and 'check(\"N.k\", answer)'"
            elif "nothing answered yet" not in cell.printed:
                yield f"cell {cell.index}: the stub's output should say that nothing was answered yet"
            if not (after and "solution" in after.tags):
                yield f"cell {cell.index}: no solution right after the stub"
        if "solution" in cell.tags:
            before = notebook.cells[cell.index - 1].tags
            if not cell.is_code or not {"exercise", "solution"} & set(before):
                yield f"cell {cell.index}: a solution is a code cell right after its stub"
            elif "exercise" in before:
                yield from _right(cell, CHECK.findall(notebook.cells[cell.index - 1].source))
            folded = {"source_hidden": True, "outputs_hidden": True}
            if cell.raw["metadata"].get("jupyter") != folded:
                yield f"cell {cell.index}: the solution is not folded (source_hidden and outputs_hidden)"


def solutions_fill_their_stubs(notebook: Notebook) -> Iterator[str]:
    """What a stub says stays; a blank, `...`, may take several lines."""
    for stub, solution in itertools.pairwise(notebook.cells):
        if "exercise" in stub.tags and "solution" in solution.tags:
            parts = [map(re.escape, line.split("...")) for line in stub.code_lines]
            lines = [r"[\s\S]+?".join(part) for part in parts]
            if not re.search("(?m)^" + r"$[\s\S]*?^".join(lines) + "$", solution.source):
                yield f"cell {solution.index}: the solution changes more of its stub than the blanks"


def _right(solution: Cell, ids: list[str]) -> Iterator[str]:
    for ident in ids:
        if f"{ident}: right." not in solution.printed:
            yield f"cell {solution.index}: the solution does not show that check({ident!r}, …) finds it right"


def teacher_notes_are_folded(notebook: Notebook) -> Iterator[str]:
    for cell in notebook.markdown:
        if "teacher" in cell.tags:
            text = cell.source.strip()
            lead = "<details><summary>For the teacher</summary>\n\n> **For the teacher.** "
            if not (
                text.startswith(lead)
                and text.endswith("</details>")
                and text.count("<details>") == 1
            ):
                yield f"cell {cell.index}: a note for the teacher is folded as a whole, and starts with its lead"
        elif "For the teacher" in cell.source:
            yield f"cell {cell.index}: a note for the teacher without the tag"


def question(notebook: Notebook, form: str, number: int) -> str:
    """The text of a question as a reader sees it, without the comments that only tests read; "" without one."""
    cell = notebook.by_id.get(f"question-{form.lower()}{number}")
    return re.sub(" *<!--.*?-->", "", cell.source) if cell else ""


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
            after = notebook.by_id[f"question-{name}"].index + 1
            if notebook.cells[after].source != f"{name} = ...":
                yield f"question {form}{number}: expected the code cell '{name} = ...' right below"
        names = ", ".join(f"{form.lower()}{number}" for number in QUESTIONS)
        asks = "answered" if notebook.path.stem == "before_you_begin" else "score"
        if not any(f'{asks}("{form}", [{names}]' in cell.source for cell in notebook.code):
            yield f'no cell with {asks}("{form}", [{names}])'
