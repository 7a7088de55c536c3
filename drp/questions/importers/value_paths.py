"""Addresses of values in a row: `answer`, `messages[0].info.answer`, `choices[*].text`, `instruction+input`.

A dot selects a field, a number in brackets an item of a list (negative: from its end), and `[*]` every item.
JSON text is read on the way. A plus joins texts. A column whose name is the whole address comes first.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_STEP = re.compile(r"\.?([^.\[\]]+)|\[(-?\d+|\*)\]")
_DEPTH = 5
JOIN = "+"


def column_of(path: str) -> str:
    """Return the column in which a path without joins begins."""
    return re.split(r"[.\[]", path, maxsplit=1)[0]


def joined_paths(address: str, columns: Sequence[str]) -> list[str]:
    """Return the paths that an address joins; one for an address without joins."""
    return [address] if address in columns else [part.strip() for part in address.split(JOIN)]


def is_known(address: str, columns: Sequence[str]) -> bool:
    """Whether an address begins in columns of the file and can be followed."""
    return all(
        path in columns or (column_of(path) in columns and _STEP.sub("", path) == "")
        for path in joined_paths(address, columns)
    )


def value_at(values: Mapping[str, Any], address: str) -> Any:
    """Return the value at an address, joined texts with a blank line between them; None if there is none."""
    if address in values:
        return values[address]
    paths = joined_paths(address, ())
    if len(paths) == 1:
        return _follow(values, _steps(address))
    texts = [value for path in paths if (value := value_at(values, path)) not in (None, "")]
    if not all(isinstance(text, str) for text in texts):
        return texts[0] if len(texts) == 1 else texts
    return "\n\n".join(text.strip() for text in texts) or None


def _steps(path: str) -> list[str]:
    return [match[1] if match[1] is not None else f"[{match[2]}]" for match in _STEP.finditer(path)]


def _follow(value: Any, steps: Sequence[str]) -> Any:
    for place, step in enumerate(steps):
        value = structure_of(value)
        if step == "[*]":
            items = value if isinstance(value, list) else []
            return [_follow(item, steps[place + 1 :]) for item in items]
        if step.startswith("["):
            index = int(step[1:-1])
            in_range = isinstance(value, list) and -len(value) <= index < len(value)
            value = value[index] if in_range else None
        else:
            value = value.get(step) if isinstance(value, Mapping) else None
    return value


def structure_of(value: Any) -> Any:
    """Return the structure that JSON text holds, and any other value unchanged."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def nested_paths(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the paths and values of all scalars inside the structures of a row, at most five levels deep."""
    for name, value in values.items():
        inner = structure_of(value)
        if isinstance(inner, Mapping | list):
            yield from _walk(name, inner, _DEPTH)


def _walk(path: str, value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and depth:
        for name, inner in value.items():
            yield from _walk(f"{path}.{name}", structure_of(inner), depth - 1)
    elif isinstance(value, list) and depth:
        for index, inner in enumerate(value[:3]):
            yield from _walk(f"{path}[{index}]", inner, depth - 1)
    elif value is not None and not isinstance(value, Mapping | list):
        yield path, value
