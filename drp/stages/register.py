"""Register: every trained checkpoint enters the registry with its files, lineage, curve, scores and card."""

import logging

from drp.config import BASE, ORIGINAL, UNTRAINED, settings
from drp.query import select
from drp.registry import Checkpoint, open_registry
from drp.report.cards import ChosenExamples, card_key, checkpoint_card, read_provenance
from drp.runtime import RunContext, checkpoint_of, entry_of, flag_checkpoints

_log = logging.getLogger(__name__)
_SCORES = """
WITH unlimited AS (SELECT *, coalesce(cutoff, -1) AS within FROM scores),
originals AS (SELECT * FROM unlimited WHERE checkpoint_id = $original)
SELECT benchmark, n_questions, n_samples, s.cutoff, s.pass_at_1, s.pass_at_1_low, s.pass_at_1_high,
       s.majority_at_n, s.mean_think_tokens, s.mean_tokens,
       s.pass_at_1 - o.pass_at_1 AS change_from_original
FROM unlimited s LEFT JOIN originals o
  USING (benchmark, prompt_version, grader_version, engine, sampling, n_samples, n_questions, within)
WHERE s.checkpoint_id = $checkpoint_id ORDER BY benchmark, s.cutoff NULLS FIRST
"""


def register(ctx: RunContext, names: list[str]) -> None:
    """Publish the scores and checkpoints, and register the trained checkpoints."""
    ctx.lake.publish(ctx.run, ctx.shard_files())
    entries = [entry_of(ctx, name) for name in names]
    ids = {entry.arm: entry.checkpoint_id for entry in entries}
    original = ids.get(ORIGINAL, ids[BASE])
    with open_registry(settings().resolved_database_url) as registry:
        for entry in entries:
            if entry.arm in UNTRAINED:
                continue
            measured = {"checkpoint_id": entry.checkpoint_id, "original": original}
            scores = list(select(ctx.own_parts("evaluate"), _SCORES, measured))
            if registry.register(checkpoint_of(ctx, entry, scores)):
                _log.info("checkpoint %s (%s) is registered", entry.checkpoint_id, entry.arm)
            _store_card(ctx, registry.get(entry.checkpoint_id))
        flag_checkpoints(ctx.lake, registry)  # a source may have been removed during the training


def _store_card(ctx: RunContext, checkpoint: Checkpoint) -> None:
    """Write the card of a checkpoint, unless there is one: an entry of the registry never changes."""
    key = card_key(checkpoint.checkpoint_id)
    if ctx.lake.store.get(key) is None:
        chosen = ChosenExamples(recipe_hash=ctx.revision_hash, student=ctx.recipe.student)
        provenance = read_provenance(ctx.lake.published(checkpoint.corpus_version), chosen)
        ctx.lake.store.put(key, checkpoint_card(checkpoint, ctx.recipe, provenance).encode())
