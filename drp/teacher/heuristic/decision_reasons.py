"""The fixed vocabulary of reasons in decisions, and the verdict on one unit."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

DecisionReason: TypeAlias = Literal[
    # kept
    "derivation",  # computes or argues something that the answer depends on
    "definition",  # names a quantity
    "conclusion",  # states the student's answer
    "closing",  # says that this is the answer, if the unit that derives it does not
    "lead_in",  # announces the formula, list, case or computation after it
    "list_member",  # an item of a list that is mostly kept
    "needed_later",  # restored: a later kept unit uses its value or refers to it
    "unresolved",  # a turn back that could not be separated from the derivation
    # shortened or merged
    "filler_removed",  # interjections and hedges are removed
    "part_removed",  # some sentences of the step are removed
    "merged_chain",  # equations that continue each other, written as one chain
    "merged_lead_in",  # an announcement, joined with what it announces
    "merged_setup",  # a set-up, joined with its computation
    "merged_result",  # a computation, joined with the result that it states
    "condensed",  # neighbouring steps of which a single sentence each is left
    "fallback_from_summary",  # holds the summary, which stands for a thinking that could not be cut
    # deleted
    "after_answer",  # follows the end of the derivation
    "restated_question",  # repeats the question
    "meta_talk",  # talks about the work without doing it
    "verified_again",  # checks a known result
    "alternative_method",  # another way to a known result
    "abandoned_attempt",  # was taken back
    "turned_back",  # takes something back
    "self_question",  # asks itself without answering
    "doubt",  # weighs without deciding
    "unused_result",  # computes something that no kept unit uses
    "repeated",  # repeats a kept unit
    "dangling",  # refers to a deleted unit and adds nothing
    "separator",  # no content: rules, bare headings
    "not_in_summary",  # of a thinking for which the student's summary stands
]


@dataclass(slots=True)
class UnitVerdict:
    """Whether to keep one unit, and why."""

    keep: bool
    reason: DecisionReason
    added: str = ""
    """Text of the student's summary that stands in the revision, after the last unit."""
