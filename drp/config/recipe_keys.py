"""All keys of a recipe, read from its models, and the keys that are near to a name which does not exist.

    for key in recipe_keys(Recipe): print(key.path, key.kind, key.default, key.about)

`drp recipe keys`, docs/reference/recipe-keys.md and the refusal of an unknown key use the same list.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import chain
from typing import Any, TypeAlias

from pydantic import BaseModel

Schema: TypeAlias = Mapping[str, Any]
"""A JSON schema, as pydantic writes it."""

_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
_NAMES = {"integer": "integer", "number": "number", "string": "text", "boolean": "true or false"}
_LIKE = 0.6
"""The least similarity of a near key, from 0 to 1 (`difflib`)."""
_ELSEWHERE = 0.9
"""What the similarity of a key in another section counts."""
_SHOWN = 4
RECORDED = {
    "overrides": "it records --set, and cannot be set itself",
    "prompt": "it records a prompt file, whose path prompt_version takes",
}
"""What a loaded recipe records of the command line and of other files, with why no file may set it."""


@dataclass(frozen=True)
class RecipeKey:
    """A key of a recipe."""

    path: str
    """Names joined by dots; `[]` follows the name of a list of sections: `evaluation.benchmarks[].name`."""
    kind: str
    """What values it takes."""
    default: str | None
    """The default as YAML writes it; None if the key has to be given, empty for a section."""
    about: str
    """What it means; empty if its model says nothing."""


def recipe_keys(model: type[BaseModel]) -> list[RecipeKey]:
    """Return the keys of a recipe, in the order of its models. A section comes before its keys."""
    schema = model.model_json_schema()
    keys = _keys(schema, schema.get("$defs", {}), "")
    return [key for key in keys if key.path.partition(".")[0] not in RECORDED]


def near_keys(path: str, known: list[RecipeKey]) -> list[str]:
    """Return the paths of the keys that may be meant by `path`, the most similar first.

    If none is similar, these are all keys of its section.
    """
    section, _, name = path.rpartition(".")

    def of(key: RecipeKey) -> tuple[str, str]:
        own_section, _, own_name = key.path.replace("[]", "").rpartition(".")
        return own_section, own_name

    def likeness(key: RecipeKey) -> float:
        own_section, own_name = of(key)
        return SequenceMatcher(None, name, own_name).ratio() * (1 if own_section == section else _ELSEWHERE)

    near = sorted((key for key in known if likeness(key) >= _LIKE), key=lambda key: -likeness(key))[:_SHOWN]
    return [key.path for key in near or [key for key in known if of(key)[0] == section]]


def _keys(section: Schema, models: Mapping[str, Schema], prefix: str) -> Iterator[RecipeKey]:
    for name, field in section["properties"].items():
        sections, is_list = _sections(field, models)
        path = prefix + name + "[]" * is_list
        about = " ".join((field.get("description") or _about(sections)).split())
        is_required = name in section.get("required", ())
        if not sections:
            default = None if is_required else json.dumps(field.get("default"), ensure_ascii=False)
            yield RecipeKey(path, _kind(field), default, about)
            continue
        kind = "a list of sections" if is_list else "a section"
        yield RecipeKey(path, kind, None if is_required else "", about)
        yield from _merged([list(_keys(part, models, f"{path}.")) for part in sections])


def _merged(choices: list[list[RecipeKey]]) -> Iterator[RecipeKey]:
    """Merge the keys of the sections that a field chooses from: it says which choice has a key."""
    by_path: dict[str, list[RecipeKey]] = {}
    for key in chain.from_iterable(choices):
        by_path.setdefault(key.path, []).append(key)
    marks = [keys[0].kind if keys else "" for keys in choices]  # the first key of a choice selects it
    for path, same in by_path.items():
        kind = " or ".join(dict.fromkeys(key.kind for key in same))
        about = next((key.about for key in same if key.about), "")
        if len(same) < len(choices):
            having = next(mark for mark, keys in zip(marks, choices, strict=True) if same[0] in keys)
            selector = choices[0][0].path.rpartition(".")[2]
            about = f"With `{selector}: {having.strip('`')}`. {about}".strip()
        default = same[0].default if len({key.default for key in same}) == 1 else None
        yield RecipeKey(path, kind, default, about)


def _sections(field: Schema, models: Mapping[str, Schema]) -> tuple[list[Schema], bool]:
    """Return the models that a field takes, if it takes sections, and whether it takes a list of them."""
    if "items" in field:
        sections, _ = _sections(field["items"], models)
        return sections, bool(sections)
    found = []
    for part in [field, *field.get("anyOf", ()), *field.get("oneOf", ())]:
        if "$ref" in part:
            found.append(models[part["$ref"].rpartition("/")[2]])
    return found, False


def _about(sections: list[Schema]) -> str:
    return " Or: ".join(section.get("description", "") for section in sections)


def _kind(field: Schema) -> str:
    """Return the values of a key in words."""
    parts = field.get("anyOf", ())
    if parts:
        return " or ".join(dict.fromkeys(map(_kind, parts)))
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if field.get("type") == "null":
        return "null"
    if "prefixItems" in field:
        return f"[{', '.join(map(_kind, field['prefixItems']))}]"
    if field.get("type") == "array":
        return f"a list of {_kind(field.get('items', {}))}"
    bounds = [f"{sign} {field[bound]:g}" for bound, sign in _BOUNDS.items() if bound in field]
    return " ".join(
        [_NAMES.get(field.get("type", ""), "any value"), *([", ".join(bounds)] if bounds else [])]
    )
