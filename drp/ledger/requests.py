"""Requests and their attempts, which are claimed before they are sent and end with an answer or a failure.

All functions take locks in the same order (budget, requests by id, attempts), so that transactions cannot
deadlock.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

from more_itertools import chunked
from sqlalchemy import Connection, Row, and_, bindparam, func, select, update

from drp.database import execute_many, insert
from drp.ledger.completions import Completion, Usage
from drp.ledger.database_tables import RequestState, attempts, budgets, exact, requests
from drp.ledger.errors import BudgetExhaustedError
from drp.ledger.records import (
    Attempt,
    Claim,
    CompletedAttempt,
    FailedAttempt,
    LedgerEntry,
    PricedRequest,
    Spent,
)
from drp.ledger.worker_heartbeats import forget_others, living_workers

CHUNK = 1000
"""Ids in one statement, far below the limits of both databases."""
LOST = "lost in flight: the process that sent it died before an answer arrived"


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def entries(con: Connection, ids: Iterable[str]) -> dict[str, LedgerEntry]:
    """Return the entries of these requests. Requests that are not in the ledger are left out."""
    is_in_flight = and_(attempts.c.request_id == requests.c.request_id, attempts.c.state == "in_flight")
    query = select(requests, attempts.c.batch_id).select_from(requests.outerjoin(attempts, is_in_flight))
    entries_ = {}
    for chunk in chunked(ids, CHUNK):
        for row in con.execute(query.where(requests.c.request_id.in_(chunk))):
            entries_[row.request_id] = _entry(row)
    return entries_


def _entry(row: Row[Any]) -> LedgerEntry:
    answer = None
    if row.state == "landed":
        usage = None
        if row.prompt_tokens is not None:
            usage = Usage(row.prompt_tokens, row.cached_tokens, row.completion_tokens)
        answer = Completion(row.provider_id, row.text, row.refusal, row.finish_reason, usage, row.latency_s)
    state = cast(RequestState, row.state)
    return LedgerEntry(
        row.request_id,
        state,
        row.attempts,
        answer,
        row.cost_nusd,
        row.problem,
        row.batch_id,
        row.exported_in,
    )


def lock(con: Connection, ids: Iterable[str]) -> None:
    """Lock these requests until the end of the transaction. (SQLite runs one write at a time anyway.)"""
    for chunk in chunked(sorted(ids), CHUNK):
        query = select(requests.c.request_id).where(requests.c.request_id.in_(chunk))
        con.execute(query.order_by(requests.c.request_id).with_for_update())


def spent(con: Connection, run_id: str) -> Spent:
    """Return the cost of a run, summed over its attempts."""
    columns = attempts.c
    unknown = func.sum(columns.estimated_nusd).filter(columns.cost_nusd.is_(None))
    query = select(func.sum(columns.cost_nusd), unknown).where(columns.run_id == run_id)
    known, reserved = con.execute(query).one()
    return Spent(known or Decimal(0), reserved or Decimal(0))


def claim(
    con: Connection,
    priced_requests: Sequence[PricedRequest],
    attempt_ids: Mapping[str, str],
    *,
    worker_id: str,
    run_id: str,
    backend: str,
    cap: Decimal | None,
    batch_id: str | None = None,
) -> Claim:
    """Claim unclaimed requests for this worker, up to the remaining budget.

    `attempt_ids` holds an attempt id for each request id. If the transaction is repeated because its outcome
    was unknown, the attempts in the database that have these ids belong to this claim.
    """
    by_id = {priced.request.request_id: priced for priced in priced_requests}
    budget = insert(con, budgets).values(run_id=run_id, cap_nusd=cap)
    con.execute(budget.on_conflict_do_update(index_elements=[budgets.c.run_id], set_={"cap_nusd": cap}))
    _add_new_requests(con, by_id)
    lock(con, by_id)
    entries_, in_flight = entries(con, by_id), _in_flight(con, by_id)
    spent_before = spent(con, run_id)
    remaining = None if cap is None else exact(cap) - spent_before.total

    claim_, new_attempts = Claim(), list[Attempt]()
    for request_id, priced in by_id.items():
        entry = entries_[request_id]
        if entry.state == "landed":
            claim_.landed.append(entry)
        elif entry.state == "dead":
            claim_.dead.append(entry)
        elif request_id in in_flight:
            if in_flight[request_id].attempt_id == attempt_ids[request_id]:
                claim_.mine.append(in_flight[request_id])
            else:
                claim_.others.append(entry)
        else:
            estimated = exact(priced.estimated)
            if remaining is not None and estimated > remaining:
                claim_.over_budget.append(request_id)
                continue
            remaining = None if remaining is None else remaining - estimated
            number = entry.attempts + 1
            new_attempts.append(Attempt(attempt_ids[request_id], request_id, number, batch_id, estimated))
    _add_attempts(con, new_attempts, worker_id, run_id, backend)
    exhausted = None
    if cap is not None and claim_.over_budget:
        exhausted = BudgetExhaustedError(
            run_id,
            spent=spent_before.known,
            reserved=spent_before.reserved + sum((a.estimated for a in new_attempts), Decimal(0)),
            cap=cap,
            requests=len(claim_.over_budget),
            needed=sum((exact(by_id[id_].estimated) for id_ in claim_.over_budget), Decimal(0)),
        )
    return Claim(
        claim_.mine + new_attempts,
        claim_.landed,
        claim_.dead,
        claim_.others,
        claim_.over_budget,
        exhausted,
    )


def _add_new_requests(con: Connection, by_id: Mapping[str, PricedRequest]) -> None:
    at = now()
    rows = [
        {
            "request_id": request_id,
            "stage": by_id[request_id].request.stage,
            "base_url": by_id[request_id].request.base_url,
            "model": by_id[request_id].request.model,
            "prompt_version": by_id[request_id].request.prompt_version,
            "state": "planned",
            "attempts": 0,
            "created_at": at,
            "updated_at": at,
        }
        for request_id in sorted(by_id)
    ]
    execute_many(con, insert(con, requests).on_conflict_do_nothing(), rows)


def _in_flight(con: Connection, ids: Iterable[str]) -> dict[str, Attempt]:
    in_flight = {}
    query = select(attempts).where(attempts.c.state == "in_flight")
    for chunk in chunked(ids, CHUNK):
        for row in con.execute(query.where(attempts.c.request_id.in_(chunk))):
            in_flight[row.request_id] = to_attempt(row)
    return in_flight


def to_attempt(row: Row[Any]) -> Attempt:
    """Convert a row to an attempt."""
    return Attempt(row.id, row.request_id, row.number, row.batch_id, row.estimated_nusd)


def _add_attempts(
    con: Connection, new_attempts: Sequence[Attempt], worker_id: str, run_id: str, backend: str
) -> None:
    at = now()
    rows = [
        {
            "id": attempt.attempt_id,
            "request_id": attempt.request_id,
            "number": attempt.number,
            "worker_id": worker_id,
            "run_id": run_id,
            "batch_id": attempt.batch_id,
            "backend": backend,
            "state": "in_flight",
            "estimated_nusd": attempt.estimated,
            "started_at": at,
        }
        for attempt in new_attempts
    ]
    execute_many(con, insert(con, attempts), rows)
    for chunk in chunked(new_attempts, CHUNK):
        state = "submitted" if chunk[0].batch_id is None else "planned"
        changes = {"state": state, "attempts": requests.c.attempts + 1, "updated_at": at}
        ids = [attempt.request_id for attempt in chunk]
        con.execute(update(requests).where(requests.c.request_id.in_(ids)).values(changes))


def land(con: Connection, completed: Sequence[CompletedAttempt]) -> None:
    """Record answers. If a request already has one, the first answer stays; the cost of each one counts."""
    lock(con, (item.attempt.request_id for item in completed))
    at = now()
    attempt_rows, request_rows = [], []
    for item in completed:
        answer, usage = item.answer, item.answer.usage
        common = {
            "provider_id": answer.provider_id,
            "prompt_tokens": usage and usage.prompt_tokens,
            "cached_tokens": usage and usage.cached_tokens,
            "completion_tokens": usage and usage.completion_tokens,
            "cost_nusd": item.cost,
        }
        attempt_rows.append({"key": item.attempt.attempt_id, **common})
        request_rows.append(
            {
                "key": item.attempt.request_id,
                **common,
                "refusal": answer.refusal,
                "finish_reason": answer.finish_reason,
                "text": answer.text,
                "latency_s": answer.latency_s,
            }
        )
    attempt = update(attempts).where(attempts.c.id == bindparam("key"), attempts.c.state != "landed")
    execute_many(con, attempt.values(state="landed", error=None, ended_at=at), attempt_rows)
    request = update(requests).where(requests.c.request_id == bindparam("key"), requests.c.state != "landed")
    request = request.values(state="landed", problem=None, exported_in=None, updated_at=at)
    execute_many(con, request, request_rows)


def fail(con: Connection, failures: Sequence[FailedAttempt]) -> None:
    """Record attempts that brought no answer. An attempt that has landed meanwhile is not changed."""
    lock(con, (failure.attempt.request_id for failure in failures))
    at = now()
    states = _states(con, (failure.attempt.attempt_id for failure in failures))
    attempt_rows, request_rows = [], []
    for failure in failures:
        attempt = failure.attempt
        if states[attempt.attempt_id] in ("in_flight", "lost_in_flight"):
            attempt_rows.append(
                {"key": attempt.attempt_id, "error": failure.error, "cost_nusd": failure.cost}
            )
        if states[attempt.attempt_id] == "in_flight":  # else another worker may have the request by now
            state = "failed" if failure.may_retry else "dead"
            request_rows.append({"key": attempt.request_id, "state": state, "problem": failure.error})
    update_attempt = update(attempts).where(attempts.c.id == bindparam("key"))
    execute_many(con, update_attempt.values(state="failed", ended_at=at), attempt_rows)
    update_request = update(requests).where(
        requests.c.request_id == bindparam("key"), requests.c.state != "landed"
    )
    execute_many(con, update_request.values(updated_at=at), request_rows)


def _states(con: Connection, attempt_ids: Iterable[str]) -> dict[str, str]:
    states: dict[str, str] = {}
    for chunk in chunked(attempt_ids, CHUNK):
        query = select(attempts.c.id, attempts.c.state).where(attempts.c.id.in_(chunk))
        states.update((row.id, row.state) for row in con.execute(query))
    return states


def give_up(
    con: Connection,
    request_ids: Mapping[str, str],
    *,
    attempt: Mapping[str, Any],
    request: Mapping[str, Any],
) -> int:
    """End those of these attempts that are in flight. Return their number.

    Args:
        con: the connection.
        request_ids: the request id of each attempt id.
        attempt: the new values of the rows of these attempts.
        request: the new values of the rows of their requests, unless these have ended.
    """
    at, count = now(), 0
    lock(con, request_ids.values())
    for chunk in chunked(request_ids, CHUNK):
        in_flight = [id_ for id_, state in _states(con, chunk).items() if state == "in_flight"]
        ended = {**attempt, "ended_at": at}
        con.execute(update(attempts).where(attempts.c.id.in_(in_flight)).values(ended))
        is_affected = requests.c.request_id.in_([request_ids[id_] for id_ in in_flight])
        is_unanswered = requests.c.state.in_(("planned", "submitted"))
        con.execute(update(requests).where(is_affected, is_unanswered).values({**request, "updated_at": at}))
        count += len(in_flight)
    return count


def recover(con: Connection) -> int:
    """Mark the online attempts of dead workers as lost, at their estimated cost. Return their number."""
    living = living_workers(con)
    lost = select(attempts.c.id, attempts.c.request_id).where(
        attempts.c.state == "in_flight",
        attempts.c.batch_id.is_(None),
        attempts.c.worker_id.not_in(living),
    )
    count = give_up(
        con,
        {row.id: row.request_id for row in con.execute(lost)},
        attempt={"state": "lost_in_flight", "error": LOST},
        request={"state": "failed", "problem": LOST},
    )
    forget_others(con, living)
    return count


def release(con: Connection, unsent: Sequence[Attempt]) -> None:
    """Give back attempts that were claimed and never sent. They cost nothing."""
    give_up(
        con,
        {attempt.attempt_id: attempt.request_id for attempt in unsent},
        attempt={"state": "cancelled", "cost_nusd": Decimal(0)},
        request={"state": "planned"},
    )


def retry_dead(con: Connection, run_id: str | None) -> int:
    """Allow dead requests (of a run, or all) to be sent again. Return their number."""
    is_dead = requests.c.state == "dead"
    if run_id is not None:
        of_run = select(attempts.c.request_id).where(attempts.c.run_id == run_id)
        is_dead = and_(is_dead, requests.c.request_id.in_(of_run))
    changes = {"state": "failed", "exported_in": None, "updated_at": now()}
    return con.execute(update(requests).where(is_dead).values(changes)).rowcount
