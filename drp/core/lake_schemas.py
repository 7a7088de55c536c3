"""The Arrow schema of every table: the only place where columns are declared.

Each field carries its description as metadata (`doc`), which feeds docs/catalogue.md. The first column of a
table is its content id. `run_date` is the hive partition of every table and is not stored in the files.
"""

import pyarrow as pa

SCHEMA_VERSION = 4
"""Increases when a column is added or changed. A lake that a newer version has written is refused."""


def _field(name: str, kind: pa.DataType, doc: str, *, nullable: bool = False) -> pa.Field:
    return pa.field(name, kind, nullable=nullable, metadata={"doc": doc})


_S = pa.string()
_TEXT = pa.large_string()  # a column chunk of traces may be larger than 2 GiB


def _table(name: str, *fields: pa.Field) -> pa.Schema:
    return pa.schema(fields, metadata={"drp_table": name, "drp_schema_version": str(SCHEMA_VERSION)})


MESSAGES = pa.list_(
    pa.struct([pa.field("role", _S, nullable=False), pa.field("content", _TEXT, nullable=False)])
)

QUESTIONS = _table(
    "questions",
    _field("question_id", _S, "content id: split, question, gold answer"),
    _field("dataset", _S, "name of the data set"),
    _field("split", _S, "train, test, ... as given by the source; empty if it gives none"),
    _field("question", _TEXT, "the problem as the student sees it"),
    _field("gold_answer", _S, "the reference answer"),
    _field("source", _S, "the file it was imported from, or the generator and its seed"),
    _field("level", _S, "how hard it is, as its source says; NULL if it does not", nullable=True),
    _field("subject", _S, "its subject or category, as its source says; NULL if it does not", nullable=True),
    _field(
        "meta",
        _TEXT,
        "the other scalar columns of its row, licence and source among them, as a JSON object "
        "(`meta->>'license'`); texts are cut to 2,000 characters",
        nullable=True,
    ),
)

ROLLOUTS = _table(
    "rollouts",
    _field("rollout_id", _S, "content id"),
    _field("question_id", _S, "the problem"),
    _field("student", _S, "name of the model that reasoned"),
    _field("engine", _S, "what produced it: replay (imported), transformers, server, ..."),
    _field("recipe_hash", _S, "recipe that sampled it; NULL when imported", nullable=True),
    _field("prompt_version", _S, "version of the student's prompt; NULL when imported", nullable=True),
    _field("sample_index", pa.int32(), "k-th sample of the question, from 0"),
    _field("seed", pa.int64(), "sampling seed; NULL when unknown", nullable=True),
    _field("thinking", _TEXT, "the reasoning trace T (paper, section 3.1), without its tags"),
    _field("response", _TEXT, "the answer summary A after the trace; empty when unfinished"),
    _field("finish_reason", _S, "stop, length (cut) or unknown"),
    _field("think_tokens", pa.int64(), "length of thinking in units of token_counter"),
    _field("total_tokens", pa.int64(), "length of thinking and response in units of token_counter"),
    _field("token_counter", _S, "what counted the tokens: the engine, a tokenizer's name, or characters"),
    _field("predicted_answer", _S, "the extracted answer; NULL if there is none", nullable=True),
    _field(
        "answer_source",
        _S,
        "boxed, tag, hash, json, phrase, last_expression or last_number; NULL without an answer",
        nullable=True,
    ),
    _field(
        "verdict",
        _S,
        "equal, different or undecided against the gold answer; NULL without an answer",
        nullable=True,
    ),
    _field(
        "later_answer",
        _S,
        "a final statement after the predicted answer that says something else; the verdict is undecided",
        nullable=True,
    ),
    _field("grader_version", _S, "version of answer extraction and comparison"),
    _field("is_degenerate", pa.bool_(), "the trace loops"),
)

DECOMPOSITIONS = _table(
    "decompositions",
    _field("decomposition_id", _S, "content id: rollout, kind, teacher, prompt version"),
    _field("rollout_id", _S, "the rollout that was decomposed"),
    _field("kind", _S, "skill, step, sentence or none (paper, section 6.1)"),
    _field("teacher", _S, "name of the teacher"),
    _field("prompt_version", _S, "version of the teacher's prompts or rules"),
    _field("n_steps", pa.int32(), "number of steps"),
)

STEPS = _table(
    "steps",
    _field("step_id", _S, "content id: decomposition, index"),
    _field("decomposition_id", _S, "the decomposition"),
    _field("step_index", pa.int32(), "position in the trace, from 0"),
    _field("char_start", pa.int64(), "first character in thinking, in Unicode code points"),
    _field("char_end", pa.int64(), "one past the last character"),
    _field("skill", _S, "the atomic skill k_i (paper, section 3.1)"),
    _field("skill_family", _S, "coarse family of the skill"),
)

REVISIONS = _table(
    "revisions",
    _field("revision_id", _S, "content id: rollout, recipe hash"),
    _field("rollout_id", _S, "the rollout"),
    _field(
        "decomposition_id", _S, "the decomposition; NULL when it was not sent to the teacher", nullable=True
    ),
    _field("recipe", _S, "name of the recipe"),
    _field("recipe_hash", _S, "hash of the recipe settings that can change this row"),
    _field("teacher", _S, "name of the teacher"),
    _field("prompt_version", _S, "version of the teacher's prompts or rules"),
    _field("thinking", _TEXT, "the pruned trace; NULL when there is none", nullable=True),
    _field("response", _TEXT, "the revised answer summary; NULL when there is none", nullable=True),
    _field("think_tokens", pa.int64(), "length of thinking in units of token_counter", nullable=True),
    _field("tokens", pa.int64(), "length of thinking and response in units of token_counter", nullable=True),
    _field("token_counter", _S, "what counted the tokens"),
    _field("predicted_answer", _S, "the answer extracted from the revision", nullable=True),
    _field("verdict", _S, "equal, different or undecided against the gold answer", nullable=True),
    _field("grader_version", _S, "version of answer extraction and comparison"),
    _field("status", _S, "accepted or rejected"),
    _field("reject_reasons", pa.list_(_S), "stable names of the gates that rejected it; empty when accepted"),
    _field("reject_detail", _S, "details of the first of these reasons, for a reader", nullable=True),
)

DECISIONS = _table(
    "decisions",
    _field("decision_id", _S, "content id: revision, step index"),
    _field("revision_id", _S, "the revision"),
    _field("step_index", pa.int32(), "the step"),
    _field("action", _S, "KEEP, DELETE, SINGLE-STEP COMPRESS or MULTI-STEP COMPRESS"),
    _field(
        "revised_text",
        _TEXT,
        "the text that replaces the step; NULL if kept, deleted or merged away",
        nullable=True,
    ),
    _field("merged_with", pa.list_(pa.int32()), "the other steps of a MULTI-STEP COMPRESS"),
    _field("reason", _S, "why this action was chosen"),
)

DRAFTS = _table(
    "drafts",
    _field("rollout_id", _S, "the rollout"),
    _field("thinking", _TEXT, "the pruned trace, before the gates"),
    _field("response", _TEXT, "its answer summary"),
    _field(
        "decisions",
        pa.list_(
            pa.struct(
                [
                    pa.field("step_index", pa.int32(), nullable=False),
                    pa.field("action", _S, nullable=False),
                    pa.field("revised_text", _TEXT),
                    pa.field("reason", _S, nullable=False),
                    pa.field("merged_with", pa.list_(pa.int32()), nullable=False),
                ]
            )
        ),
        "one for each step, as in `decisions`",
    ),
)

DEAD_LETTERS = _table(
    "dead_letters",
    _field("dead_letter_id", _S, "content id: error, raw row, number of earlier occurrences"),
    _field("source", _S, "the file"),
    _field("line", pa.int64(), "line or row number in the file, from 1"),
    _field("error", _S, "stable name of what is wrong"),
    _field("detail", _S, "what is wrong, for a reader"),
    _field("raw", _TEXT, "the row, cut to 2,000 characters"),
)

EXAMPLES = _table(
    "examples",
    _field("example_id", _S, "content id: revision, kind"),
    _field("kind", _S, "sft, preference, weighted, ..."),
    _field("question_id", _S, "the problem"),
    _field("revision_id", _S, "the accepted revision"),
    _field("messages", MESSAGES, "chat messages; the assistant's begins with <think>"),
    _field("tokens", pa.int64(), "length of the assistant's message in units of token_counter"),
    _field("token_counter", _S, "what counted the tokens"),
    _field("weight", pa.float64(), "weight in the loss"),
)

TEACHER_CALLS = _table(
    "teacher_calls",
    _field("call_id", _S, "content id of the request"),
    _field("stage", _S, "kind of request: decompose, revise, or fused (both in one request)"),
    _field("backend", _S, "online, batch, ..."),
    _field("model", _S, "the provider's name of the model"),
    _field("batch_id", _S, "the provider's batch", nullable=True),
    _field("attempts", pa.int32(), "number of times it was sent"),
    _field("prompt_tokens", pa.int64(), "tokens of the prompt, as billed", nullable=True),
    _field("cached_tokens", pa.int64(), "the part of prompt_tokens that was cached", nullable=True),
    _field("completion_tokens", pa.int64(), "tokens of the reply, as billed", nullable=True),
    _field("cost_usd", pa.float64(), "cost in USD; NULL if unknown", nullable=True),
    _field("latency_s", pa.float64(), "seconds until the reply was complete", nullable=True),
    _field("finish_reason", _S, "as the provider reports it", nullable=True),
    _field("raw_text", _TEXT, "the reply, unchanged", nullable=True),
)

CHECKPOINTS = _table(
    "checkpoints",
    _field("checkpoint_id", _S, "content id: arm, base model's digest, corpus version, training hash"),
    _field("arm", _S, "drp, unpruned_sft, random_prune, ..."),
    _field("corpus_version", pa.int64(), "version of the corpus that it was trained on"),
    _field("base_model", _S, "the model that it was trained from"),
    _field("base_sha256", _S, "digest of the base model's files"),
    _field("recipe", _S, "name of the recipe"),
    _field("recipe_hash", _S, "hash of the recipe settings that can change it"),
    _field("objective", _S, "sft, ..."),
    _field("examples", pa.int64(), "number of training examples, without validation"),
    _field("steps", pa.int64(), "number of optimiser steps"),
    _field("validation_loss", pa.float64(), "of the last evaluation; NULL if there was none", nullable=True),
    _field("adapter_uri", _S, "address of the LoRA adapter", nullable=True),
    _field("merged_uri", _S, "address of the merged model", nullable=True),
    _field("sha256", _S, "digest of the checkpoint's files"),
)

SCORES = _table(
    "scores",
    _field("score_id", _S, "content id: checkpoint, all that comparable scores share, cut-off"),
    _field("checkpoint_id", _S, "the checkpoint"),
    _field("arm", _S, "base, drp, unpruned_sft, random_prune, best_of_n, ..."),
    _field("benchmark", _S, "gsm8k, math500, ..."),
    _field("prompt_version", _S, "scores with different versions are never compared"),
    _field("grader_version", _S, "likewise"),
    _field("engine", _S, "likewise"),
    _field("sampling", _S, "likewise: temperature, top_p, max_tokens and seed, as JSON"),
    _field("n_samples", pa.int32(), "samples per question"),
    _field("n_questions", pa.int32(), "number of questions"),
    _field("pass_at_1", pa.float64(), "mean over questions of the share of correct samples, 0 to 1"),
    _field("pass_at_1_low", pa.float64(), "lower bound of its 95 % interval"),
    _field("pass_at_1_high", pa.float64(), "upper bound of its 95 % interval"),
    _field("majority_at_n", pa.float64(), "share of questions whose most frequent answer is correct"),
    _field("mean_think_tokens", pa.float64(), "mean tokens of thinking per sample"),
    _field("mean_tokens", pa.float64(), "mean total tokens per sample"),
    _field("share_cut", pa.float64(), "share of samples that did not end by themselves"),
    _field("share_looping", pa.float64(), "share of samples that loop"),
    _field("cutoff", pa.int64(), "token cut-off; NULL if there is none", nullable=True),
)

SCORE_SAMPLES = _table(
    "score_samples",
    _field("score_sample_id", _S, "content id: checkpoint, question, sampling, sample index"),
    _field("score_id", _S, "the score without a cut-off"),
    _field("question_id", _S, "the problem"),
    _field("sample_index", pa.int32(), "k-th sample of the question, from 0"),
    _field("seed", pa.int64(), "sampling seed"),
    _field("thinking", _TEXT, "the model's thinking"),
    _field("response", _TEXT, "its answer summary; empty when unfinished"),
    _field("predicted_answer", _S, "the extracted answer; NULL if there is none", nullable=True),
    _field("verdict", _S, "equal, different or undecided; NULL without an answer", nullable=True),
    _field("think_tokens", pa.int64(), "length of thinking in units of token_counter"),
    _field("total_tokens", pa.int64(), "length of thinking and response in units of token_counter"),
    _field("token_counter", _S, "what counted the tokens"),
    _field("finish_reason", _S, "stop, length or unknown"),
    _field("is_degenerate", pa.bool_(), "the sample loops"),
)

EVENTS = _table(
    "events",
    _field("event_id", _S, "content id: run, stage"),
    _field("run_id", _S, "the run"),
    _field("stage", _S, "ingest, rollout, decompose, prune or gate"),
    _field("counts", pa.map_(_S, pa.int64()), "the counts of the stage, by name"),
    _field("seconds", pa.float64(), "sum of the time that its shards took"),
    _field("warnings", pa.list_(_S), "messages that a person should read"),
)

REVIEWS = _table(
    "reviews",
    _field("review_id", _S, "content id: revision, reviewer, number"),
    _field("revision_id", _S, "the revision that a person has read"),
    _field("run_id", _S, "the night that made the revision"),
    _field("recipe", _S, "name of the recipe of that night"),
    _field("recipe_hash", _S, "hash of the recipe settings that can change the revision"),
    _field("status", _S, "accepted or rejected, as the revision was when it was read"),
    _field("reviewer", _S, "who has read it"),
    _field(
        "number", pa.int32(), "n-th verdict of this reviewer on this revision, from 1; the highest counts"
    ),
    _field("verdict", _S, "sound, minor, moderate or severe"),
    _field("fault", _S, "kind of the main fault; NULL when sound", nullable=True),
    _field("note", _TEXT, "the reviewer's own words; NULL if there are none", nullable=True),
    _field("reviewed_at", pa.timestamp("us", "UTC"), "time of the verdict, by the reviewer's clock"),
)

CORPUS_TABLES: dict[str, pa.Schema] = {
    "questions": QUESTIONS,
    "rollouts": ROLLOUTS,
    "decompositions": DECOMPOSITIONS,
    "steps": STEPS,
    "revisions": REVISIONS,
    "decisions": DECISIONS,
    "dead_letters": DEAD_LETTERS,
    "examples": EXAMPLES,
}
"""Tables behind the `corpus` pointer."""

RESULTS_TABLES: dict[str, pa.Schema] = {
    "teacher_calls": TEACHER_CALLS,
    "checkpoints": CHECKPOINTS,
    "scores": SCORES,
    "score_samples": SCORE_SAMPLES,
    "events": EVENTS,
    "reviews": REVIEWS,
}
"""Tables behind the `results` pointer. A score or a person's verdict creates no new version of the corpus."""

TABLES: dict[str, pa.Schema] = {**CORPUS_TABLES, **RESULTS_TABLES}
"""All published tables, by name."""

STAGING_TABLES: dict[str, pa.Schema] = {"drafts": DRAFTS}
"""Tables that pass rows from one stage of a run to the next; they are never published."""


def id_column(table: str) -> str:
    """Return the name of the content id of `table`: its first column."""
    return str((TABLES | STAGING_TABLES)[table].names[0])
