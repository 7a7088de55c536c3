"""What the night will cost, before anything is bought: `drp nightly` and the DAG's plan say it.

The rollouts that are there already are counted with the requests that the teacher will make about them, at
the tokens that it expects of them; what the ledger has costs nothing. Samples that are still to be rolled out
are not known yet.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from drp.config import Prices, settings
from drp.core import batched
from drp.ledger import TeacherRequest, cost, open_ledger
from drp.runtime.context import RunContext
from drp.runtime.prefilter import prefilter_rollouts
from drp.teacher.llm import RequestBuilder

_log = logging.getLogger(__name__)
_CENT = Decimal("0.01")


@dataclass
class Estimate:
    """Requests of a night, and USD."""

    requests: int = 0
    known: int = 0
    """Of them, in the ledger already."""
    usd: Decimal = Decimal(0)

    def __str__(self) -> str:
        return (
            f"{self.requests:,} requests, {self.known:,} of them answered before: "
            f"about {self.usd.quantize(_CENT)} USD"
        )


def estimate(ctx: RunContext, shards: Iterable[str]) -> Estimate | None:
    """Log and return what the teacher will cost for these shards; None for one that is free."""
    profile = ctx.recipe.profile
    if not profile.is_remote or profile.prices is None:
        return None
    asker = RequestBuilder(profile, ctx.recipe.asking, ctx.recipe.decomposition)
    found = Estimate()
    with open_ledger(settings().resolved_database_url) as ledger:
        for some in batched(_requests(ctx, shards, asker), 256):
            known = ledger.known([request.request_id for request in some])
            landed = {i for i, entry in known.items() if entry.state == "landed"}
            found.requests += len(some)
            found.known += len(landed)
            found.usd += sum(_costs(some, landed, profile.prices, profile.backend == "batch"), Decimal(0))
    _log.info("%s, teacher %s: %s", ctx.run_id, ctx.recipe.teacher, found)
    if found.usd > settings().budget_usd:
        _log.warning(
            "%s: DRP_BUDGET_USD is %s; when it is spent the night stops, and goes on from there with more",
            *(ctx.run_id, settings().budget_usd),
        )
    return found


def _costs(
    requests: Iterable[TeacherRequest], landed: set[str], prices: Prices, in_batch: bool
) -> Iterator[Decimal]:
    return (
        cost(prices, request.estimate, in_batch=in_batch)
        for request in requests
        if request.request_id not in landed
    )


def _requests(ctx: RunContext, shards: Iterable[str], asker: RequestBuilder) -> Iterator[TeacherRequest]:
    for shard in shards:
        if ctx.run.is_done("prune", shard):
            continue
        for work, why in prefilter_rollouts(ctx, shard):
            if not why:
                yield from asker.expected(work.trace)
