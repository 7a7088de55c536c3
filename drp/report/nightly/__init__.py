"""The report of a night."""

from drp.report.nightly.model import NightFacts, NightOutcome
from drp.report.nightly.page import build_report
from drp.report.nightly.queries import used
from drp.report.nightly.summary import summary

__all__ = ["NightFacts", "NightOutcome", "build_report", "summary", "used"]
