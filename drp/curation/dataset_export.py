"""Write the examples of a corpus version to a file that other training tools read.

    rows = export_examples(lake.published(3), "trl", Path("out/train.parquet"))

Layouts:

- `messages`: the chat messages of one example, the assistant's with its thinking in `<think>`.
- `trl`: `prompt` and `completion`, each a list of messages, so that TRL's `SFTTrainer` takes the loss on the
  completion only, as DRP does.
- `sharegpt`: `conversations` of turns with `from` (`human` or `gpt`) and `value`, as LLaMA-Factory reads
  them.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq
from more_itertools import chunked

from drp.core.lake_schemas import MESSAGES
from drp.lake import Addresses
from drp.query import select

Layout: TypeAlias = Literal["messages", "trl", "sharegpt"]
"""How an exported example is laid out."""

_ROW_GROUP = 1024
_TURNS = pa.list_(pa.struct([pa.field("from", pa.string()), pa.field("value", pa.large_string())]))
_SPEAKERS = {"user": "human", "assistant": "gpt", "system": "system"}
_FIELDS: Mapping[Layout, list[pa.Field]] = {
    "messages": [pa.field("messages", MESSAGES)],
    "trl": [pa.field("prompt", MESSAGES), pa.field("completion", MESSAGES)],
    "sharegpt": [pa.field("conversations", _TURNS)],
}
_ABOUT = ("example_id", "dataset", "source", "student", "teacher", "recipe")
"""Columns that every layout has behind its own."""
_EXAMPLES = """
SELECT e.example_id, e.messages, q.dataset, q.source, r.student, v.teacher, v.recipe
FROM examples e
LEFT JOIN questions q ON q.question_id = e.question_id
LEFT JOIN revisions v ON v.revision_id = e.revision_id
LEFT JOIN rollouts r ON r.rollout_id = v.rollout_id
WHERE ($recipe = '' OR v.recipe = $recipe) AND ($student = '' OR r.student = $student)
ORDER BY e.example_id
"""


def columns_of(layout: Layout) -> tuple[str, ...]:
    """Return the columns of an exported file, in order."""
    return (*(field.name for field in _FIELDS[layout]), *_ABOUT)


def export_examples(
    addresses: Addresses, layout: Layout, file: Path, *, recipe: str = "", student: str = ""
) -> int:
    """Write examples in the order of their ids, and return their number.

    Args:
        addresses: the parts of a corpus version.
        layout: how a row is laid out.
        file: `.parquet` or `.jsonl`.
        recipe: only examples of this recipe; empty means all.
        student: only examples of this student; empty means all.
    """
    parameters = {"recipe": recipe, "student": student}
    rows = (_laid_out(layout, row) for row in select(addresses, _EXAMPLES, parameters))
    schema = pa.schema([*_FIELDS[layout], *(pa.field(name, pa.string()) for name in _ABOUT)])
    count = 0
    with _writer(file, schema) as write:
        for batch in chunked(rows, _ROW_GROUP):
            write(batch)
            count += len(batch)
    return count


def _laid_out(layout: Layout, row: Mapping[str, Any]) -> dict[str, Any]:
    messages = row["messages"]
    about = {name: row[name] for name in _ABOUT}
    match layout:
        case "messages":
            return {"messages": messages, **about}
        case "trl":
            return {"prompt": messages[:-1], "completion": messages[-1:], **about}
        case "sharegpt":
            turns = [{"from": _SPEAKERS[m["role"]], "value": m["content"]} for m in messages]
            return {"conversations": turns, **about}


@contextmanager
def _writer(file: Path, schema: pa.Schema) -> Iterator[Callable[[list[dict[str, Any]]], None]]:
    """Yield a function that writes a batch of rows."""
    if file.suffix == ".parquet":
        with pq.ParquetWriter(file, schema, compression="zstd", compression_level=3) as parquet:
            yield lambda rows: parquet.write_table(pa.Table.from_pylist(rows, schema=schema))
        return
    with file.open("w", encoding="utf-8") as lines:

        def write(rows: list[dict[str, Any]]) -> None:
            lines.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)

        yield write
