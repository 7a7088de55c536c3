"""The report of a training run."""

from drp.report.training.page import build_training_report
from drp.report.training.page_data import Entrant, TrainingFacts, in_table_order
from drp.report.training.page_queries import UNPRUNED
from drp.report.training.summary import scoreboard

__all__ = [
    "UNPRUNED",
    "Entrant",
    "TrainingFacts",
    "build_training_report",
    "in_table_order",
    "scoreboard",
]
