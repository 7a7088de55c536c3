"""Take rows out of the corpus again: discarded nights, removed sources, and corrected gold answers."""

from drp.withdrawals.discard import CannotDiscardError, DiscardPlan, discard, plan_discard
from drp.withdrawals.records import RemovedSources, Withdrawal, withdrawals
from drp.withdrawals.remove_source import (
    RemovalPlan,
    UnknownSourceError,
    finish_removal,
    plan_removal,
    remove_source,
    stale_reports,
)
from drp.withdrawals.run_withdrawals import RunWithdrawals
from drp.withdrawals.seen_questions import OtherAnswer, SeenQuestions

__all__ = [
    "CannotDiscardError",
    "DiscardPlan",
    "OtherAnswer",
    "RemovalPlan",
    "RemovedSources",
    "RunWithdrawals",
    "SeenQuestions",
    "UnknownSourceError",
    "Withdrawal",
    "discard",
    "finish_removal",
    "plan_discard",
    "plan_removal",
    "remove_source",
    "stale_reports",
    "withdrawals",
]
