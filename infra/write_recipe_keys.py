"""The list of all keys of a recipe, made from the models in drp/config:

python infra/write_recipe_keys.py > docs/reference/recipe-keys.md
"""

import sys
from itertools import groupby

from drp.config import Recipe, RecipeKey, recipe_keys

_HEAD = """# Recipe keys

Made by `make docs` from the models in `drp/config`; do not edit it here. `drp recipe keys` prints the same
list.

A recipe is a YAML file ([how to write one](../how-to/write-a-recipe.md)). Dots join the names of nested keys,
and `[]` follows the name of a list of sections. On the command line an item of a list is named by its number,
from 0:

```bash
.venv/bin/drp recipe keys epochs
.venv/bin/drp nightly --run-date 2026-11-24 --set sample_size=40 --set questions.0.seed=7
```
"""
_GENERAL = "General"


def page() -> str:
    """The page, as Markdown."""
    keys = recipe_keys(Recipe)
    nested = {key.path.partition(".")[0] for key in keys if "." in key.path}
    general = [key for key in keys if key.path not in nested and "." not in key.path]
    sections = [_table(_GENERAL, "What is not in a section.", general)]
    for name, group in groupby(keys, key=lambda key: key.path.partition(".")[0]):
        if name in nested:
            first, *others = group
            needed = (
                "The section has to be given." if first.default is None else "The section may be left out."
            )
            sections.append(_table(name.removesuffix("[]"), f"{first.about} {needed}", others))
    return "\n\n".join([_HEAD.strip(), *sections]) + "\n"


def _table(title: str, about: str, keys: list[RecipeKey]) -> str:
    rows = [f"| `{key.path}` | {key.kind} | {_default(key)} | {key.about} |" for key in keys]
    lines = [f"## {title}", "", about, "", "| key | values | default | meaning |", "|---|---|---|---|", *rows]
    return "\n".join(lines)


def _default(key: RecipeKey) -> str:
    if key.default is None:
        return "required"
    return f"`{key.default}`" if key.default else ""


if __name__ == "__main__":
    sys.stdout.write(page())
