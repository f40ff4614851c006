"""A report as a document: paragraphs and tables in Markdown, HTML, LaTeX and CSV."""

from __future__ import annotations

import csv
import io
import platform
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from .markup import as_html, as_latex, as_markdown, bare, plain, wrapped


@dataclass(frozen=True)
class Row:
    """One row of a table: its label, the name in the result, what is shown per column, and the exact numbers."""

    label: str
    name: str
    shown: tuple[str, ...]
    exact: dict[str, float]


@dataclass(frozen=True)
class Table:
    """A table with a title; heads: the names of its columns, that of the labels first."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Report:
    """Method and results of a mixed model for a paper, with two tables.

    missing: what a report needs and the result does not know; software: (package, version).
    """

    paragraphs: tuple[str, ...]
    tables: tuple[Table, ...]
    missing: tuple[str, ...]
    software: tuple[tuple[str, str], ...]

    def markdown(self) -> str:
        """Paragraphs and tables for a paper written in Markdown."""
        blocks = [as_markdown(text) for text in self.paragraphs]
        for table in self.tables:
            lines = [f"| {' | '.join(table.heads)} |", "|---|" + "---:|" * (len(table.heads) - 1)]
            lines += [
                f"| {' | '.join(as_markdown(cell, cell=True) or ' ' for cell in (row.label, *row.shown))} |"
                for row in table.rows
            ]
            blocks += [f"**{as_markdown(table.title)}**", "\n".join(lines)]
        return "\n\n".join(blocks) + "\n"

    def html(self) -> str:
        """Paragraphs and tables as a piece of HTML."""
        parts = ['<div class="report">', *(f"<p>{as_html(text)}</p>" for text in self.paragraphs)]
        for table in self.tables:
            head = "".join(f'<th scope="col">{as_html(name)}</th>' for name in table.heads)
            rows = "".join(
                f'<tr><th scope="row">{as_html(row.label)}</th>'
                + "".join(f"<td>{as_html(cell)}</td>" for cell in row.shown)
                + "</tr>"
                for row in table.rows
            )
            parts.append(
                f"<table><caption>{as_html(table.title)}</caption><thead><tr>{head}</tr></thead>"
                f"<tbody>{rows}</tbody></table>"
            )
        return "\n".join([*parts, "</div>"])

    def latex(self) -> str:
        """Paragraphs and tables for LaTeX; needs no package."""
        blocks = [as_latex(text) for text in self.paragraphs]
        for table in self.tables:
            lines = [
                r"\begin{table}",
                rf"\caption{{{as_latex(table.title)}}}",
                rf"\begin{{tabular}}{{l{'r' * (len(table.heads) - 1)}}}",
                r"\hline",
                " & ".join(map(as_latex, table.heads)) + r" \\",
                r"\hline",
                *(" & ".join(map(as_latex, (row.label, *row.shown))) + r" \\" for row in table.rows),
                r"\hline",
                r"\end{tabular}",
                r"\end{table}",
            ]
            blocks.append("\n".join(lines))
        return "\n\n".join(blocks) + "\n"

    def csv(self) -> str:
        """Both tables in one CSV, with six digits that count: part, term, estimate, se, df, t, p, low, high."""
        keys = ("estimate", "se", "df", "t", "p", "low", "high")
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("part", "term", *keys))
        for part, table in zip(("coefficient", "variation"), self.tables, strict=True):
            for row in table.rows:
                writer.writerow((part, row.name, *(f"{row.exact[k]:.6g}" if k in row.exact else "" for k in keys)))
        return text.getvalue()

    def __str__(self) -> str:
        blocks = [wrapped(text) for text in self.paragraphs]
        for table in self.tables:
            cells = [table.heads, *((bare(row.label), *row.shown) for row in table.rows)]
            widths = [max(len(line[k]) for line in cells) for k in range(len(table.heads))]
            lines = [
                "  ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))])
                for line in cells
            ]
            blocks.append("\n".join([plain(table.title), *(line.rstrip() for line in lines)]))
        blocks.append("\n".join(["Still to be said by you:", *(wrapped(x, "  ", "- ") for x in self.missing)]))
        return "\n\n".join(blocks)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_markdown_(self) -> str:
        listed = "\n".join(f"- {as_markdown(text)}" for text in self.missing)
        return f"{self.markdown()}\n**Still to be said by you**\n\n{listed}\n"

    def _repr_html_(self) -> str:
        items = "".join(f"<li>{as_html(text)}</li>" for text in self.missing)
        return f"{self.html()}\n<p><strong>Still to be said by you</strong></p>\n<ul>{items}</ul>"


def versions_of() -> tuple[tuple[str, str], ...]:
    """(name, version) of Python and the packages that the numbers come from."""
    packages = ("statsmodels", "numpy", "scipy", "pandas")
    return (("Python", platform.python_version()), *((name, version(name)) for name in packages))
