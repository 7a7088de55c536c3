"""Whether a model and its tokenizer belong together: seen before an engine starts. Needs no torch."""

import json
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from drp.core import BadInputError


def check_vocabulary(folder: Path) -> None:
    """Make sure that the tokenizer in a model's folder makes no ids that its embedding has not got.

    Where one of the two files is missing or says nothing, the engine will see for itself.

    Raises:
        BadInputError: it does: the tokenizer is of another model.
    """
    rows, tokenizer = _rows(folder / "config.json"), folder / "tokenizer.json"
    if rows is None or not tokenizer.is_file():
        return
    largest = max(Tokenizer.from_file(str(tokenizer)).get_vocab().values(), default=0)
    if largest >= rows:
        raise BadInputError(
            f"the tokenizer in {folder} is of another model: it makes ids up to {largest}, and the model's"
            f" embedding has {rows} rows",
            state="Nothing was sampled; what was there before is kept",
            next_command="put the model's own tokenizer there, then run the same command again",
        )


def _rows(file: Path) -> int | None:
    """Rows of the embedding, as the model's config says (a model of several parts: of its text)."""
    try:
        config: dict[str, Any] = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    rows = config.get("vocab_size", config.get("text_config", {}).get("vocab_size"))
    return rows if isinstance(rows, int) else None
