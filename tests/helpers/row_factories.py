"""Row factories for tests: a valid row of each table, with any column replaceable, and Parquet parts of rows.

    make_rollout(rollout_id="r2", verdict="different")
    parts = write_parts(tmp_path, {"rollouts": [make_rollout()]})

The defaults are consistent: question q1, its rollout r1 with two steps, revision v1 with two decisions,
example e1. A row may set `run_date`, which determines its partition.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from drp.core.lake_schemas import TABLES, id_column

Row: TypeAlias = dict[str, Any]

RUN_DATE = date(2026, 11, 20)
THINKING = "Two and two make four. Wait, let me check: yes, four."
PRUNED = "Two and two make four."
RESPONSE = "The answer is \\boxed{4}."


def make_question(**columns: Any) -> Row:
    """A row of `questions`."""
    return {
        "question_id": "q1",
        "dataset": "sums",
        "split": "train",
        "question": "What is 2 + 2?",
        "gold_answer": "4",
        "source": "made",
        "level": "1",
        "subject": "arithmetic",
        "meta": '{"license": "cc0"}',
    } | columns


def make_rollout(**columns: Any) -> Row:
    """A row of `rollouts`: correct, finished, with token counts in characters of its texts."""
    row = {
        "rollout_id": "r1",
        "question_id": "q1",
        "student": "student-1",
        "engine": "replay",
        "recipe_hash": None,
        "prompt_version": None,
        "sample_index": 0,
        "seed": None,
        "thinking": THINKING,
        "response": RESPONSE,
        "finish_reason": "stop",
        "token_counter": "characters",
        "predicted_answer": "4",
        "answer_source": "boxed",
        "verdict": "equal",
        "grader_version": "1",
        "is_degenerate": False,
    } | columns
    think = len(row["thinking"])
    return {"think_tokens": think, "total_tokens": think + len(row["response"])} | row


def make_decomposition(**columns: Any) -> Row:
    """A row of `decompositions`."""
    return {
        "decomposition_id": "d1",
        "rollout_id": "r1",
        "kind": "skill",
        "teacher": "heuristic",
        "prompt_version": "1",
        "n_steps": 2,
    } | columns


def make_step(step_index: int = 0, **columns: Any) -> Row:
    """A row of `steps`: step 0 is the sum, step 1 the check after it."""
    cut = THINKING.index("Wait")
    span = (0, cut) if step_index == 0 else (cut, len(THINKING))
    row = {
        "decomposition_id": "d1",
        "step_index": step_index,
        "char_start": span[0],
        "char_end": span[1],
        "skill": "integer addition" if step_index == 0 else "checking a result",
        "skill_family": "arithmetic" if step_index == 0 else "verification",
    } | columns
    return {"step_id": f"{row['decomposition_id']}-s{step_index}"} | row


def make_revision(**columns: Any) -> Row:
    """A row of `revisions`: accepted, with token counts in characters of its texts."""
    row = {
        "revision_id": "v1",
        "rollout_id": "r1",
        "decomposition_id": "d1",
        "recipe": "drp",
        "recipe_hash": "h1",
        "teacher": "heuristic",
        "prompt_version": "1",
        "thinking": PRUNED,
        "response": RESPONSE,
        "token_counter": "characters",
        "predicted_answer": "4",
        "verdict": "equal",
        "grader_version": "1",
        "status": "accepted",
        "reject_reasons": [],
        "reject_detail": None,
    } | columns
    think = None if row["thinking"] is None else len(row["thinking"])
    tokens = None if think is None else think + len(row["response"] or "")
    return {"think_tokens": think, "tokens": tokens} | row


def make_rejection(*reasons: str, **columns: Any) -> Row:
    """A row of `revisions` that was rejected before it was sent to the teacher."""
    row = {
        "revision_id": "v2",
        "rollout_id": "r2",
        "decomposition_id": None,
        "thinking": None,
        "response": None,
        "predicted_answer": None,
        "verdict": None,
        "status": "rejected",
        "reject_reasons": list(reasons) or ["rollout_wrong"],
        "reject_detail": "the answer is 5, gold is 4",
    }
    return make_revision(**(row | columns))


def make_decision(step_index: int = 0, **columns: Any) -> Row:
    """A row of `decisions`: step 0 is kept unchanged, any other step is deleted."""
    kept = step_index == 0
    row = {
        "revision_id": "v1",
        "step_index": step_index,
        "action": "KEEP" if kept else "DELETE",
        "revised_text": None,
        "merged_with": [],
        "reason": "the sum itself" if kept else "checks what is already certain",
    } | columns
    return {"decision_id": f"{row['revision_id']}-s{step_index}"} | row


def make_dead_letter(**columns: Any) -> Row:
    """A row of `dead_letters`."""
    return {
        "dead_letter_id": "x1",
        "source": "traces.jsonl",
        "line": 7,
        "error": "not_json",
        "detail": "the line is not JSON",
        "raw": "{torn",
    } | columns


def make_example(**columns: Any) -> Row:
    """A row of `examples`."""
    answer = f"<think>\n{PRUNED}\n</think>\n\n{RESPONSE}"
    return {
        "example_id": "e1",
        "kind": "sft",
        "question_id": "q1",
        "revision_id": "v1",
        "messages": [
            {"role": "user", "content": "What is 2 + 2?"},
            {"role": "assistant", "content": answer},
        ],
        "tokens": len(answer),
        "token_counter": "characters",
        "weight": 1.0,
    } | columns


def make_teacher_call(**columns: Any) -> Row:
    """A row of `teacher_calls`."""
    return {
        "call_id": "c1",
        "stage": "prune",
        "backend": "online",
        "model": "teacher-1",
        "batch_id": None,
        "attempts": 1,
        "prompt_tokens": 1000,
        "cached_tokens": 0,
        "completion_tokens": 200,
        "cost_usd": 0.0045,
        "latency_s": 1.5,
        "finish_reason": "stop",
        "raw_text": "{}",
    } | columns


def make_checkpoint(**columns: Any) -> Row:
    """A row of `checkpoints`."""
    return {
        "checkpoint_id": "k1",
        "arm": "drp",
        "corpus_version": 1,
        "base_model": "student-1",
        "base_sha256": "1" * 64,
        "recipe": "drp",
        "recipe_hash": "h1",
        "objective": "sft",
        "examples": 1,
        "steps": 3,
        "validation_loss": 0.5,
        "adapter_uri": None,
        "merged_uri": None,
        "sha256": "0" * 64,
    } | columns


def make_score(**columns: Any) -> Row:
    """A row of `scores`: without a cut-off, with an interval around its Pass@1."""
    row = {
        "score_id": "o1",
        "checkpoint_id": "k1",
        "arm": "drp",
        "benchmark": "gsm8k",
        "prompt_version": "1",
        "grader_version": "1",
        "engine": "vllm",
        "sampling": "{}",
        "n_samples": 1,
        "n_questions": 1,
        "pass_at_1": 0.9,
        "mean_think_tokens": 200.0,
        "mean_tokens": 300.0,
        "share_cut": 0.0,
        "share_looping": 0.0,
        "cutoff": None,
    } | columns
    right = float(row["pass_at_1"])  # type: ignore[arg-type]
    bounds = {"pass_at_1_low": max(right - 0.1, 0.0), "pass_at_1_high": min(right + 0.1, 1.0)}
    return {"majority_at_n": right} | bounds | row


def make_score_sample(**columns: Any) -> Row:
    """A row of `score_samples`: correct, finished."""
    return {
        "score_sample_id": "p1",
        "score_id": "o1",
        "question_id": "q1",
        "sample_index": 0,
        "seed": 0,
        "thinking": THINKING,
        "response": RESPONSE,
        "predicted_answer": "4",
        "verdict": "equal",
        "think_tokens": 200,
        "total_tokens": 300,
        "token_counter": "tokenizer 1",
        "finish_reason": "stop",
        "is_degenerate": False,
    } | columns


def make_event(**columns: Any) -> Row:
    """A row of `events`."""
    return {
        "event_id": "n1",
        "run_id": "run-1",
        "stage": "prune",
        "counts": {"rows_in": 2, "accepted": 1},
        "seconds": 3.5,
        "warnings": [],
    } | columns


def make_review(**columns: Any) -> Row:
    """A row of `reviews`: anna's first verdict on revision v1, sound unless columns say otherwise."""
    row = {
        "revision_id": "v1",
        "run_id": "2026-11-20-drp",
        "recipe": "drp",
        "recipe_hash": "h1",
        "status": "accepted",
        "reviewer": "anna",
        "number": 1,
        "verdict": "sound",
        "fault": None,
        "note": None,
        "reviewed_at": datetime(2026, 11, 21, 9, tzinfo=UTC),
    } | columns
    return {"review_id": f"{row['revision_id']}-{row['reviewer']}-{row['number']}"} | row


def one_of_each() -> dict[str, list[Row]]:
    """Consistent rows of every table. Rollout r2 is wrong and its revision is rejected."""
    return {
        "questions": [make_question()],
        "rollouts": [make_rollout(), make_rollout(rollout_id="r2", sample_index=1, verdict="different")],
        "decompositions": [make_decomposition()],
        "steps": [make_step(0), make_step(1)],
        "revisions": [make_revision(), make_rejection()],
        "decisions": [make_decision(0), make_decision(1)],
        "dead_letters": [make_dead_letter()],
        "examples": [make_example()],
        "teacher_calls": [make_teacher_call()],
        "checkpoints": [make_checkpoint()],
        "scores": [make_score()],
        "score_samples": [make_score_sample()],
        "events": [make_event()],
        "reviews": [make_review()],
    }


def write_parts(folder: Path, tables: Mapping[str, Iterable[Row]]) -> dict[str, list[str]]:
    """Write rows as Parquet, one part per table and run date, and return the paths by table."""
    parts: dict[str, list[str]] = {}
    for table, rows in tables.items():
        by_date: dict[date, list[Row]] = defaultdict(list)
        for row in rows:
            columns = dict(row)
            by_date[columns.pop("run_date", RUN_DATE)].append(columns)
        for run_date, dated in by_date.items():
            path = folder / table / f"run_date={run_date}" / "part-0.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            dated.sort(key=lambda row: str(row[id_column(table)]))
            unknown = {name for row in dated for name in row} - set(TABLES[table].names)
            assert not unknown, f"{table} has no column {sorted(unknown)}"
            pq.write_table(pa.Table.from_pylist(dated, schema=TABLES[table]), path, compression="zstd")
            parts.setdefault(table, []).append(str(path))
    return parts
