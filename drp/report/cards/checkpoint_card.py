"""The card of a checkpoint, in the form of model cards: YAML first, then Markdown.

It is made when the checkpoint is registered, stored next to its files, and copied with them on export.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from drp.config import Recipe
from drp.core import VERSION
from drp.registry import CARD, Checkpoint, Flag
from drp.report.cards.provenance import Provenance, markdown_table

_COLUMNS = {
    "benchmark": "benchmark",
    "cutoff": "cut-off",
    "n_questions": "questions",
    "n_samples": "samples",
    "pass_at_1": "Pass@1",
    "pass_at_1_low": "from",
    "pass_at_1_high": "to (95 %)",
    "change_from_original": "change from the original base",
    "mean_tokens": "mean tokens",
}


def card_key(checkpoint_id: str) -> str:
    """Return the key of a checkpoint's card in the store."""
    return f"_checkpoints/{checkpoint_id}/{CARD}"


def checkpoint_card(checkpoint: Checkpoint, recipe: Recipe, provenance: Provenance) -> str:
    """Return the text of README.md: sources, licences, contamination checks, recipe and scores."""
    front = {
        "license": provenance.licence,
        "base_model": checkpoint.base_model,
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["reasoning", "distilled-reasoning-pruning", checkpoint.arm],
    }
    public = tuple(change for change in recipe.overrides if not change.startswith("server"))
    recipe = recipe.model_copy(
        update={"overrides": public}
    )  # addresses of servers are nobody else's business
    settings = recipe.model_dump(mode="json", exclude={"server"}, exclude_none=True)
    return f"""---
{yaml.safe_dump(front, sort_keys=False, allow_unicode=True).strip()}
---

# {checkpoint.student}, checkpoint {checkpoint.checkpoint_id[:12]}

`{checkpoint.base_model}` fine-tuned on reasoning traces (arm `{checkpoint.arm}`, objective
`{checkpoint.objective}`) by Distilled Reasoning Pruning.

| | |
|---|---|
| checkpoint | `{checkpoint.checkpoint_id}`, SHA-256 of all files `{checkpoint.sha256}` |
| base model | `{checkpoint.base_model}`, SHA-256 `{checkpoint.base_sha256}` |
| corpus version | {checkpoint.corpus_version} |
| recipe | `{recipe.label}`, training hash `{checkpoint.recipe_hash}` |
| code | {checkpoint.code_commit} |
| created | {checkpoint.created_at:%Y-%m-%d %H:%M} UTC |

## Scores

{_scores(checkpoint.scores)}

Prompt `{recipe.prompt_version}`, zero-shot. Intervals are over questions. Scores of other prompts, samplings
or graders cannot be compared with these.

## Training data

{provenance.source_table()}

{provenance.maker_table()}

Licences are those that the imported files state; the base model's own licence holds as well.

## Contamination

{provenance.checks()}

## Recipe

```yaml
{yaml.safe_dump(settings, sort_keys=False, allow_unicode=True).strip()}
```

Written by drp {VERSION}.
"""


def with_flags(card: str, flags: Sequence[Flag]) -> str:
    """Return a card with the reasons, found later, why its checkpoint must not be used."""
    if not flags:
        return card
    reasons = "\n".join(f"> - {flag.flag}: {flag.reason} ({flag.flagged_at:%Y-%m-%d})" for flag in flags)
    front, rule, text = card.partition("\n---\n")
    return f"{front}{rule}\n> **Do not use this checkpoint.**\n>\n{reasons}\n{text}"


def _scores(scores: Sequence[Mapping[str, Any]]) -> str:
    if not scores:
        return "It was not measured."
    rows = [[_figure(score.get(column)) for column in _COLUMNS] for score in scores]
    return markdown_table(list(_COLUMNS.values()), rows)


def _figure(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) <= 1 else f"{value:,.1f}"
    return str(value)
