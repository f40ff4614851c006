"""The strict templates behind `explain` and `report`, in sentences.toml."""

from __future__ import annotations

import string
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

PARSER = string.Formatter()
NOTHING: Mapping[str, str] = {}


class TemplateError(LookupError):
    """A sentence that does not exist or is malformed, or that was given other words than it has places for."""


def say(key: str, shared: Mapping[str, str] = NOTHING, /, **words: str) -> str:
    """The sentence `key` ("section.name") with `words`, and where they have none `shared`, in its places.

    Raises TemplateError when there is no such sentence, a place has no word, or one of `words` has no place. Words are
    put in as they are: a brace in somebody's name is not read again.
    """
    template = sentences().get(key)
    if template is None:
        raise TemplateError(f"there is no sentence {key!r}")
    wanted = places(template)
    wrong = [f"no word for {name}" for name in sorted(wanted - set(words) - set(shared))]
    wrong += [f"no place for {name}" for name in sorted(set(words) - wanted)]
    if wrong:
        raise TemplateError(f"sentence {key!r}: {', '.join(wrong)}")
    return template.format_map({**shared, **words})


def places(template: str) -> set[str]:
    """The names in braces; TemplateError for anything else that a brace could mean."""
    try:
        pieces = list(PARSER.parse(template))
    except ValueError as error:
        raise TemplateError(f"a brace is left over ({error}): {template!r}") from None
    plain = [name is None or (name.isidentifier() and not a and not b) for _, name, a, b in pieces]
    if not all(plain) or "{{" in template or "}}" in template:
        raise TemplateError(f"braces hold a plain name and nothing else: {template!r}")
    return {name for _, name, _, _ in pieces if name is not None}


@cache
def sentences() -> dict[str, str]:
    """All templates, "section.name" → text, white space made single; TemplateError for a malformed one."""
    text = files("fewgroups.explanation").joinpath("sentences.toml").read_text(encoding="utf-8")
    found = {
        f"{section}.{name}": " ".join(template.split())
        for section, entries in tomllib.loads(text).items()
        for name, template in entries.items()
    }
    for template in found.values():
        places(template)
    return found


def sections() -> list[str]:
    """The sections of the templates, in order."""
    return list(dict.fromkeys(key.rpartition(".")[0] for key in sentences()))
