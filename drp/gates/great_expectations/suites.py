"""The contract for publishing a run: a suite of expectations for each table and one for the run as a whole.

A suite consists of a query, which returns one narrow row per row of the table, and expectations on that
frame. Conditions that involve several rows (uniqueness, foreign keys, cover) are computed by the query as a
Boolean column, which the expectation checks. Importing this module imports Great Expectations: import it
inside functions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from great_expectations import expectations as gx
from great_expectations.expectations.row_conditions import Column

from drp.config import DecompositionKind, NightBands
from drp.core import ACTIONS, FinishReason, Verdict
from drp.core.lake_schemas import CORPUS_TABLES, id_column
from drp.gates.great_expectations.answer_expectation import ExpectAnswersToEqualGold
from drp.gates.leaks import EVALUATION_SPLITS
from drp.gates.reject_reasons import REASONS

ROWS = 20_480
ROWS_WITH_TEXT = 8_192
ROWS_OF_STEPS = 122_880
"""For tables with dozens of rows per rollout, as each frame costs a third of a second and a page."""

_ACCEPTED = Column("status") == "accepted"
_REJECTED = Column("status") == "rejected"


@dataclass(frozen=True)
class Suite:
    """Expectations on the frame returned by `query`; messages name a row by its value of `key`."""

    name: str
    key: str
    query: str
    expectations: Sequence[Any]
    rows: int = ROWS
    """Maximum number of rows in memory at once and on one page of the Data Docs."""
    sliced: str = ""
    """If set, a table: the query runs for one range of its ids at a time, from $low to before $high, so that
    memory does not grow with the table. Parts are sorted by id, so each range is read from few of them."""


def _true(column: str, sentence: str, **options: Any) -> Any:
    return gx.ExpectColumnValuesToBeInSet(column=column, value_set=[True], description=sentence, **options)


def _one_of(column: str, values: Sequence[str], sentence: str) -> Any:
    return gx.ExpectColumnValuesToBeInSet(column=column, value_set=list(values), description=sentence)


def _between(column: str, sentence: str, low: float | None, high: float | None = None, **options: Any) -> Any:
    return gx.ExpectColumnValuesToBeBetween(
        column=column, min_value=low, max_value=high, description=sentence, **options
    )


def _table(
    name: str, columns: str, joins: str, *expectations: Any, rows: int = ROWS, in_slices: bool = False
) -> Suite:
    """Return a suite for one table, alias `t`: the expectations of every table, then the given ones."""
    key = id_column(name)
    source = f"(FROM {name} WHERE {key} >= $low AND {key} < $high)" if in_slices else name
    required = [field.name for field in CORPUS_TABLES[name] if not field.nullable]
    complete = " AND ".join(f't."{column}" IS NOT NULL' for column in required)
    query = f"""
        WITH suspects AS (SELECT hash({key}) FROM {source} GROUP BY ALL HAVING count(*) > 1),
             doubles AS (SELECT {key} FROM {source} WHERE hash({key}) IN (FROM suspects)
                         GROUP BY ALL HAVING count(*) > 1)
        SELECT t.{key}, (t.{key} IN (FROM doubles)) IS NOT true AS is_unique,
               {complete} AS is_complete, {columns}
        FROM {source} t {joins}
    """  # noqa: S608 - table and column names from DRP
    common = (
        gx.ExpectColumnValuesToNotBeNull(column=key, description="every row has an id"),
        _true("is_unique", "every id occurs once"),
        _true("is_complete", "every required column has a value"),
    )
    return Suite(name, key, query, (*common, *expectations), rows, name if in_slices else "")


def _exists(table: str, key: str, reference: str) -> str:
    """Return the SQL condition that `table` has a row whose `key` equals the column `reference`."""
    return f"{reference} IN (SELECT {key} FROM {table} WHERE {key} IS NOT NULL)"  # noqa: S608


def suites(bands: NightBands) -> list[Suite]:
    """Return all suites of a run, tables first in the order in which they refer to each other."""
    return [
        _questions(),
        _rollouts(),
        _decompositions(),
        _steps(),
        _revisions(),
        _accepted(),
        _decisions(),
        _examples(),
        _dead_letters(),
        _night(bands),
    ]


def _questions() -> Suite:
    return _table(
        "questions",
        "length(t.question) AS question_length, length(t.gold_answer) AS gold_length",
        "",
        _between("question_length", "every question has text", 1),
        _between("gold_length", "every question has a gold answer", 1),
    )


def _rollouts() -> Suite:
    return _table(
        "rollouts",
        f"""{_exists("questions", "question_id", "t.question_id")} AS has_question,
            t.finish_reason, t.verdict, t.sample_index, t.think_tokens, t.total_tokens,
            (t.verdict IS NULL) = (t.predicted_answer IS NULL) AS is_graded""",
        "",
        _true("has_question", "every rollout belongs to an existing question"),
        _one_of("finish_reason", get_args(FinishReason), "every finish reason is known"),
        _one_of("verdict", get_args(Verdict), "every verdict is known"),
        _true("is_graded", "there is a verdict if and only if there is an answer"),
        _between("sample_index", "sample indexes are not negative", 0),
        _between("think_tokens", "no length is negative", 0),
        gx.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A="total_tokens",
            column_B="think_tokens",
            or_equal=True,
            description="a rollout is at least as long as its thinking",
        ),
    )


def _decompositions() -> Suite:
    # Each step adds the hash of its beginning and subtracts that of the beginning the next step must have. If
    # the steps cover the trace without gap or overlap, only the beginning of the first step and the end of
    # the last remain. This needs no sorting.
    return _table(
        "decompositions",
        """t.kind, r.rollout_id IS NOT NULL AS has_rollout, t.n_steps = coalesce(s.n, 0) AS has_its_steps,
           coalesce(
             CASE WHEN s.n IS NULL THEN r.characters = 0
                  ELSE s.are_positive AND s.chain = hash(0::BIGINT, 0::BIGINT)::HUGEINT
                                                    - hash(s.n, r.characters)::HUGEINT
             END, false) AS covers""",
        """LEFT JOIN (SELECT rollout_id, length(thinking) AS characters FROM rollouts) r USING (rollout_id)
           LEFT JOIN (
             SELECT decomposition_id, count(*) AS n, bool_and(char_end > char_start) AS are_positive,
                    sum(hash(step_index::BIGINT, char_start)::HUGEINT
                        - hash(step_index::BIGINT + 1, char_end)::HUGEINT) AS chain
             FROM steps GROUP BY decomposition_id) s USING (decomposition_id)""",
        _true("has_rollout", "every decomposition belongs to an existing rollout"),
        _one_of("kind", get_args(DecompositionKind), "every kind of decomposition is known"),
        _true("has_its_steps", "every decomposition has n_steps steps"),
        _true("covers", "steps cover their trace from first to last character without gap or overlap"),
    )


def _steps() -> Suite:
    return _table(
        "steps",
        f"""{_exists("decompositions", "decomposition_id", "t.decomposition_id")} AS has_decomposition,
            t.char_end - t.char_start AS characters, length(trim(t.skill)) AS skill_length""",
        "",
        _true("has_decomposition", "every step belongs to an existing decomposition"),
        _between("characters", "every step has text", 1),
        _between("skill_length", "every step has a skill", 1),
        rows=ROWS_OF_STEPS,
        in_slices=True,
    )


def _revisions() -> Suite:
    # Sums of hashes replace a window or count(DISTINCT), which would take memory. They show whether each step
    # has exactly one decision; among 100,000 pairs, two have the same hash by chance once in a billion runs.
    known = ", ".join(f"'{reason}'" for reason in REASONS)
    return _table(
        "revisions",
        f"""t.status, len(t.reject_reasons) AS n_reasons, t.verdict, t.tokens, r.total_tokens,
            r.rollout_id IS NOT NULL AS has_rollout,
            t.decomposition_id IS NULL OR coalesce(d.rollout_id = t.rollout_id, false) AS has_decomposition,
            hash(t.rollout_id, t.recipe_hash) NOT IN (
              SELECT hash(rollout_id, recipe_hash) FROM revisions GROUP BY ALL HAVING count(*) > 1)
              AS is_only_one,
            len(list_filter(t.reject_reasons, lambda reason: reason NOT IN ({known}))) AS n_unknown,
            d.rollout_id IS NOT NULL AND t.thinking IS NOT NULL AND t.response IS NOT NULL
              AND t.tokens IS NOT NULL AND t.verdict IS NOT NULL AS is_whole,
            t.token_counter = r.token_counter AS is_comparable,
            coalesce(c.decided, 0) = coalesce(
              list_sum([hash(step)::HUGEINT FOR step IN range(d.n_steps::BIGINT)]), 0)
              AS has_its_decisions""",  # noqa: S608 - reasons from DRP
        """LEFT JOIN (SELECT rollout_id, total_tokens, token_counter FROM rollouts) r USING (rollout_id)
           LEFT JOIN (SELECT decomposition_id, rollout_id, n_steps FROM decompositions) d
             USING (decomposition_id)
           LEFT JOIN (SELECT revision_id, sum(hash(step_index::BIGINT)::HUGEINT) AS decided
                      FROM decisions GROUP BY revision_id) c USING (revision_id)""",
        _true("has_rollout", "every revision belongs to an existing rollout"),
        _true("has_decomposition", "every revision uses a decomposition of its rollout"),
        _true("is_only_one", "a rollout has one revision per recipe"),
        _one_of("status", ("accepted", "rejected"), "every status is known"),
        _between(
            "n_reasons", "an accepted revision has no reason for rejection", 0, 0, row_condition=_ACCEPTED
        ),
        _between("n_reasons", "a rejected revision has a reason", 1, row_condition=_REJECTED),
        _between("n_unknown", "every reason for rejection is known", 0, 0),
        _true(
            "is_whole",
            "an accepted revision has a decomposition, texts, a length and a verdict",
            row_condition=_ACCEPTED,
        ),
        _true(
            "has_its_decisions", "an accepted revision has a decision for every step", row_condition=_ACCEPTED
        ),
        gx.ExpectColumnValuesToBeInSet(
            column="verdict",
            value_set=["equal"],
            row_condition=_ACCEPTED,
            description="an accepted revision was graded equal to gold",
        ),
        _between("tokens", "an accepted revision has a positive length", 1, row_condition=_ACCEPTED),
        gx.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A="total_tokens",
            column_B="tokens",
            or_equal=True,
            row_condition=(_ACCEPTED) & (Column("is_comparable") == True),  # noqa: E712 - builds a condition
            description="an accepted revision is not longer than its rollout",
        ),
    )


def _accepted() -> Suite:
    query = """
        SELECT t.revision_id, coalesce(t.response, '') AS response, coalesce(q.gold_answer, '') AS gold_answer
        FROM revisions t
        LEFT JOIN (SELECT rollout_id, question_id FROM rollouts) r USING (rollout_id)
        LEFT JOIN (SELECT question_id, gold_answer FROM questions) q USING (question_id)
        WHERE t.status = 'accepted'
    """
    expectations = (_answers("every accepted response ends in the gold answer"),)
    return Suite("accepted", "revision_id", query, expectations, ROWS_WITH_TEXT)


def _answers(sentence: str) -> Any:
    return ExpectAnswersToEqualGold(column_A="response", column_B="gold_answer", description=sentence)


def _decisions() -> Suite:
    return _table(
        "decisions",
        f"""{_exists("revisions", "revision_id", "t.revision_id")} AS has_revision, t.action, t.step_index,
            CASE t.action WHEN 'SINGLE-STEP COMPRESS' THEN t.revised_text IS NOT NULL
                          WHEN 'MULTI-STEP COMPRESS' THEN (t.revised_text IS NOT NULL)
                                                          = (t.step_index < list_min(t.merged_with))
                          ELSE t.revised_text IS NULL END AS has_its_text,
            (t.action = 'MULTI-STEP COMPRESS') = (len(t.merged_with) > 0) AS has_its_partners""",
        "",
        _true("has_revision", "every decision belongs to an existing revision"),
        _one_of("action", ACTIONS, "every action is one of the four"),
        _between("step_index", "step indexes are not negative", 0),
        _true("has_its_text", "a compression has exactly one text, and a kept or deleted step has none"),
        _true(
            "has_its_partners", "a MULTI-STEP COMPRESS, and no other action, names the steps merged with it"
        ),
        rows=ROWS_OF_STEPS,
        in_slices=True,
    )


def _examples() -> Suite:
    splits = ", ".join(f"'{split}'" for split in sorted(EVALUATION_SPLITS))
    blank = "' ' || chr(9) || chr(10) || chr(13)"
    content = "t.messages[-1].content"
    return _table(
        "examples",
        f"""q.question_id IS NOT NULL AS has_question, coalesce(v.status = 'accepted', false) AS is_accepted,
            coalesce(lower(trim(q.split)) NOT IN ({splits}), true) AS is_training, t.tokens, t.weight,
            coalesce(t.messages[-1].role = 'assistant'
                     AND starts_with({content}, '<think>' || chr(10)), false) AS thinks_first,
            coalesce(contains({content}, trim(v.thinking, {blank}))
                     AND contains({content}, trim(v.response, {blank})), false) AS is_its_revision,
            coalesce(string_split({content}, '</think>')[-1], '') AS response,
            coalesce(q.gold_answer, '') AS gold_answer""",
        """LEFT JOIN (SELECT question_id, split, gold_answer FROM questions) q USING (question_id)
           LEFT JOIN (SELECT revision_id, status, thinking, response FROM revisions) v USING (revision_id)""",
        _true("has_question", "every example belongs to an existing question"),
        _true("is_accepted", "every example belongs to an accepted revision"),
        _true("is_training", "no example belongs to an evaluation question"),
        _true("thinks_first", "every example ends with an assistant message that starts with <think>"),
        _true("is_its_revision", "every example contains the texts of its revision"),
        _between("tokens", "every example has a positive length", 1),
        _between("weight", "every example has a positive weight", 0, strict_min=True),
        _answers("every example ends in the gold answer"),
        rows=ROWS_WITH_TEXT,
    )


def _dead_letters() -> Suite:
    return _table(
        "dead_letters",
        "t.line, length(t.error) AS error_length",
        "",
        _between("line", "line numbers start at 1", 1),
        _between("error_length", "every dead letter has an error", 1),
    )


def _night(bands: NightBands) -> Suite:
    query = """
        WITH lengths AS (
            SELECT rollout_id, token_counter, total_tokens, length(thinking) + length(response) AS characters,
                   verdict IS NOT DISTINCT FROM 'equal' AND NOT is_degenerate
                     AND finish_reason <> 'length' AND length(trim(response)) > 0 AS is_right
            FROM rollouts),
        pruned AS (
            SELECT rollout_id, token_counter, tokens, length(thinking) + length(response) AS characters,
                   status = 'accepted' AS is_accepted,
                   NOT list_has_any(reject_reasons, ['benchmark_leak', 'duplicate']) AS is_new
            FROM revisions),
        pairs AS (
            SELECT r.is_right AND v.is_new AS is_right, v.is_accepted,
                   CASE WHEN v.token_counter = r.token_counter THEN 1 - v.tokens / r.total_tokens
                        ELSE 1 - v.characters / r.characters END AS saving
            FROM pruned v JOIN lengths r USING (rollout_id))
        SELECT 'night' AS night, count(*) AS rollouts,
               count(*) FILTER (WHERE is_right) / nullif(count(*), 0) AS right_share,
               coalesce(count(*) FILTER (WHERE is_accepted) / nullif(count(*) FILTER (WHERE is_right), 0), 0)
                 AS accepted_share,
               median(saving) FILTER (WHERE is_accepted) AS median_saving
        FROM pairs
    """
    judged = Column("rollouts") >= bands.min_rollouts
    sentences = {
        "right_share": "the share of rollouts that are finished, right, and neither leak nor duplicate",
        "accepted_share": "the share of those that are accepted",
        "median_saving": "the median saving of accepted revisions",
    }
    return Suite(
        "night",
        "night",
        query,
        [
            _between(column, f"{sentence} is within {low} to {high}", low, high, row_condition=judged)
            for column, sentence in sentences.items()
            for low, high in [getattr(bands, column)]
        ],
    )
