"""Change keys of a recipe on the command line: `--set training.epochs=1 --set arms=[drp,unpruned_sft]`.

The value is YAML. The recipe's models check it, as they check a file.
"""

from collections.abc import Sequence
from typing import Any

import yaml

from drp.core import BadInputError


def apply_overrides(document: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Return a recipe's document with some keys changed.

    Args:
        document: the recipe as YAML has it.
        overrides: `path=value` each. A path has the names of nested keys, and the numbers of items of lists
            from 0, joined by dots: `evaluation.benchmarks.0.questions.size=40`.

    Raises:
        BadInputError: an override is not of this form, or leads through something that has no keys.
    """
    changed: Any = document
    for override in overrides:
        path, equals, text = override.partition("=")
        names = path.strip().split(".")
        if not equals or not all(names):
            raise _bad(override, "it is not of the form key=value")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise _bad(override, "its value is not YAML") from error
        changed = _changed(changed, names, value, override)
    result: dict[str, Any] = changed
    return result


def _changed(node: Any, names: Sequence[str], value: Any, override: str) -> Any:
    """Return a copy of `node` in which the path `names` leads to `value`."""
    if not names:
        return value
    name, *rest = names
    if isinstance(node, list):
        if not name.isdecimal() or int(name) >= len(node):
            raise _bad(override, f"{name!r} is not the number of an item: the list has {len(node)}, from 0")
        position = int(name)
        return [
            _changed(item, rest, value, override) if at == position else item for at, item in enumerate(node)
        ]
    if node is not None and not isinstance(node, dict):
        raise _bad(override, f"there is a value, {node!r}, where {name!r} needs a section")
    section = node or {}
    return {**section, name: _changed(section.get(name), rest, value, override)}


def _bad(override: str, why: str) -> BadInputError:
    return BadInputError(
        f"--set {override}: {why}",
        state="Nothing was read or written",
        next_command="drp recipe keys, which lists the keys; then --set KEY=VALUE, such as training.epochs=1",
    )
