"""The fixed vocabulary of reasons in decisions, and the verdict on one unit."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

DecisionReason: TypeAlias = Literal[
    # kept
    "derivation",  # computes or argues something the answer rests on
    "definition",  # names a quantity
    "conclusion",  # states the student's answer
    "closing",  # says that it is the answer, where what derives it does not
    "lead_in",  # announces the formula, list, case or computation that follows
    "list_member",  # an item of a list of which most is kept
    "needed_later",  # brought back: a later kept unit uses its value or leans on it
    "unresolved",  # a turn back that could not be told from the derivation
    # shortened or merged
    "filler_removed",  # interjections and hedges taken out
    "part_removed",  # some sentences of the step taken out
    "merged_chain",  # equations that continue each other written as one chain
    "merged_lead_in",  # an announcement joined with what it announces
    "merged_setup",  # a set-up joined with its computation
    "merged_result",  # a computation joined with the result it states
    # deleted
    "after_answer",  # follows the end of the derivation
    "restated_question",  # says the question again
    "meta_talk",  # speaks of the work without doing any
    "verified_again",  # checks what is already there
    "alternative_method",  # another way to what is already known
    "abandoned_attempt",  # was taken back
    "turned_back",  # takes something back
    "self_question",  # asks without answering
    "doubt",  # weighs without deciding
    "unused_result",  # computes what nothing kept uses
    "repeated",  # says again what a kept unit says
    "dangling",  # leans on a deleted unit and adds nothing
    "separator",  # no content: rules, bare headings
]


@dataclass
class UnitVerdict:
    """What is to become of one unit."""

    keep: bool
    reason: DecisionReason
