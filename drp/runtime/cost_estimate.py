"""Estimate what the night will cost, before anything is bought; `drp nightly` and the task `plan` log it.

For each rollout in the lake the estimate counts the requests that the teacher will get, with their expected
tokens. Requests that the ledger has already cost nothing. Rollouts that are not sampled yet are not counted.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from more_itertools import chunked

from drp.config import settings
from drp.ledger import Tariff, TeacherRequest, open_ledger
from drp.runtime.context import RunContext
from drp.runtime.teacher_prefilter import prefilter_rollouts
from drp.teacher.llm import RequestBuilder

_log = logging.getLogger(__name__)
_CENT = Decimal("0.01")


@dataclass
class Estimate:
    """Number of requests and their cost."""

    requests: int = 0
    known: int = 0
    """How many of them are in the ledger already."""
    usd: Decimal = Decimal(0)

    def __str__(self) -> str:
        return (
            f"{self.requests:,} requests, {self.known:,} of them answered before: "
            f"about {self.usd.quantize(_CENT)} USD"
        )


def estimate(ctx: RunContext, shards: Iterable[str]) -> Estimate | None:
    """Log and return what the teacher will cost for these shards; None if it is free."""
    profile = ctx.recipe.profile
    if not profile.is_remote or profile.prices is None:
        return None
    builder = RequestBuilder(profile, ctx.recipe.asking, ctx.recipe.decomposition)
    tariff = Tariff(profile.prices, profile.backend == "batch")
    total = Estimate()
    with open_ledger(settings().resolved_database_url) as ledger:
        for requests in chunked(_requests(ctx, shards, builder), 256):
            known = ledger.known([request.request_id for request in requests])
            landed = {i for i, entry in known.items() if entry.state == "landed"}
            total.requests += len(requests)
            total.known += len(landed)
            total.usd += sum(
                (tariff.cost(request.estimate) for request in requests if request.request_id not in landed),
                Decimal(0),
            )
    _log.info("%s, teacher %s: %s", ctx.run_id, ctx.recipe.teacher, total)
    if total.usd > settings().budget_usd:
        _log.warning(
            "%s: DRP_BUDGET_USD is %s; the night stops when it is spent, and goes on from there with more",
            ctx.run_id,
            settings().budget_usd,
        )
    return total


def _requests(ctx: RunContext, shards: Iterable[str], builder: RequestBuilder) -> Iterator[TeacherRequest]:
    for shard in shards:
        if ctx.run.is_done("prune", shard):
            continue
        for rollout, rejections in prefilter_rollouts(ctx, shard):
            if not rejections:
                yield from builder.expected(rollout.trace)
