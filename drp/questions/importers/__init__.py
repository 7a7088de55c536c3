"""Read questions or recorded traces from Parquet, JSON Lines, CSV, `datasets` folders, shards and S3."""

from drp.questions.importers.columns import ImportCommand, ImportKind
from drp.questions.importers.fault_advice import FaultSummary
from drp.questions.importers.files import (
    DeadLetters,
    RefusalRule,
    import_questions,
    import_traces,
    refused_letter,
)
from drp.questions.importers.input_addresses import ImportInput, absolute, open_input
from drp.questions.importers.parsing import RecordedTrace
from drp.questions.importers.preview import Preview, preview

__all__ = [
    "DeadLetters",
    "FaultSummary",
    "ImportCommand",
    "ImportInput",
    "ImportKind",
    "Preview",
    "RecordedTrace",
    "RefusalRule",
    "absolute",
    "import_questions",
    "import_traces",
    "open_input",
    "preview",
    "refused_letter",
]
