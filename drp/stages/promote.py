"""Promote: make the candidate the champion, if the comparison decided so."""

import logging

from drp.config import settings
from drp.evaluation import PromotionDecision
from drp.registry import open_registry
from drp.runtime import RunContext

_log = logging.getLogger(__name__)


def promote(ctx: RunContext, decision: PromotionDecision | None) -> bool:
    """Make the candidate the champion if that was decided; otherwise make it the challenger.

    Returns whether it is the champion now.
    """
    if decision is None:
        _log.info("recipe %s has no section `promotion`: nothing was promoted", ctx.recipe.name)
        return False
    with open_registry(settings().resolved_database_url) as registry:
        if decision.promote:
            registry.promote(decision.checkpoint_id, "champion", decision.reason)
        else:
            registry.promote(decision.checkpoint_id, "challenger", decision.reason)
    verdict = "is the champion now" if decision.promote else "was not promoted"
    _log.info("checkpoint %s %s: %s", decision.checkpoint_id, verdict, decision.reason)
    return decision.promote
