"""Read files of questions or recorded traces: Parquet, JSON Lines, CSV, or a `datasets` folder."""

from drp.questions.importers.files import import_questions, import_traces
from drp.questions.importers.parsing import RecordedTrace

__all__ = ["RecordedTrace", "import_questions", "import_traces"]
