"""Requests and attempts at them: claimed before they are sent, landed or failed after.

All of it in one order of locks (budget, requests by id, attempts), so that no two transactions wait for each
other in a circle.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

from sqlalchemy import Connection, Row, and_, bindparam, func, select, update

from drp.core import batched
from drp.database import execute_many, insert
from drp.ledger.completions import Completion, Usage
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
from drp.ledger.tables import RequestState, attempts, budgets, exact, requests
from drp.ledger.workers import forget_others, living_workers

CHUNK = 1000
"""Ids in one statement: far below the limits of both databases."""
LOST = "lost in flight: whoever sent it died before an answer came"


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def entries(con: Connection, ids: Iterable[str]) -> dict[str, LedgerEntry]:
    """What is known of these requests; those never heard of are left out."""
    flying = and_(attempts.c.request_id == requests.c.request_id, attempts.c.state == "in_flight")
    query = select(requests, attempts.c.batch_id).select_from(requests.outerjoin(attempts, flying))
    found = {}
    for some in batched(ids, CHUNK):
        for row in con.execute(query.where(requests.c.request_id.in_(some))):
            found[row.request_id] = _entry(row)
    return found


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
    """Keep other transactions from these requests until the end of this one (SQLite has no others)."""
    for some in batched(sorted(ids), CHUNK):
        wanted = select(requests.c.request_id).where(requests.c.request_id.in_(some))
        con.execute(wanted.order_by(requests.c.request_id).with_for_update())


def spent(con: Connection, run_id: str) -> Spent:
    """The money of a run, summed over its attempts."""
    columns = attempts.c
    unknown = func.sum(columns.estimated_nusd).filter(columns.cost_nusd.is_(None))
    query = select(func.sum(columns.cost_nusd), unknown).where(columns.run_id == run_id)
    known, reserved = con.execute(query).one()
    return Spent(known or Decimal(0), reserved or Decimal(0))


def claim(
    con: Connection,
    wanted: Sequence[PricedRequest],
    fresh: Mapping[str, str],
    *,
    worker_id: str,
    run_id: str,
    backend: str,
    cap: Decimal | None,
    batch_id: str | None = None,
) -> Claim:
    """Make those of `wanted` this worker's that are nobody's, as far as the money goes.

    `fresh` has an attempt id for each request id: when this is done a second time because nobody knew whether
    the first had committed, attempts with these ids are the worker's own.
    """
    asked = {w.request.request_id: w for w in wanted}
    budget = insert(con, budgets).values(run_id=run_id, cap_nusd=cap)
    con.execute(budget.on_conflict_do_update(index_elements=[budgets.c.run_id], set_={"cap_nusd": cap}))
    _make_known(con, asked)
    lock(con, asked)
    known, flying = entries(con, asked), _in_flight(con, asked)
    so_far = spent(con, run_id)
    room = None if cap is None else exact(cap) - so_far.total

    done, taken = Claim(), list[Attempt]()
    for request_id, want in asked.items():
        entry = known[request_id]
        if entry.state == "landed":
            done.landed.append(entry)
        elif entry.state == "dead":
            done.dead.append(entry)
        elif request_id in flying:
            if flying[request_id].attempt_id == fresh[request_id]:
                done.mine.append(flying[request_id])
            else:
                done.others.append(entry)
        else:
            estimated = exact(want.estimated)
            if room is not None and estimated > room:
                done.over_budget.append(request_id)
                continue
            room = None if room is None else room - estimated
            number = entry.attempts + 1
            taken.append(Attempt(fresh[request_id], request_id, number, batch_id, estimated))
    _take(con, taken, worker_id, run_id, backend)
    exhausted = None
    if cap is not None and done.over_budget:
        exhausted = BudgetExhaustedError(
            run_id,
            spent=so_far.known,
            reserved=so_far.reserved + sum((a.estimated for a in taken), Decimal(0)),
            cap=cap,
            requests=len(done.over_budget),
            wanted=sum((exact(asked[i].estimated) for i in done.over_budget), Decimal(0)),
        )
    return Claim(done.mine + taken, done.landed, done.dead, done.others, done.over_budget, exhausted)


def _make_known(con: Connection, asked: Mapping[str, PricedRequest]) -> None:
    at = now()
    rows = [
        {
            "request_id": request_id,
            "stage": asked[request_id].request.stage,
            "base_url": asked[request_id].request.base_url,
            "model": asked[request_id].request.model,
            "prompt_version": asked[request_id].request.prompt_version,
            "state": "planned",
            "attempts": 0,
            "created_at": at,
            "updated_at": at,
        }
        for request_id in sorted(asked)
    ]
    execute_many(con, insert(con, requests).on_conflict_do_nothing(), rows)


def _in_flight(con: Connection, ids: Iterable[str]) -> dict[str, Attempt]:
    found = {}
    query = select(attempts).where(attempts.c.state == "in_flight")
    for some in batched(ids, CHUNK):
        for row in con.execute(query.where(attempts.c.request_id.in_(some))):
            found[row.request_id] = to_attempt(row)
    return found


def to_attempt(row: Row[Any]) -> Attempt:
    """An attempt from its row."""
    return Attempt(row.id, row.request_id, row.number, row.batch_id, row.estimated_nusd)


def _take(con: Connection, taken: Sequence[Attempt], worker_id: str, run_id: str, backend: str) -> None:
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
        for attempt in taken
    ]
    execute_many(con, insert(con, attempts), rows)
    for some in batched((attempt for attempt in taken), CHUNK):
        state = "submitted" if some[0].batch_id is None else "planned"
        changed = {"state": state, "attempts": requests.c.attempts + 1, "updated_at": at}
        ids = [attempt.request_id for attempt in some]
        con.execute(update(requests).where(requests.c.request_id.in_(ids)).values(changed))


def land(con: Connection, landings: Sequence[CompletedAttempt]) -> None:
    """Write down answers. Of a request that has landed, the first answer stays; the money counts all."""
    lock(con, (landing.attempt.request_id for landing in landings))
    at = now()
    paid, answered = [], []
    for landing in landings:
        answer, usage = landing.answer, landing.answer.usage
        both = {
            "provider_id": answer.provider_id,
            "prompt_tokens": usage and usage.prompt_tokens,
            "cached_tokens": usage and usage.cached_tokens,
            "completion_tokens": usage and usage.completion_tokens,
            "cost_nusd": landing.cost,
        }
        paid.append({"key": landing.attempt.attempt_id, **both})
        said = {"refusal": answer.refusal, "finish_reason": answer.finish_reason, "text": answer.text}
        answered.append({"key": landing.attempt.request_id, **both, **said, "latency_s": answer.latency_s})
    attempt = update(attempts).where(attempts.c.id == bindparam("key"), attempts.c.state != "landed")
    execute_many(con, attempt.values(state="landed", error=None, ended_at=at), paid)
    request = update(requests).where(requests.c.request_id == bindparam("key"), requests.c.state != "landed")
    execute_many(con, request.values(state="landed", problem=None, exported_in=None, updated_at=at), answered)


def fail(con: Connection, failures: Sequence[FailedAttempt]) -> None:
    """Write down that attempts brought no answer. One that has landed meanwhile stays so."""
    lock(con, (failure.attempt.request_id for failure in failures))
    at = now()
    states = _states(con, (failure.attempt.attempt_id for failure in failures))
    ended, asked = [], []
    for failure in failures:
        attempt = failure.attempt
        if states[attempt.attempt_id] in ("in_flight", "lost_in_flight"):
            ended.append({"key": attempt.attempt_id, "error": failure.error, "cost_nusd": failure.cost})
        if states[attempt.attempt_id] == "in_flight":  # else the request is somebody else's by now
            state = "failed" if failure.may_retry else "dead"
            asked.append({"key": attempt.request_id, "state": state, "problem": failure.error})
    attempt_row = update(attempts).where(attempts.c.id == bindparam("key"))
    execute_many(con, attempt_row.values(state="failed", ended_at=at), ended)
    request_row = update(requests).where(
        requests.c.request_id == bindparam("key"), requests.c.state != "landed"
    )
    execute_many(con, request_row.values(updated_at=at), asked)


def _states(con: Connection, attempt_ids: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for some in batched(attempt_ids, CHUNK):
        query = select(attempts.c.id, attempts.c.state).where(attempts.c.id.in_(some))
        found.update((row.id, row.state) for row in con.execute(query))
    return found


def give_up(
    con: Connection,
    given: Mapping[str, str],
    *,
    attempt: Mapping[str, Any],
    request: Mapping[str, Any],
) -> int:
    """End the attempts (attempt id to request id) of these that are in flight; how many that were.

    `attempt` and `request` are what their rows become.
    """
    at, number = now(), 0
    lock(con, given.values())
    for some in batched(given, CHUNK):
        flying = [id_ for id_, state in _states(con, some).items() if state == "in_flight"]
        ended = {**attempt, "ended_at": at}
        con.execute(update(attempts).where(attempts.c.id.in_(flying)).values(ended))
        mine = requests.c.request_id.in_([given[id_] for id_ in flying])
        unanswered = requests.c.state.in_(("planned", "submitted"))
        con.execute(update(requests).where(mine, unanswered).values({**request, "updated_at": at}))
        number += len(flying)
    return number


def recover(con: Connection) -> int:
    """Mark what dead workers had in flight online as lost, at its estimated cost; how much that was."""
    living = living_workers(con)
    lost = select(attempts.c.id, attempts.c.request_id).where(
        attempts.c.state == "in_flight",
        attempts.c.batch_id.is_(None),
        attempts.c.worker_id.not_in(living),
    )
    given = {row.id: row.request_id for row in con.execute(lost)}
    number = give_up(
        con,
        given,
        attempt={"state": "lost_in_flight", "error": LOST},
        request={"state": "failed", "problem": LOST},
    )
    forget_others(con, living)
    return number


def release(con: Connection, given: Sequence[Attempt]) -> None:
    """Give back what was claimed and never sent: it costs nothing."""
    give_up(
        con,
        {attempt.attempt_id: attempt.request_id for attempt in given},
        attempt={"state": "cancelled", "cost_nusd": Decimal(0)},
        request={"state": "planned"},
    )


def retry_dead(con: Connection, run_id: str | None) -> int:
    """Let dead requests (of a run, or all) be sent again; how many there were."""
    dead = requests.c.state == "dead"
    if run_id is not None:
        of_run = select(attempts.c.request_id).where(attempts.c.run_id == run_id)
        dead = and_(dead, requests.c.request_id.in_(of_run))
    changed = {"state": "failed", "exported_in": None, "updated_at": now()}
    return con.execute(update(requests).where(dead).values(changed)).rowcount
