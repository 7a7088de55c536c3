"""Read files of questions or recorded traces: Parquet, JSON Lines, CSV, or a `datasets` folder."""

from drp.questions.importers.files import (
    DeadLetters,
    RefusalRule,
    import_questions,
    import_traces,
    refused_letter,
)
from drp.questions.importers.parsing import RecordedTrace

__all__ = [
    "DeadLetters",
    "RecordedTrace",
    "RefusalRule",
    "import_questions",
    "import_traces",
    "refused_letter",
]
