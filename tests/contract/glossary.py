"""Terms: in bold once, where a lesson introduces them, with an entry in lesson 14, and links both ways.

    python -m tests.contract.glossary            what is missing
    python -m tests.contract.glossary --write    link terms and entries to each other, and sort the entries

Bold at the start of a paragraph or list item that ends in a full stop, colon or question mark is a lead. All other
bold is a term. Links name a cell (`#cell-id=…`), which JupyterLab finds even when it has to open the lesson first.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.notebooks import LESSONS, Cell, Notebook, read

GLOSSARY = "14_test_yourself_and_glossary.ipynb"
SECTION = "## Glossary"
BOLD = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*")
LINKED = re.compile(r"\[(.+)\]\((\S+)\)")
START = re.compile(r"(?:^|\n)[ \t]*(?:>[ \t]?)*(?:[-*+][ \t]+|\d+[.)][ \t]+)?\Z")
BACK = re.compile(r"\n\n→ (\[[^\n]*\]\([^\s)]*\))\s*\Z")
LONGEST = 70  # words of an entry


@dataclass(frozen=True)
class Term:
    """A bold term: its words, the entry that it links to ("" for none), and where it stands."""

    words: str
    target: str
    lesson: Notebook
    cell: Cell
    section: str

    @property
    def place(self) -> str:
        """The address of its cell, as a link from another lesson gives it."""
        return f"{self.lesson.path.name}#cell-id={self.cell.id}"

    @property
    def link(self) -> str:
        """A link to it, from the glossary."""
        return f"[Lesson {self.lesson.number}, {self.section}]({self.place})"


@dataclass(frozen=True)
class Entry:
    """An entry of the glossary: a cell with the term as its heading, the definition, and the way back."""

    cell: Cell
    words: str
    text: str
    back: str


def bolds(source: str) -> Iterator[tuple[re.Match[str], bool]]:
    """Every bold text outside code, and whether it is a lead."""
    others = r"(?ms)^```.*?^```|`[^`\n]*`|<!--.*?-->"
    text = re.sub(others, lambda match: " " * len(match[0]), source)
    for match in BOLD.finditer(text):
        whole = BOLD.match(source, match.start())
        if whole:
            ends = re.search("[.:?!]$|^You will be able to$", whole[1])
            yield whole, bool(ends and START.search(text[: match.start()]))


def terms(lesson: Notebook) -> Iterator[Term]:
    """The terms of a lesson in reading order."""
    section = ""
    for cell in lesson.markdown:
        titles = re.finditer("(?m)^#{2,3} +(.*)$", cell.source)
        marks = [(match.start(), "", match[1]) for match in titles]
        marks += [(match.start(), match[1], "") for match, lead in bolds(cell.source) if not lead]
        for _, words, title in sorted(marks):
            if title:  # a formula in a link's text is not for a page's title
                named = re.sub(r"^\[.*?\]: ", "", title.replace("`", "")).strip()
                section = section if "$" in title else named
                continue
            linked = LINKED.fullmatch(words)
            words, target = linked.groups() if linked else (words, "")
            yield Term(words, target, lesson, cell, section)


def entries(glossary: Notebook) -> list[Entry]:
    """The entries of the glossary in their order."""
    found = []
    inside = False
    for cell in glossary.markdown:
        if re.search(r"(?m)^## ", cell.source):
            inside = cell.source.startswith(SECTION)
        elif inside and cell.source.startswith("### "):
            heading, _, text = cell.source.partition("\n")
            back = BACK.search(text)
            words, text = heading[4:].strip(), BACK.sub("", text).strip()
            found.append(Entry(cell, words, text, back[1] if back else ""))
    return found


def plain(words: str) -> str:
    """A term as the glossary looks it up: no capitals, formula marks, possessives or plurals."""
    text = re.sub(r"[$*_`\\]|^95.?% ", "", words.casefold().replace("^2", "²"))
    text = re.sub(r"['’]s?\b", "", text)
    return " ".join(word[:-1] if re.search(r"[^s]s$", word) else word for word in text.split())


def slug(words: str) -> str:
    """The id of an entry's cell."""
    text = words.casefold().replace("²", "2").replace("’", "'").replace("'", "")
    return re.sub(r"[^a-z0-9]+", "-", text).strip("-")


def order(words: str) -> str:
    """What entries are sorted by."""
    return re.sub(r"[^a-z0-9]+", " ", words.casefold()).strip()


def problems(lessons: Sequence[Notebook]) -> Iterator[str]:
    """What terms and glossary owe each other, each with what to do."""
    found = [term for lesson in lessons if lesson.path.name != GLOSSARY for term in terms(lesson)]
    last = [lesson for lesson in lessons if lesson.path.name == GLOSSARY]
    written = entries(last[0]) if last else []
    by_address = {f"{GLOSSARY}#cell-id={entry.cell.id}": entry for entry in written}
    first: dict[str, Term] = {}
    for term in found:
        where = f"lesson {term.lesson.number}, cell {term.cell.id}: **{term.words}**"
        if not term.target:
            yield (
                f"{where} leads to no entry. A term: write its entry into lesson 14 (a cell of its own with "
                f"'### {term.words}' and one or two plain sentences) and run `python -m tests.contract.glossary "
                "--write`. Defined in an earlier lesson: take the bold away. Emphasis: use *italics*."
            )
        elif term.target not in by_address:
            yield f"{where} links to {term.target}, which is no entry of the glossary"
        elif term.target in first:
            other = first[term.target]
            yield (
                f"{where} is bold for the second time (lesson {other.lesson.number}, cell {other.cell.id}): "
                "take the bold and the link away where the term is not introduced"
            )
        if {"teacher", "solution"} & set(term.cell.tags):
            yield f"{where} stands in a cell that some editions leave out"
        first.setdefault(term.target, term)
    for address, entry in by_address.items():
        where = f"glossary, {entry.words!r}"
        if address not in first:
            yield f"{where}: no lesson introduces it in bold: link a term to it, or remove the entry"
        elif entry.back != first[address].link:
            yield (
                f"{where}: leads back to {entry.back or 'nothing'}, but is introduced in {first[address].link}: "
                "run `python -m tests.contract.glossary --write`"
            )
        if entry.cell.id != slug(entry.words):
            yield f"{where}: the cell is called {entry.cell.id!r}: expected {slug(entry.words)!r}"
        whole = re.search("[.)](?: <!--.*-->)?$", entry.text)
        if not (whole and 5 <= len(entry.text.split()) <= LONGEST):
            yield f"{where}: expected one or two sentences, of at most {LONGEST} words"
    names = [entry.words for entry in written]
    if names != sorted(names, key=order):
        yield "the glossary is not in alphabetical order: run `python -m tests.contract.glossary --write`"


def linked(lesson: Notebook, written: Sequence[Entry]) -> dict[str, str]:
    """The new sources, by cell id, of a lesson whose unlinked terms have entries."""
    known = {plain(entry.words): entry.cell.id for entry in written}
    changed = {}
    for cell in lesson.markdown:
        source = cell.source
        for match, lead in reversed(list(bolds(source))):
            ident = known.get(plain(match[1]))
            if ident and not lead and not LINKED.fullmatch(match[1]):
                link = f"**[{match[1]}]({GLOSSARY}#cell-id={ident})**"
                source = source[: match.start()] + link + source[match.end() :]
        if source != cell.source:
            changed[cell.id] = source
    return changed


def main(arguments: list[str]) -> int:
    """List what is missing; with --write, first write what follows from terms and entries."""
    if "--write" in arguments:
        _write()
    found = list(problems([read(path) for path in LESSONS]))
    print("\n".join([*found, f"{len(found)} to mend"]))
    return 1 if found else 0


def _write() -> None:
    """Link unlinked terms; set the ways back; sort the entries."""
    import nbformat

    lessons = [read(path) for path in LESSONS]
    last = next(lesson for lesson in lessons if lesson.path.name == GLOSSARY)
    for lesson in lessons:
        changed = linked(lesson, entries(last)) if lesson is not last else {}
        if changed:
            raw = nbformat.read(lesson.path, as_version=4)
            for cell in raw.cells:
                cell.source = changed.get(cell.id, cell.source)
            lesson.path.write_text(nbformat.writes(raw) + "\n", encoding="utf-8", newline="\n")
    places: dict[str, Term] = {}
    for term in [term for path in LESSONS if path.name != GLOSSARY for term in terms(read(path))]:
        places.setdefault(term.target, term)
    raw = nbformat.read(last.path, as_version=4)
    words = {entry.cell.id: entry.words for entry in entries(last)}
    for cell in raw.cells:
        if cell.id in words:
            place = places.get(f"{GLOSSARY}#cell-id={cell.id}")
            back = f"\n\n→ {place.link}" if place else ""
            cell.source = BACK.sub("", cell.source).rstrip() + back
    spots = [spot for spot, cell in enumerate(raw.cells) if cell.id in words]
    ordered = sorted((raw.cells[spot] for spot in spots), key=lambda cell: order(words[cell.id]))
    for spot, cell in zip(spots, ordered, strict=True):
        raw.cells[spot] = cell
    last.path.write_text(nbformat.writes(raw) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
