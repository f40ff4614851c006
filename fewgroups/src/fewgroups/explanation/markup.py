"""Text that is written once and shown four ways: plain, HTML, Markdown, LaTeX. Whatever users named is escaped."""

from __future__ import annotations

import html
import re
import textwrap

OPEN, CLOSE = "\ue000", "\ue001"  # around names of the printout, which are shown as code
CODE = re.compile(f"{OPEN}(.*?){CLOSE}", re.DOTALL)
MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|$~&])")
LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": "$|$",
    "`": r"\`{}",
    '"': "''",
    "−": r"$-$",
    "×": r"$\times$",
    "²": r"$^2$",
    "±": r"$\pm$",
    "≥": r"$\ge$",
    "≤": r"$\le$",
    "√": r"$\surd$",
    "∞": r"$\infty$",
    "σ": r"$\sigma$",
    "τ": r"$\tau$",
    "–": "--",
    "…": r"\dots{}",
    "“": "``",
    "”": "''",
    "’": "'",
}
"""What LaTeX would take for its own, and the signs of our sentences that plain pdfLaTeX has no letter for."""


def clean(text: object) -> str:
    """What a user named something, on one line and without the two signs that mark code."""
    return " ".join(str(text).replace(OPEN, "").replace(CLOSE, "").split())


def code(name: object) -> str:
    """A name of the printout or of the formula, to be shown as code."""
    return f"{OPEN}{clean(name)}{CLOSE}"


def joined(phrases: list[str]) -> str:
    """One, two and three."""
    return ", ".join(phrases[:-1]) + f" and {phrases[-1]}" if len(phrases) > 1 else "".join(phrases)


def plain(text: str) -> str:
    """As plain text: code between backticks."""
    return CODE.sub(r"`\1`", text)


def bare(text: str) -> str:
    """As plain text without backticks, for cells of tables."""
    return CODE.sub(r"\1", text)


def as_html(text: str) -> str:
    """As HTML."""
    return CODE.sub(r"<code>\1</code>", html.escape(text))


def as_markdown(text: str, cell: bool = False) -> str:
    """As Markdown; cell: inside a table, where a bar would end the cell even in code."""
    pieces, end = [], 0
    for match in CODE.finditer(text):
        pieces += [MARKDOWN.sub(r"\\\1", text[end : match.start()]), _span(match[1], cell)]
        end = match.end()
    return "".join([*pieces, MARKDOWN.sub(r"\\\1", text[end:])])


def _span(name: str, cell: bool) -> str:
    """A code span with a fence longer than any run of backticks in the name."""
    fence = "`" * (max(map(len, re.findall("`+", name)), default=0) + 1)
    pad = " " if name.startswith("`") or name.endswith("`") else ""
    return f"{fence}{pad}{name.replace('|', chr(92) + '|') if cell else name}{pad}{fence}"


def as_latex(text: str) -> str:
    """As LaTeX: its special characters escaped, code in typewriter."""
    pieces, end = [], 0
    for match in CODE.finditer(text):
        pieces += [_latex(text[end : match.start()]), rf"\texttt{{{_latex(match[1])}}}"]
        end = match.end()
    return "".join([*pieces, _latex(text[end:])])


def _latex(text: str) -> str:
    return "".join(LATEX.get(letter, letter) for letter in text)


def wrapped(text: str, indent: str = "", first: str | None = None, width: int = 96) -> str:
    """Plain text filled to `width`, later lines indented."""
    return textwrap.fill(
        plain(text),
        width,
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
