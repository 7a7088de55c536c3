"""Register every checkpoint with its files, lineage, curve and scores; promote it if that was decided."""

import logging

from drp.config.settings import settings
from drp.evaluation.decision import Decision
from drp.query.select import select
from drp.registry.registry import open_registry
from drp.runtime.context import Night
from drp.runtime.training_plan import BASE, CHAMPION, checkpoint_of, entry_of

_log = logging.getLogger(__name__)
_SCORES = """
SELECT benchmark, n_questions, n_samples, cutoff, pass_at_1, pass_at_1_low, pass_at_1_high, majority_at_n,
       mean_think_tokens, mean_tokens
FROM scores WHERE checkpoint_id = $checkpoint_id ORDER BY benchmark, cutoff NULLS FIRST
"""


def register(run: Night, names: list[str]) -> None:
    """Publish scores and checkpoints, and enter what was trained in the registry."""
    run.lake.publish(run.run, run.shard_files())
    with open_registry(settings().ledger_url) as registry:
        for name in names:
            entry = entry_of(run, name)
            if entry["arm"] in (BASE, CHAMPION):
                continue
            scores = list(select(run.own("evaluate"), _SCORES, {"checkpoint_id": entry["checkpoint_id"]}))
            if registry.register(checkpoint_of(run, entry, scores)):
                _log.info("checkpoint %s (%s) is registered", entry["checkpoint_id"], entry["arm"])


def promote(run: Night, decision: Decision | None) -> bool:
    """Make the candidate the champion if it was decided so; a refused one leaves the champion as it is."""
    if decision is None:
        _log.info("recipe %s has no rule for promotion: nothing was promoted", run.recipe.name)
        return False
    with open_registry(settings().ledger_url) as registry:
        if decision.promote:
            registry.promote(decision.checkpoint_id, "champion", decision.reason)
        else:
            registry.promote(decision.checkpoint_id, "challenger", decision.reason)
    verdict = "is the champion now" if decision.promote else "was not promoted"
    _log.info("checkpoint %s %s: %s", decision.checkpoint_id, verdict, decision.reason)
    return decision.promote
