"""The strict templates of all that the library tells its readers, in sentences.toml."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

PLACE = re.compile(r"{([a-z_]+)}")
NOTHING: Mapping[str, object] = {}


class TemplateError(LookupError):
    """A sentence that does not exist or is malformed, or that was given other words than it has places for."""


def say(key: str, shared: Mapping[str, object] = NOTHING, /, **words: object) -> str:
    """The sentence `key` ("section.name") with `words`, and where they have none `shared`, in its places. TemplateError
    when there is no such sentence, a place has no word, or one of `words` has no place. Words are put in as they are: a
    brace in somebody's name is not read again."""
    if key not in sentences():
        raise TemplateError(f"there is no sentence {key!r}")
    template = sentences()[key]
    places = set(PLACE.findall(template))
    wrong = [f"no word for {name}" for name in sorted(places - set(words) - set(shared))]
    wrong += [f"no place for {name}" for name in sorted(set(words) - places)]
    if wrong:
        raise TemplateError(f"sentence {key!r}: {', '.join(wrong)}")
    return template.format_map({**shared, **words})


@cache
def sentences() -> dict[str, str]:
    """All templates, "section.name" → text, white space made single; TemplateError if a brace is left over."""
    text = files("fewgroups").joinpath("sentences.toml").read_text(encoding="utf-8")
    found = {
        f"{section}.{name}": " ".join(template.split())
        for section, entries in tomllib.loads(text).items()
        for name, template in entries.items()
    }
    for key, template in found.items():
        if re.search("[{}]", PLACE.sub("", template)):
            raise TemplateError(f"sentence {key!r}: a brace is no {{place}}: {template!r}")
    return found
