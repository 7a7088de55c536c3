"""What the ledger says of itself: totals for people, rows for the lake."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, func, or_, select, update

from drp.database import execute_many
from drp.ledger.records import Call, DeadReason, InFlight, Sums, Total
from drp.ledger.tables import attempts, batches, requests, workers
from drp.ledger.workers import living_workers

_PAGE = 500
_ENDED = ("landed", "dead")


def totals(con: Connection, run_id: str | None) -> list[Total]:
    """The books of a run, or of all, by run, stage, model and backend."""
    a, r = attempts.c, requests.c
    by = (a.run_id, r.stage, r.model, a.backend)
    flying, lost = a.state == "in_flight", a.state == "lost_in_flight"
    unknown = and_(a.cost_nusd.is_(None), a.state.not_in(("in_flight", "lost_in_flight")))
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
        *_sums(flying),
        *_sums(lost),
        *_sums(unknown),
    ).select_from(attempts.join(requests))
    if run_id is not None:
        query = query.where(a.run_id == run_id)
    found = []
    for row in con.execute(query.group_by(*by).order_by(*by)):
        names, (asked, tried, landed, failed), numbers = row[:4], row[4:8], row[8:13]
        prompt, cached, completion, known_attempts, known = (number or 0 for number in numbers)
        found.append(
            Total(
                *names,
                requests=asked,
                attempts=tried,
                landed=landed,
                failed=failed,
                prompt_tokens=int(prompt),
                cached_tokens=int(cached),
                completion_tokens=int(completion),
                known_attempts=int(known_attempts),
                known=Decimal(known),
                in_flight=_summed(row[13:15]),
                lost=_summed(row[15:17]),
                unknown=_summed(row[17:19]),
            )
        )
    return found


def _sums(which: ColumnElement[bool]) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    return func.count().filter(which), func.sum(attempts.c.estimated_nusd).filter(which)


def _summed(pair: Sequence[Any]) -> Sums:
    number, estimated = pair
    return Sums(number, estimated or Decimal(0))


def in_flight(con: Connection, run_id: str | None) -> list[InFlight]:
    """What is in flight online (of a run, or all), by worker, oldest first."""
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
    """Why requests (of a run, or all) are dead, most frequent first."""
    r, number = requests.c, func.count()
    query = select(r.problem, number).where(r.state == "dead")
    if run_id is not None:
        query = query.where(
            r.request_id.in_(select(attempts.c.request_id).where(attempts.c.run_id == run_id))
        )
    rows = con.execute(query.group_by(r.problem).order_by(number.desc(), r.problem))
    return [DeadReason(problem or "", count) for problem, count in rows]


def unexported(con: Connection, after: str) -> list[Call]:
    """A page of ended requests that no run has exported, by id, from the first one after `after`."""
    r = requests.c
    query = select(requests).where(r.exported_in.is_(None), r.state.in_(_ENDED), r.request_id > after)
    rows = con.execute(query.order_by(r.request_id).limit(_PAGE)).all()
    tried: dict[str, list[Row[Any]]] = {row.request_id: [] for row in rows}
    sent = (
        select(attempts, batches.c.provider_batch_id)
        .select_from(attempts.outerjoin(batches))
        .where(attempts.c.request_id.in_(tried), attempts.c.state != "cancelled")
    )
    for attempt in con.execute(sent.order_by(attempts.c.number)):
        tried[attempt.request_id].append(attempt)
    return [_call(row, tried[row.request_id]) for row in rows]


def _call(row: Row[Any], tried: Sequence[Row[Any]]) -> Call:
    """The attempt that brought the answer, or else the last one, says how; all of them say how much."""
    told = next((attempt for attempt in tried if attempt.state == "landed"), tried[-1])
    costs = [attempt.cost_nusd for attempt in tried]
    return Call(
        {
            "call_id": row.request_id,
            "stage": row.stage,
            "backend": told.backend,
            "model": row.model,
            "batch_id": told.provider_batch_id,
            "attempts": len(tried),
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
    """The lake has these, if they are still what was exported: their text can go."""
    r = requests.c
    same = (
        r.request_id == bindparam("key"),
        r.updated_at == bindparam("seen"),
        or_(*(r.state == state for state in _ENDED)),
    )
    rows = [{"key": key, "seen": seen} for key, seen in sorted(keys)]
    execute_many(con, update(requests).where(*same).values(exported_in=run_id, text=None), rows)
