"""Batches: the intent first, then what the provider made of it, until every request of it has ended."""

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from drp.core import batched
from drp.database import insert
from drp.ledger.completions import Usage
from drp.ledger.records import Attempt, BatchUsage, Claim, PricedRequest, ProviderBatch
from drp.ledger.requests import CHUNK, claim, give_up, lock, now, to_attempt
from drp.ledger.tables import BatchState, attempts, batches, requests
from drp.ledger.workers import living_workers

OUT: tuple[BatchState, ...] = ("planned", "uploaded", "submitted", "ended")
"""States of batches of which something is still to come."""


def plan(
    con: Connection,
    wanted: Sequence[PricedRequest],
    fresh: dict[str, str],
    *,
    batch_id: str,
    worker_id: str,
    run_id: str,
    cap: Decimal | None,
) -> Claim:
    """Claim what is nobody's of `wanted` for a new batch; without any there is none."""
    first = wanted[0].request
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
        wanted,
        fresh,
        worker_id=worker_id,
        run_id=run_id,
        backend="batch",
        cap=cap,
        batch_id=batch_id,
    )
    own = batches.c.batch_id == batch_id
    if not claimed.mine:
        con.execute(batches.delete().where(own))
        return claimed
    tokens = {w.request.request_id: w.request.estimate for w in wanted}
    usages = [tokens[attempt.request_id] for attempt in claimed.mine]
    con.execute(
        update(batches)
        .where(own)
        .values(
            requests=len(claimed.mine),
            estimated_tokens=sum(usage.prompt_tokens for usage in usages),
            estimated_nusd=sum((attempt.estimated for attempt in claimed.mine), Decimal(0)),
        )
    )
    return claimed


def change(con: Connection, batch_id: str, before: tuple[BatchState, ...], **values: Any) -> bool:
    """Change a batch that is in one of the states `before`; False if it is in another."""
    known = {name: value for name, value in values.items() if value is not None}
    where = (batches.c.batch_id == batch_id, batches.c.state.in_(before))
    return con.execute(update(batches).where(*where).values(known)).rowcount == 1


def submit(con: Connection, batch_id: str, provider_batch_id: str, provider_state: str) -> bool:
    """The batch and its requests are at the provider; False if it was given up before."""
    done = change(
        con,
        batch_id,
        ("planned", "uploaded", "submitted"),
        state="submitted",
        provider_batch_id=provider_batch_id,
        provider_state=provider_state,
        submitted_at=func.coalesce(batches.c.submitted_at, now()),
    )
    if done:
        own = [attempt.request_id for attempt in in_flight(con, batch_id)]
        lock(con, own)
        for some in batched(own, CHUNK):
            waiting = (requests.c.request_id.in_(some), requests.c.state == "planned")
            con.execute(update(requests).where(*waiting).values(state="submitted", updated_at=now()))
    return done


def observe(con: Connection, batch_id: str, provider_state: str) -> None:
    """What the provider says of it while it works on it."""
    change(con, batch_id, ("submitted",), provider_state=provider_state)


def end(
    con: Connection, batch_id: str, provider_state: str, output_file_id: str | None, error_file_id: str | None
) -> None:
    """The provider is done with it."""
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
    """Its attempts that have not ended."""
    query = select(attempts).where(attempts.c.batch_id == batch_id, attempts.c.state == "in_flight")
    return [to_attempt(row) for row in con.execute(query.order_by(attempts.c.request_id))]


def close(con: Connection, batch_id: str, state: BatchState, why: str) -> int:
    """End a batch: what has no answer goes back to `failed` at no cost. How much that was."""
    landed_at = now() if state == "landed" else None
    change(con, batch_id, OUT, state=state, landed_at=landed_at)
    return give_up(
        con,
        {attempt.attempt_id: attempt.request_id for attempt in in_flight(con, batch_id)},
        attempt={"state": "cancelled", "cost_nusd": Decimal(0), "error": why},
        request={"state": "failed", "problem": why},
    )


def listed(con: Connection, states: Collection[BatchState]) -> list[ProviderBatch]:
    """Batches in these states, oldest first."""
    living = living_workers(con)
    owned = select(attempts.c.batch_id).where(
        attempts.c.batch_id == batches.c.batch_id, attempts.c.worker_id.in_(living)
    )
    query = select(batches, owned.exists().label("is_owned")).order_by(
        batches.c.created_at, batches.c.batch_id
    )
    return [_batch(row) for row in con.execute(query.where(batches.c.state.in_(states)))]


def answered(con: Connection, batch_ids: Collection[str]) -> dict[str, BatchUsage]:
    """What is written down of the answers of these batches; those without any are left out."""
    a = attempts.c
    tokens = [
        func.coalesce(func.sum(count), 0) for count in (a.prompt_tokens, a.cached_tokens, a.completion_tokens)
    ]
    query = select(a.batch_id, func.count(), func.sum(a.cost_nusd), *tokens).group_by(a.batch_id)
    found: dict[str, BatchUsage] = {}
    for some in batched(batch_ids, CHUNK):
        for row in con.execute(query.where(a.batch_id.in_(some), a.state == "landed")):
            batch_id, answers, cost, *counts = row
            found[str(batch_id)] = BatchUsage(int(answers), Usage(*map(int, counts)), cost)
    return found


def _batch(row: Row[Any]) -> ProviderBatch:
    facts = dict(row._mapping)
    estimated, is_orphan = facts.pop("estimated_nusd"), not facts.pop("is_owned")
    return ProviderBatch(**facts, estimated=estimated, is_orphan=is_orphan)
