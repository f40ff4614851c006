"""An explanation: lines of a printout in words, shown as plain text, HTML or Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from fewgroups.explanation.markup import OPEN, as_html, as_markdown, bare, plain, wrapped

SECTIONS = {
    "header": "The header: what was fitted to what",
    "columns": "The columns of the lower table",
    "average": "What holds on average: the coefficients",
    "differences": "How much things differ: the variances",
}


@dataclass(frozen=True)
class Caution:
    """Something that this fit gives reason to beware of; kind: a word or two by which it can be found."""

    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {plain(self.text)}"


@dataclass(frozen=True)
class Line:
    """One line of the printout (or one column of its lower table).

    printed: (column, printed text), the column "" in the header. here: (lead, sentences on this fit), the lead ""
    or the name of a column.
    """

    section: str
    label: str
    printed: tuple[tuple[str, str], ...] = ()
    what: str = ""
    how: str = ""
    here: tuple[tuple[str, str], ...] = ()
    isnt: str = ""
    cautions: tuple[Caution, ...] = ()

    @property
    def remarks(self) -> list[tuple[str, str]]:
        """(lead, text) in reading order."""
        said = [("What it is.", self.what), ("How it came.", self.how)]
        said += [("Here.", text) for lead, text in self.here if not lead]
        said += [("What it does not mean.", self.isnt)]
        said += [(f"Caution: {caution.kind}.", caution.text) for caution in self.cautions]
        return [(lead, text) for lead, text in said if text]

    @property
    def cells(self) -> list[tuple[str, str, str]]:
        """(column, printed, in words) of a row of the lower table."""
        words = {lead: text for lead, text in self.here if lead}
        return [(column, value, words.get(column, "")) for column, value in self.printed if column]

    @property
    def heading(self) -> str:
        """As the printout has it."""
        head = f"{OPEN}{self.label}{chr(0xE001)}"
        return head + "".join(f": {value}" for column, value in self.printed if not column)


@dataclass(frozen=True, repr=False)
class Explanation:
    """A printout in words: `opening`, `lines`, `closing`. Printed as text; in a notebook it is shown as a page.

    `explanation["Group Var"]` is the explanation of one line; `explanation.cautions` all that this fit gives reason
    to beware of, as (label of the line, caution).
    """

    opening: tuple[str, ...]
    lines: tuple[Line, ...]
    closing: tuple[str, ...] = ()
    whole: bool = field(default=True, repr=False)

    def __getitem__(self, label: str) -> Explanation:
        found = tuple(line for line in self.lines if line.label == label)
        if not found:
            labels = ", ".join(repr(line.label) for line in self.lines)
            raise KeyError(f"no line of this printout is called {label!r}; there are {labels}")
        return Explanation((), found, whole=False)

    def __iter__(self) -> Iterator[Line]:
        return iter(self.lines)

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def cautions(self) -> tuple[tuple[str, Caution], ...]:
        """(label of the line, caution), in the order of the printout."""
        return tuple((line.label, caution) for line in self.lines for caution in line.cautions)

    @property
    def _sections(self) -> list[tuple[str, list[Line]]]:
        grouped = [
            (title, [x for x in self.lines if x.section == name])
            for name, title in SECTIONS.items()
        ]
        return [(title if self.whole else "", lines) for title, lines in grouped if lines]

    @property
    def _first(self) -> list[tuple[str, list[str]]]:
        """(kind of caution, the lines that have it), for the list at the top."""
        kinds: dict[str, list[str]] = {}
        for label, caution in self.cautions if self.whole else ():
            kinds.setdefault(caution.kind, []).append(label)
        return list(kinds.items())

    def __str__(self) -> str:
        blocks = [wrapped(text) for text in self.opening]
        if self._first:
            blocks += [
                "\n".join(
                    ["Cautions that this fit earns:", *(f"- {a}: {_at(b)}" for a, b in self._first)]
                )
            ]
        for title, lines in self._sections:
            blocks += [f"{title}\n{'=' * len(title)}"] if title else []
            for line in lines:
                block = [bare(line.heading)]
                for column, value, text in line.cells:
                    first = f"  {column:9} {value:>8}  "
                    block.append(wrapped(text, " " * 22, first) if text else first.rstrip())
                block += [wrapped(f"{lead} {text}", "    ", "  ") for lead, text in line.remarks]
                blocks.append("\n".join(block))
        blocks += [wrapped(text) for text in self.closing]
        return "\n\n".join(blocks)

    __repr__ = __str__

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_markdown_(self) -> str:
        blocks = [as_markdown(text) for text in self.opening]
        if self._first:
            listed = [f"- {as_markdown(a)}: {as_markdown(_coded(b))}" for a, b in self._first]
            blocks += ["**Cautions that this fit earns**", "\n".join(listed)]
        for title, lines in self._sections:
            blocks += [f"### {title}"] if title else []
            for line in lines:
                blocks.append(f"#### {as_markdown(line.heading)}")
                if line.cells:
                    rows = [
                        f"| {c} | {v or ' '} | {as_markdown(t, cell=True)} |"
                        for c, v, t in line.cells
                    ]
                    blocks.append(
                        "\n".join(["| column | printed | in words |", "|---|---|---|", *rows])
                    )
                blocks += [
                    f"**{as_markdown(lead)}** {as_markdown(text)}" for lead, text in line.remarks
                ]
        blocks += [as_markdown(text) for text in self.closing]
        return "\n\n".join(blocks) + "\n"

    def _repr_html_(self) -> str:
        parts = ['<div class="explanation">', *(f"<p>{as_html(text)}</p>" for text in self.opening)]
        if self._first:
            items = "".join(f"<li>{as_html(a)}: {as_html(_coded(b))}</li>" for a, b in self._first)
            parts += ["<p><strong>Cautions that this fit earns</strong></p>", f"<ul>{items}</ul>"]
        for title, lines in self._sections:
            parts += [f"<h3>{as_html(title)}</h3>"] if title else []
            parts.append("<dl>")
            for line in lines:
                parts.append(f"<dt><strong>{as_html(line.heading)}</strong></dt>")
                body = _html_table(line) if line.cells else ""
                body += "".join(
                    f"<p><strong>{as_html(lead)}</strong> {as_html(text)}</p>"
                    for lead, text in line.remarks
                )
                parts.append(f"<dd>{body}</dd>")
            parts.append("</dl>")
        parts += [f"<p>{as_html(text)}</p>" for text in self.closing]
        return "\n".join([*parts, "</div>"])


def _at(labels: list[str]) -> str:
    return ", ".join(dict.fromkeys(labels))


def _coded(labels: list[str]) -> str:
    return ", ".join(f"{OPEN}{label}{chr(0xE001)}" for label in dict.fromkeys(labels))


def _html_table(line: Line) -> str:
    rows = "".join(
        f'<tr><th scope="row">{as_html(column)}</th><td>{as_html(value)}</td>'
        f'<td style="text-align:left">{as_html(text)}</td></tr>'
        for column, value, text in line.cells
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in ("column", "printed", "in words"))
    caption = f"<caption>{as_html(bare(line.heading))}, number by number</caption>"
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


__all__ = ["SECTIONS", "Caution", "Explanation", "Line", "plain"]
