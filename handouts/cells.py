"""Code cells to HTML: quiet code, outputs beside it, figures with their alt text and display size."""

from __future__ import annotations

import re
from html import escape
from itertools import groupby
from typing import Any

from bs4 import BeautifulSoup
from pygments.lexers.python import PythonLexer
from pygments.token import Comment, Keyword, Number, Operator, String

from handouts import prose
from handouts.source import Cell, LessonError, joined

_COLOURED = ((Comment, "c"), (String, "s"), (Number, "m"), (Keyword, "k"), (Operator.Word, "k"))
_LEXER = PythonLexer(stripnl=False, ensurenl=False)
_DEEP = 12
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


def highlighted(code: str) -> str:
    """Python as HTML, line by line, with four kinds of token marked: comments, strings, numbers, keywords.

    A line longer than the page is broken, and goes on four columns to the right of where it starts.
    """
    kinds = (
        (next((name for kind, name in _COLOURED if token in kind), ""), text)
        for token, text in _LEXER.get_tokens(code)
    )
    lines: list[list[tuple[str, str]]] = [[]]
    for name, run in groupby(kinds, lambda kind: kind[0]):
        for place, text in enumerate("".join(text for _, text in run).split("\n")):
            if place:
                lines.append([])
            if text:
                lines[-1].append((name, text))
    return "".join(
        _line(line, last=place == len(lines)) for place, line in enumerate(lines, start=1)
    )


def _line(tokens: list[tuple[str, str]], last: bool) -> str:
    text = "".join(text for _, text in tokens)
    indent = len(text) - len(text.lstrip(" "))
    if (
        indent > _DEEP
    ):  # what stands under an opening bracket; on a phone there is no room for such a step
        (name, first), *rest = tokens
        tokens = [("i", " " * indent), (name, first[indent:]), *rest]
    inner = "".join(
        f'<span class="{name}">{escape(text, quote=False)}</span>'
        if name
        else escape(text, quote=False)
        for name, text in tokens
        if text
    )
    style = f' style="--i:{indent}ch"' if indent else ""
    return f'<span class="l"{style}>{inner}' + ("</span>" if last else "\n</span>")


def code_block(cell: Cell) -> str:
    """The source of a cell."""
    inner = highlighted(cell.source.strip())
    return f'<pre class="code" translate="no"><code>{inner}</code></pre>'


def outputs(cell: Cell, where: str) -> list[str]:
    """What a cell printed and showed, one piece of HTML each; texts that follow one another are one piece.

    Raises LessonError for a figure without alt text.
    """
    pieces: list[str] = []
    text = ""
    for output in cell.outputs:
        data = output.get("data", {})
        shown = ""
        if output["output_type"] == "stream":
            text += joined(output["text"])
        elif output["output_type"] == "error":
            text += f"{output.get('ename')}: {output.get('evalue')}\n"
        elif "image/png" in data:
            shown = figure(
                data["image/png"], (output.get("metadata") or {}).get("image/png") or {}, where
            )
        elif "text/html" in data and 'class="reply"' not in joined(data["text/html"])[:20]:
            shown = rich(joined(data["text/html"]), where)
        else:
            text += joined(data.get("text/plain", "")).rstrip("\n") + "\n"
        if shown:
            pieces += [*printed(text), shown]
            text = ""
    return pieces + printed(text)


def printed(text: str) -> list[str]:
    """Text output as it was printed; nothing for blank text."""
    text = _ANSI.sub("", text).strip("\n").rstrip()
    if not text:
        return []
    inner = escape(text, quote=False)
    return [
        f'<pre class="output scroll" data-name="Output" translate="no"><samp>{inner}</samp></pre>'
    ]


def figure(png: Any, metadata: dict[str, Any], where: str) -> str:
    """A figure, embedded, in its display size."""
    alt = joined(metadata.get("alt", "")).strip()
    if not alt:
        raise LessonError(
            f"{where}: a figure has no alt text; show it with helpers.show(figure, key)"
        )
    size = "".join(
        f' {side}="{int(metadata[side])}"' for side in ("width", "height") if side in metadata
    )
    source = "".join(joined(png).split())
    return (
        f'<figure class="scroll" data-name="Figure"><img src="data:image/png;base64,{source}" '
        f'alt="{escape(alt)}"{size}></figure>'
    )


def rich(html: str, where: str) -> str:
    """HTML output (a table, as a rule): cleaned, its tables with scopes and a hidden caption."""
    soup = BeautifulSoup(html, "html.parser")
    for element in soup.find_all(["script", "style", "link"]):
        element.decompose()
    prose.embed_only(soup, where)
    prose.mark_tables(soup)
    for table in soup.find_all("table"):
        if not table.find("caption"):
            columns = [head.get_text(" ", strip=True) for head in table.select("thead th")]
            caption = soup.new_tag("caption", attrs={"class": "unseen"})
            caption.string = f"Output, a table: {', '.join(filter(None, columns))}".rstrip(": ")
            table.insert(0, caption)
    return f'<div class="rich">{str(soup).strip()}</div>'
