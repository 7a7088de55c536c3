"""The public functions of `import drp`: what a program needs that uses DRP as a library.

import drp

corpus = drp.open_corpus()                     # a locked DuckDB connection
print(drp.prune_trace("What is 2 + 3?", thinking, "The answer is \\\\boxed{5}."))
print(drp.grade_answer("1/2", "0.5"))          # equal
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import duckdb

from drp.config import DecompositionKind, load_recipe
from drp.core import BadInputError, Draft, StudentTrace, Verdict
from drp.grading import Grader, extract_answer
from drp.lake import open_lake
from drp.pipeline.nightly import nightly
from drp.query import open_session
from drp.runtime import open_night
from drp.student import RolloutEngine
from drp.teacher import Teacher
from drp.teacher.heuristic import HeuristicTeacher

__all__ = [
    "Draft",
    "RolloutEngine",
    "Teacher",
    "grade_answer",
    "load_recipe",
    "open_corpus",
    "prune_trace",
    "run_night",
]


def open_corpus(version: int | None = None) -> duckdb.DuckDBPyConnection:
    """Open a published version of the corpus for reading, with all tables and views.

    Args:
        version: number of the version; the current one when None.

    Returns:
        A DuckDB connection that can read the version's files and nothing else. Close it.

    Raises:
        UnknownVersionError: there is no such version.
        PartsUnreadableError: a file of the version is missing or damaged.
    """
    return open_session(open_lake().published(version))


def run_night(
    recipe: str = "drp",
    run_date: str | None = None,
    *,
    traces: str | None = None,
    columns: Sequence[str] = (),
    student: str | None = None,
    backlog: bool = False,
) -> str:
    """Run a night, or go on with one, and return the address of its report.

    Args:
        recipe: name of a recipe that ships with DRP, or path of a YAML file.
        run_date: ISO date; today (UTC) when None.
        traces: file of recorded traces to replay; None samples the recipe's student.
        columns: `field=column` for each column of `traces` that has another name than ours.
        student: name of the student that wrote `traces`, where the file has no such column.
        backlog: revise also what the recipe has not revised of other files and students.

    Raises:
        NightQuarantinedError: the night breaks its contract and was not published.
        DrpError: see the runbook under the error's name.
    """
    day = run_date or datetime.now(UTC).date().isoformat()
    return nightly(open_night(recipe, day), traces, pairs=columns, student=student, backlog=backlog)


def prune_trace(
    question: str,
    thinking: str,
    response: str,
    *,
    teacher: Teacher | None = None,
    kind: DecompositionKind = "skill",
) -> Draft:
    """Decompose and revise one trace, without a lake and without gates.

    Args:
        question: the problem.
        thinking: the student's reasoning, without its tags.
        response: the answer summary after it.
        teacher: who prunes; the rule-based teacher when None.
        kind: how the trace is cut into steps.

    Returns:
        The draft with its steps, decisions and revision, or with the reason why the teacher refused it.

    Raises:
        BadInputError: the response states no answer.
    """
    answer = extract_answer(response)
    if answer is None:
        raise BadInputError(
            "the response states no answer",
            state="Nothing was pruned",
            next_command="pass the text after the thinking as response, with its final answer",
        )
    trace = StudentTrace("trace", question, thinking, response, answer.answer)
    by = teacher or HeuristicTeacher()
    (draft,) = by.revise(by.decompose([Draft(trace)], kind))
    return draft


def grade_answer(gold: str, answer: str) -> Verdict:
    """Compare an answer with gold: `equal`, `different` or `undecided`."""
    with Grader(workers=1) as grader:
        return grader.verdict(gold, answer)
