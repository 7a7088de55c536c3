"""The card of an exported dataset, in the form of dataset cards: YAML first, then Markdown."""

from collections.abc import Sequence

import yaml

from drp.core import VERSION
from drp.lake import Addresses
from drp.report.cards.provenance import ChosenExamples, read_provenance

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def dataset_card(
    addresses: Addresses,
    chosen: ChosenExamples,
    *,
    version: int,
    rows: int,
    file: str,
    layout: str,
    columns: Sequence[str],
) -> str:
    """Return the text of README.md.

    Args:
        addresses: the parts of the corpus version.
        chosen: which of its examples were exported.
        version: number of the corpus version.
        rows: number of exported rows.
        file: name of the file with the rows.
        layout: name of the format.
        columns: columns of the file.
    """
    provenance = read_provenance(addresses, chosen)
    front = {
        "license": provenance.licence,
        "task_categories": ["text-generation"],
        "tags": ["reasoning", "chain-of-thought", "distilled-reasoning-pruning"],
        "size_categories": [next((name for limit, name in _SIZES if rows < limit), "n>1M")],
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": file}]}],
    }
    filters = [f"{name} `{value}`" for name, value in vars(chosen).items() if value]
    return f"""---
{yaml.safe_dump(front, sort_keys=False, allow_unicode=True).strip()}
---

# Pruned reasoning traces, corpus version {version}

{rows:,} training examples in the layout `{layout}`: a question, and a response with shortened reasoning
between `<think>` and `</think>`. A student model wrote the traces, a teacher cut and pruned them step by step
(Distilled Reasoning Pruning), and gates kept the revisions whose answer still agrees with the gold answer.
{f"Chosen: {', '.join(filters)}." if filters else "All examples of the version."}

Columns: {", ".join(f"`{column}`" for column in columns)}.

## Sources and licences

{provenance.source_table()}

Licences are those that the imported files state. The traces were written by the models below, whose licences
may limit what their output may be used for.

## Who made them

{provenance.maker_table()}

## Contamination

{provenance.checks()}

Written by drp {VERSION}.
"""
