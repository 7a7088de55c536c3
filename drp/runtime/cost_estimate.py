"""Estimate what the night will cost, before anything is bought; `drp nightly` and the task `plan` log it.

For each rollout in the lake the estimate counts the requests that the teacher will get, with their expected
tokens. Requests that the ledger has already cost nothing. Rollouts that are not sampled yet are counted at
the mean of the others, if there are any.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from more_itertools import chunked

from drp.config import settings
from drp.core.stage_names import PRUNE, ROLLOUT
from drp.lake import open_lake
from drp.ledger import Ledger, LedgerEntry, Tariff, TeacherRequest, open_ledger
from drp.runtime.context import RunContext, reopen
from drp.runtime.shard_plans import ShardPlan
from drp.runtime.shard_rows import RolloutWithQuestion, rows_in
from drp.runtime.teacher_prefilter import prefilter_rollouts
from drp.teacher.llm import RequestBuilder

_log = logging.getLogger(__name__)
_CENT = Decimal("0.01")
_GROUP = 256


@dataclass
class Estimate:
    """What is sent to the teacher, and its cost."""

    students: Counter[str] = field(default_factory=Counter)
    """Number of rollouts that are sent, by student."""
    rollouts: int = 0
    """Number of rollouts, with those that are rejected without the teacher."""
    unsampled: int = 0
    """Number of rollouts that are still to be sampled."""
    requests: int = 0
    known: int = 0
    """How many of them the ledger has already: with an answer, without hope of one, or in flight."""
    sampled_usd: Decimal = Decimal(0)
    """Cost of the requests about rollouts that are in the lake."""

    @property
    def usd(self) -> Decimal:
        """Cost of all requests, also of those about rollouts that are still to be sampled."""
        return self.sampled_usd * (self.rollouts + self.unsampled) / max(self.rollouts, 1)

    def __str__(self) -> str:
        unsampled = ""
        if self.unsampled:
            counted = "at the mean of the others" if self.rollouts else "at nothing: there is none to go by"
            unsampled = f"; {self.unsampled:,} rollouts are sampled first and counted {counted}"
        others = " for the others" if self.known else ""
        return (
            f"{by_student(self.students)}: {self.requests:,} requests, {self.known:,} of them asked before:"
            f" about {self.usd.quantize(_CENT)} USD{others}{unsampled}"
        )


def by_student(rollouts: Mapping[str, int]) -> str:
    """Write how many rollouts there are, with the number of each student, the largest first."""
    total = sum(rollouts.values())
    each = ", ".join(f"{student} {n:,}" for student, n in Counter(rollouts).most_common())
    return f"{total:,} rollouts" + (f" ({each})" if each else "")


def estimate(ctx: RunContext, shards: Iterable[str]) -> Estimate | None:
    """Log and return what the teacher will cost for these shards; None if it is free."""
    if not _is_paid(ctx):
        return None
    with open_ledger(settings().resolved_database_url) as ledger:
        total = _estimate(ctx, shards, ledger)
        spent = ledger.spent(ctx.run_id).total
    _log.info("%s, teacher %s: %s", ctx.run_id, ctx.recipe.teacher, total)
    if spent + total.usd > settings().budget_usd:
        _log.warning(
            "%s: DRP_BUDGET_USD is %s; the night stops when it is spent, and goes on from there with more",
            ctx.run_id,
            settings().budget_usd,
        )
    return total


def whole_cost(run_id: str) -> Decimal:
    """Return what a night costs in USD in the end: what it has spent, what is reserved, and what is to come.

    Args:
        run_id: a night with a plan, in the lake at DRP_LAKE.
    """
    ctx = reopen(open_lake(), run_id)
    with open_ledger(settings().resolved_database_url) as ledger:
        return ledger.spent(ctx.run_id).total + _estimate(ctx, ctx.unfinished(), ledger).usd


def _is_paid(ctx: RunContext) -> bool:
    profile = ctx.recipe.profile
    return profile.is_remote and profile.prices is not None


def _estimate(ctx: RunContext, shards: Iterable[str], ledger: Ledger) -> Estimate:
    profile = ctx.recipe.profile
    assert profile.prices is not None  # noqa: S101 (a remote profile has them)
    builder = RequestBuilder(profile, ctx.recipe.asking, ctx.recipe.decomposition)
    tariff = Tariff(profile.prices, profile.backend == "batch")
    total = Estimate()
    for requests in chunked(_requests(ctx, shards, builder, total), _GROUP):
        entries = ledger.known([request.request_id for request in requests])
        new = [request for request in requests if not _is_asked(entries.get(request.request_id))]
        total.requests += len(requests)
        total.known += len(requests) - len(new)
        total.sampled_usd += sum((tariff.cost(request.estimate) for request in new), Decimal(0))
    return total


def _is_asked(entry: LedgerEntry | None) -> bool:
    """Whether a request need not be paid again: it has ended, or it is in flight and counts as reserved."""
    return entry is not None and (
        entry.state in ("landed", "dead", "submitted") or entry.batch_id is not None
    )


def _requests(
    ctx: RunContext, shards: Iterable[str], builder: RequestBuilder, total: Estimate
) -> Iterator[TeacherRequest]:
    """Yield the requests about the rollouts of the shards, and count the rollouts."""
    plans = ctx.run.plans(ShardPlan)
    for shard in shards:
        if ctx.run.is_done(PRUNE, shard):
            continue
        samples = len(plans[shard].questions) * ctx.recipe.sampling.samples
        total.unsampled += samples - rows_in(ctx, shard, ROLLOUT, "rollouts")
        for rollout, rejections in prefilter_rollouts(ctx, shard):
            total.rollouts += 1
            if not rejections:
                total.students[_student(rollout)] += 1
                yield from builder.expected(rollout.trace)


def _student(rollout: RolloutWithQuestion) -> str:
    return rollout.graded.rollout.student
