"""A report as a document: paragraphs and tables in Markdown, HTML, LaTeX and CSV."""

from __future__ import annotations

import csv
import io
import math
import platform
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from fewgroups.explanation.markup import as_html, as_latex, as_markdown, bare, plain, wrapped


@dataclass(frozen=True)
class Row:
    """One row of a table: what part of the model it is of, its label, its name in the result, cells, exact numbers."""

    part: str
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


@dataclass(frozen=True, repr=False)
class Report:
    """Method and results of a mixed model for a paper, with tables and references.

    missing: what a report needs and the result does not know; software: (package, version).
    """

    paragraphs: tuple[str, ...]
    tables: tuple[Table, ...]
    references: tuple[str, ...]
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
        blocks += ["**References**", *map(as_markdown, self.references)]
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
        parts += [
            "<p><strong>References</strong></p>",
            *(f"<p>{as_html(text)}</p>" for text in self.references),
        ]
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
                *(_latex_row((row.label, *row.shown)) for row in table.rows),
                r"\hline",
                r"\end{tabular}",
                r"\end{table}",
            ]
            blocks.append("\n".join(lines))
        blocks += [r"\subsection*{References}", *map(as_latex, self.references)]
        return "\n\n".join(blocks) + "\n"

    def csv(self) -> str:
        """All tables in one CSV, with six digits that count."""
        keys = ("estimate", "se", "df", "t", "p", "low", "high", "F", "num_df")
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("part", "term", *keys))
        for row in (row for table in self.tables for row in table.rows):
            known = {key: value for key, value in row.exact.items() if not math.isnan(value)}
            writer.writerow(
                (row.part, row.name, *(f"{known[k]:.6g}" if k in known else "" for k in keys))
            )
        return text.getvalue()

    def __str__(self) -> str:
        blocks = [wrapped(text) for text in self.paragraphs]
        for table in self.tables:
            cells = [table.heads, *((bare(row.label), *row.shown) for row in table.rows)]
            widths = [max(len(line[k]) for line in cells) for k in range(len(table.heads))]
            lines = [
                "  ".join(
                    [
                        line[0].ljust(widths[0]),
                        *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True)),
                    ]
                )
                for line in cells
            ]
            blocks.append("\n".join([plain(table.title), *(line.rstrip() for line in lines)]))
        blocks.append("\n".join(["References", *(wrapped(x, "  ", "") for x in self.references)]))
        blocks.append(
            "\n".join(["Still to be said by you", *(wrapped(x, "  ", "- ") for x in self.missing)])
        )
        return "\n\n".join(blocks)

    __repr__ = __str__

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_markdown_(self) -> str:
        listed = "\n".join(f"- {as_markdown(text)}" for text in self.missing)
        return f"{self.markdown()}\n**Still to be said by you**\n\n{listed}\n"

    def _repr_html_(self) -> str:
        items = "".join(f"<li>{as_html(text)}</li>" for text in self.missing)
        return f"{self.html()}\n<p><strong>Still to be said by you</strong></p>\n<ul>{items}</ul>"


def _latex_row(cells: tuple[str, ...]) -> str:
    line = " & ".join(map(as_latex, cells)) + r" \\"
    return (
        "{}" + line if line.startswith("[") else line
    )  # else it would be an argument of the line before


def versions_of() -> tuple[tuple[str, str], ...]:
    """(name, version) of Python and the packages that the numbers come from."""
    packages = ("statsmodels", "numpy", "scipy", "pandas")
    return (("Python", platform.python_version()), *((name, version(name)) for name in packages))
