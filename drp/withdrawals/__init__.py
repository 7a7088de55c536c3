"""Take rows out of the corpus again: discarded nights, removed sources, and corrected gold answers."""

from drp.withdrawals.corrections import keep_corrections, publish_run, settle
from drp.withdrawals.discard import CannotDiscardError, DiscardPlan, discard, plan_discard
from drp.withdrawals.records import RemovedSources, Withdrawal, removed_sources, withdrawals
from drp.withdrawals.remove_source import (
    RemovalPlan,
    UnknownSourceError,
    finish_removal,
    plan_removal,
    remove_source,
    stale_reports,
)
from drp.withdrawals.seen_questions import OtherAnswer, SeenQuestions

__all__ = [
    "CannotDiscardError",
    "DiscardPlan",
    "OtherAnswer",
    "RemovalPlan",
    "RemovedSources",
    "SeenQuestions",
    "UnknownSourceError",
    "Withdrawal",
    "discard",
    "finish_removal",
    "keep_corrections",
    "plan_discard",
    "plan_removal",
    "publish_run",
    "remove_source",
    "removed_sources",
    "settle",
    "stale_reports",
    "withdrawals",
]
