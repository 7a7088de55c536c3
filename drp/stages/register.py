"""Register: every trained checkpoint enters the registry with its files, lineage, curve and scores."""

import logging

from drp.config import BASE, CHAMPION, settings
from drp.query import select
from drp.registry import open_registry
from drp.runtime import RunContext, checkpoint_of, entry_of, flag_checkpoints

_log = logging.getLogger(__name__)
_SCORES = """
SELECT benchmark, n_questions, n_samples, cutoff, pass_at_1, pass_at_1_low, pass_at_1_high, majority_at_n,
       mean_think_tokens, mean_tokens
FROM scores WHERE checkpoint_id = $checkpoint_id ORDER BY benchmark, cutoff NULLS FIRST
"""


def register(ctx: RunContext, names: list[str]) -> None:
    """Publish the scores and checkpoints, and register the trained checkpoints."""
    ctx.lake.publish(ctx.run, ctx.shard_files())
    with open_registry(settings().resolved_database_url) as registry:
        for name in names:
            entry = entry_of(ctx, name)
            if entry.arm in (BASE, CHAMPION):
                continue
            scores = list(select(ctx.own_parts("evaluate"), _SCORES, {"checkpoint_id": entry.checkpoint_id}))
            if registry.register(checkpoint_of(ctx, entry, scores)):
                _log.info("checkpoint %s (%s) is registered", entry.checkpoint_id, entry.arm)
        flag_checkpoints(ctx.lake, registry)  # a source may have been removed during the training
