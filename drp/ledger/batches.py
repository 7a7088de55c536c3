"""Batches: first the plan, then the state at the provider, until every request of the batch has ended."""

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any

from more_itertools import chunked
from sqlalchemy import Connection, Row, func, select, update

from drp.database import insert
from drp.ledger.completions import Usage
from drp.ledger.database_tables import BatchState, attempts, batches, requests
from drp.ledger.records import Attempt, BatchUsage, Claim, PricedRequest, ProviderBatch
from drp.ledger.requests import CHUNK, claim, give_up, lock, now, to_attempt
from drp.ledger.worker_heartbeats import living_workers

OUT: tuple[BatchState, ...] = ("planned", "uploaded", "submitted", "ended")
"""States of batches whose results are still outstanding."""


def plan(
    con: Connection,
    priced_requests: Sequence[PricedRequest],
    attempt_ids: dict[str, str],
    *,
    batch_id: str,
    worker_id: str,
    run_id: str,
    cap: Decimal | None,
) -> Claim:
    """Claim the unclaimed requests for a new batch. Without any, no batch is recorded."""
    first = priced_requests[0].request
    row = insert(con, batches).values(
        batch_id=batch_id,
        run_id=run_id,
        base_url=first.base_url,
        model=first.model,
        state="planned",
        requests=0,
        estimated_tokens=0,
        estimated_nusd=Decimal(0),
        created_at=now(),
    )
    con.execute(row.on_conflict_do_nothing())
    claimed = claim(
        con,
        priced_requests,
        attempt_ids,
        worker_id=worker_id,
        run_id=run_id,
        backend="batch",
        cap=cap,
        batch_id=batch_id,
    )
    is_this_batch = batches.c.batch_id == batch_id
    if not claimed.mine:
        con.execute(batches.delete().where(is_this_batch))
        return claimed
    estimates = {priced.request.request_id: priced.request.estimate for priced in priced_requests}
    usages = [estimates[attempt.request_id] for attempt in claimed.mine]
    con.execute(
        update(batches)
        .where(is_this_batch)
        .values(
            requests=len(claimed.mine),
            estimated_tokens=sum(usage.prompt_tokens for usage in usages),
            estimated_nusd=sum((attempt.estimated for attempt in claimed.mine), Decimal(0)),
        )
    )
    return claimed


def change(con: Connection, batch_id: str, before: tuple[BatchState, ...], **values: Any) -> bool:
    """Change a batch that is in one of the states `before`. Return False if it is in another state."""
    known = {name: value for name, value in values.items() if value is not None}
    where = (batches.c.batch_id == batch_id, batches.c.state.in_(before))
    return con.execute(update(batches).where(*where).values(known)).rowcount == 1


def submit(con: Connection, batch_id: str, provider_batch_id: str, provider_state: str) -> bool:
    """Record that the batch and its requests are at the provider. Return False if it was abandoned before."""
    is_changed = change(
        con,
        batch_id,
        ("planned", "uploaded", "submitted"),
        state="submitted",
        provider_batch_id=provider_batch_id,
        provider_state=provider_state,
        submitted_at=func.coalesce(batches.c.submitted_at, now()),
    )
    if is_changed:
        request_ids = [attempt.request_id for attempt in in_flight(con, batch_id)]
        lock(con, request_ids)
        for chunk in chunked(request_ids, CHUNK):
            is_planned = (requests.c.request_id.in_(chunk), requests.c.state == "planned")
            con.execute(update(requests).where(*is_planned).values(state="submitted", updated_at=now()))
    return is_changed


def observe(con: Connection, batch_id: str, provider_state: str) -> None:
    """Record the state that the provider reports while it works on the batch."""
    change(con, batch_id, ("submitted",), provider_state=provider_state)


def end(
    con: Connection, batch_id: str, provider_state: str, output_file_id: str | None, error_file_id: str | None
) -> None:
    """Record that the provider has finished the batch."""
    change(
        con,
        batch_id,
        ("submitted", "ended"),
        state="ended",
        provider_state=provider_state,
        output_file_id=output_file_id,
        error_file_id=error_file_id,
        ended_at=func.coalesce(batches.c.ended_at, now()),
    )


def in_flight(con: Connection, batch_id: str) -> list[Attempt]:
    """Return the attempts of a batch that have not ended."""
    query = select(attempts).where(attempts.c.batch_id == batch_id, attempts.c.state == "in_flight")
    return [to_attempt(row) for row in con.execute(query.order_by(attempts.c.request_id))]


def close(con: Connection, batch_id: str, state: BatchState, why: str) -> int:
    """End a batch. Requests without an answer go back to `failed` at no cost; return their number."""
    landed_at = now() if state == "landed" else None
    change(con, batch_id, OUT, state=state, landed_at=landed_at)
    return give_up(
        con,
        {attempt.attempt_id: attempt.request_id for attempt in in_flight(con, batch_id)},
        attempt={"state": "cancelled", "cost_nusd": Decimal(0), "error": why},
        request={"state": "failed", "problem": why},
    )


def listed(con: Connection, states: Collection[BatchState]) -> list[ProviderBatch]:
    """Return the batches in these states, oldest first."""
    living = living_workers(con)
    owned_by_living = select(attempts.c.batch_id).where(
        attempts.c.batch_id == batches.c.batch_id, attempts.c.worker_id.in_(living)
    )
    query = select(batches, owned_by_living.exists().label("is_owned")).order_by(
        batches.c.created_at, batches.c.batch_id
    )
    return [_batch(row) for row in con.execute(query.where(batches.c.state.in_(states)))]


def answered(con: Connection, batch_ids: Collection[str]) -> dict[str, BatchUsage]:
    """Return the usage of the recorded answers of these batches. Batches without answers are left out."""
    a = attempts.c
    tokens = [
        func.coalesce(func.sum(count), 0) for count in (a.prompt_tokens, a.cached_tokens, a.completion_tokens)
    ]
    query = select(a.batch_id, func.count(), func.sum(a.cost_nusd), *tokens).group_by(a.batch_id)
    usages: dict[str, BatchUsage] = {}
    for chunk in chunked(batch_ids, CHUNK):
        for row in con.execute(query.where(a.batch_id.in_(chunk), a.state == "landed")):
            batch_id, answers, cost, *counts = row
            usages[str(batch_id)] = BatchUsage(int(answers), Usage(*map(int, counts)), cost)
    return usages


def _batch(row: Row[Any]) -> ProviderBatch:
    fields = dict(row._mapping)
    estimated, is_orphan = fields.pop("estimated_nusd"), not fields.pop("is_owned")
    return ProviderBatch(**fields, estimated=estimated, is_orphan=is_orphan)
