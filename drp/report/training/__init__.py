"""The report of a training run."""

from drp.report.training.model import ARMS, Entrant, TrainingFacts
from drp.report.training.page import build_training_report
from drp.report.training.queries import UNPRUNED
from drp.report.training.summary import scoreboard

__all__ = ["ARMS", "UNPRUNED", "Entrant", "TrainingFacts", "build_training_report", "scoreboard"]
