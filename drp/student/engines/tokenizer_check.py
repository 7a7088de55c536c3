"""Check that a model and its tokenizer match, before an engine starts. Does not need torch."""

import json
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from drp.core import BadInputError


def check_vocabulary(folder: Path) -> None:
    """Check that every tokenizer id fits the model's embedding.

    If a file is missing or does not have the number, the check is skipped and left to the engine.

    Raises:
        BadInputError: an id is out of range, because the tokenizer belongs to another model.
    """
    rows, tokenizer = _rows(folder / "config.json"), folder / "tokenizer.json"
    if rows is None or not tokenizer.is_file():
        return
    largest = max(Tokenizer.from_file(str(tokenizer)).get_vocab().values(), default=0)
    if largest >= rows:
        raise BadInputError(
            f"the tokenizer in {folder} belongs to another model: it has ids up to {largest}, but the model's"
            f" embedding has {rows} rows",
            state="Nothing was sampled; earlier rollouts are kept",
            next_command="copy the model's own tokenizer to the folder, then run the same command again",
        )


def _rows(file: Path) -> int | None:
    """Return the embedding size in a model's config (in that of the text part if it has several parts)."""
    try:
        config: dict[str, Any] = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    rows = config.get("vocab_size", config.get("text_config", {}).get("vocab_size"))
    return rows if isinstance(rows, int) else None
