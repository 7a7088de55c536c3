"""A custom expectation: the answers in the texts to be published equal the gold answers.

It does not rely on stored verdicts: the answer is extracted again from the text of each row and graded
against gold. A row that the row gates missed, or that was changed after them, therefore stops the run.
Importing this module imports Great Expectations, which takes 10 seconds: import it inside functions.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal

import pandas as pd
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import ColumnPairMapExpectation
from great_expectations.expectations.metrics.map_metric_provider import (
    ColumnPairMapMetricProvider,
    column_pair_condition_partial,
)

from drp.grading import Grader, grade_responses

_grader: ContextVar[Grader] = ContextVar("grader")


@contextmanager
def grading_with(grader: Grader) -> Iterator[None]:
    """Set the grader for the block, because Great Expectations only passes JSON to an expectation."""
    token = _grader.set(grader)
    try:
        yield
    finally:
        _grader.reset(token)


class AnswerEqualsGold(ColumnPairMapMetricProvider):  # type: ignore[misc]
    """A metric: for each row, whether the answer in the text of column_A equals gold in column_B."""

    condition_metric_name = "column_pair_values.answer_equals_gold"
    condition_domain_keys = (
        "batch_id",
        "table",
        "column_A",
        "column_B",
        "row_condition",
        "condition_parser",
        "ignore_row_if",
    )
    condition_value_keys = ()

    @column_pair_condition_partial(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]
    def _pandas(cls, column_A: pd.Series, column_B: pd.Series, **_: Any) -> pd.Series:  # noqa: N803, N805
        return pd.Series(answers_equal_gold(list(column_A), list(column_B)), index=column_A.index, dtype=bool)


class ExpectAnswersToEqualGold(ColumnPairMapExpectation):  # type: ignore[misc]
    """Expect the answer in every text of column_A to equal the gold answer in column_B."""

    map_metric = "column_pair_values.answer_equals_gold"
    domain_keys = (*ColumnPairMapExpectation.domain_keys, "ignore_row_if")
    ignore_row_if: Literal["neither"] = "neither"


def answers_equal_gold(texts: list[str], golds: list[str]) -> list[bool]:
    """Return whether each text's answer equals the gold answer; call it inside `grading_with`."""
    grades = grade_responses(_grader.get(), zip(golds, texts, strict=True))
    return [grade.verdict == "equal" for grade in grades]
