"""Reports from the ledger: totals for people, and rows for the lake."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, func, or_, select, update

from drp.database import execute_many
from drp.ledger.database_tables import attempts, batches, requests, workers
from drp.ledger.records import Call, DeadReason, InFlight, Sums, Total
from drp.ledger.worker_heartbeats import living_workers

_PAGE = 500
_ENDED = ("landed", "dead")


def totals(con: Connection, run_id: str | None) -> list[Total]:
    """Return the totals of a run, or of all runs, by run, stage, model and backend."""
    a, r = attempts.c, requests.c
    by = (a.run_id, r.stage, r.model, a.backend)
    is_in_flight, is_lost = a.state == "in_flight", a.state == "lost_in_flight"
    is_unknown = and_(a.cost_nusd.is_(None), a.state.not_in(("in_flight", "lost_in_flight")))
    query = select(
        *by,
        func.count(r.request_id.distinct()),
        func.count(),
        func.count().filter(a.state == "landed"),
        func.count().filter(a.state == "failed"),
        func.sum(a.prompt_tokens),
        func.sum(a.cached_tokens),
        func.sum(a.completion_tokens),
        func.count(a.cost_nusd),
        func.sum(a.cost_nusd),
        *_sum_columns(is_in_flight),
        *_sum_columns(is_lost),
        *_sum_columns(is_unknown),
    ).select_from(attempts.join(requests))
    if run_id is not None:
        query = query.where(a.run_id == run_id)
    result = []
    for row in con.execute(query.group_by(*by).order_by(*by)):
        names, (n_requests, n_attempts, n_landed, n_failed), numbers = row[:4], row[4:8], row[8:13]
        prompt, cached, completion, known_attempts, known = (number or 0 for number in numbers)
        result.append(
            Total(
                *names,
                requests=n_requests,
                attempts=n_attempts,
                landed=n_landed,
                failed=n_failed,
                prompt_tokens=int(prompt),
                cached_tokens=int(cached),
                completion_tokens=int(completion),
                known_attempts=int(known_attempts),
                known=Decimal(known),
                in_flight=_to_sums(row[13:15]),
                lost=_to_sums(row[15:17]),
                unknown=_to_sums(row[17:19]),
            )
        )
    return result


def _sum_columns(condition: ColumnElement[bool]) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    return func.count().filter(condition), func.sum(attempts.c.estimated_nusd).filter(condition)


def _to_sums(columns: Sequence[Any]) -> Sums:
    count, estimated = columns
    return Sums(count, estimated or Decimal(0))


def in_flight(con: Connection, run_id: str | None) -> list[InFlight]:
    """Return what is in flight online (of a run, or of all), by worker, oldest first."""
    living = set(living_workers(con))
    a, w = attempts.c, workers.c
    since = func.min(a.started_at)
    query = (
        select(a.worker_id, w.host, w.pid, func.count(), func.sum(a.estimated_nusd), since)
        .select_from(attempts.outerjoin(workers, a.worker_id == w.worker_id))
        .where(a.state == "in_flight", a.batch_id.is_(None))
    )
    if run_id is not None:
        query = query.where(a.run_id == run_id)
    rows = con.execute(query.group_by(a.worker_id, w.host, w.pid).order_by(since))
    return [
        InFlight(worker_id, host, pid, worker_id in living, Sums(number, estimated), since)
        for worker_id, host, pid, number, estimated, since in rows
    ]


def dead_reasons(con: Connection, run_id: str | None) -> list[DeadReason]:
    """Return why requests (of a run, or of all) are dead, the most frequent reason first."""
    r, count = requests.c, func.count()
    query = select(r.problem, count).where(r.state == "dead")
    if run_id is not None:
        query = query.where(
            r.request_id.in_(select(attempts.c.request_id).where(attempts.c.run_id == run_id))
        )
    rows = con.execute(query.group_by(r.problem).order_by(count.desc(), r.problem))
    return [DeadReason(problem or "", n_requests) for problem, n_requests in rows]


def unexported(con: Connection, after: str) -> list[Call]:
    """Return a page of ended requests that no run has exported, by id, from the first one after `after`."""
    r = requests.c
    query = select(requests).where(r.exported_in.is_(None), r.state.in_(_ENDED), r.request_id > after)
    rows = con.execute(query.order_by(r.request_id).limit(_PAGE)).all()
    sent_attempts: dict[str, list[Row[Any]]] = {row.request_id: [] for row in rows}
    query_attempts = (
        select(attempts, batches.c.provider_batch_id)
        .select_from(attempts.outerjoin(batches))
        .where(attempts.c.request_id.in_(sent_attempts), attempts.c.state != "cancelled")
    )
    for attempt in con.execute(query_attempts.order_by(attempts.c.number)):
        sent_attempts[attempt.request_id].append(attempt)
    return [_call(row, sent_attempts[row.request_id]) for row in rows]


def _call(row: Row[Any], sent_attempts: Sequence[Row[Any]]) -> Call:
    """Return a request as a row for the lake.

    Backend and batch are those of the attempt that brought the answer, or else of the last attempt. The cost
    is that of all attempts.
    """
    final = next((attempt for attempt in sent_attempts if attempt.state == "landed"), sent_attempts[-1])
    costs = [attempt.cost_nusd for attempt in sent_attempts]
    return Call(
        {
            "call_id": row.request_id,
            "stage": row.stage,
            "backend": final.backend,
            "model": row.model,
            "batch_id": final.provider_batch_id,
            "attempts": len(sent_attempts),
            "prompt_tokens": row.prompt_tokens,
            "cached_tokens": row.cached_tokens,
            "completion_tokens": row.completion_tokens,
            "cost_usd": None if None in costs else float(sum(costs)),
            "latency_s": row.latency_s,
            "finish_reason": row.finish_reason,
            "raw_text": row.text,
        },
        row.updated_at,
    )


def mark_exported(con: Connection, keys: Iterable[tuple[str, datetime]], run_id: str) -> None:
    """Record that the lake has these requests, and drop their texts, unless they changed since the export."""
    r = requests.c
    unchanged = (
        r.request_id == bindparam("key"),
        r.updated_at == bindparam("seen"),
        or_(*(r.state == state for state in _ENDED)),
    )
    rows = [{"key": key, "seen": seen} for key, seen in sorted(keys)]
    execute_many(con, update(requests).where(*unchanged).values(exported_in=run_id, text=None), rows)
