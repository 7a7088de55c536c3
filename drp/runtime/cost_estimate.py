"""What the night will cost, before anything is bought: `drp nightly` and the DAG's plan say it.

The rollouts that are there already are counted with the requests that the teacher will make about them, at
the tokens that it expects of them; what the ledger has costs nothing. Samples that are still to be rolled out
are not known yet.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from drp.config.settings import settings
from drp.config.teacher_profiles import Prices
from drp.core.batched import batched
from drp.ledger.completions import TeacherRequest
from drp.ledger.ledger import open_ledger
from drp.runtime.context import Night
from drp.runtime.prefilter import judged
from drp.teacher.llm.request_builder import Asker

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


def estimate(night: Night, shards: Iterable[str]) -> Estimate | None:
    """Log and return what the teacher will cost for these shards; None for one that is free."""
    profile = night.recipe.profile
    if profile.backend == "heuristic" or profile.prices is None:
        return None
    asker = Asker(profile, night.recipe.asking, night.recipe.decomposition)
    found = Estimate()
    with open_ledger(settings().ledger_url) as ledger:
        for some in batched(_requests(night, shards, asker), 256):
            known = ledger.known([request.request_id for request in some])
            landed = {i for i, entry in known.items() if entry.state == "landed"}
            found.requests += len(some)
            found.known += len(landed)
            found.usd += sum(_costs(some, landed, profile.prices, profile.backend == "batch"), Decimal(0))
    _log.info("%s, teacher %s: %s", night.run_id, night.recipe.teacher, found)
    if found.usd > settings().budget_usd:
        _log.warning(
            "%s: DRP_BUDGET_USD is %s; when it is spent the night stops, and goes on from there with more",
            *(night.run_id, settings().budget_usd),
        )
    return found


def _costs(
    requests: Iterable[TeacherRequest], landed: set[str], prices: Prices, in_batch: bool
) -> Iterator[Decimal]:
    return (
        prices.cost(request.estimate, in_batch=in_batch)
        for request in requests
        if request.request_id not in landed
    )


def _requests(night: Night, shards: Iterable[str], asker: Asker) -> Iterator[TeacherRequest]:
    for shard in shards:
        if night.run.is_done("prune", shard):
            continue
        for work, why in judged(night, shard):
            if not why:
                yield from asker.expected(work.trace)
