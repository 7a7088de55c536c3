"""The ledger as tables for the terminal: behind `drp ledger show [RUN]`.

    for table in tables(ledger, run_id):
        console.print(table)

What something cost is shown as far as it is known: where it is not, it says so, and what was estimated.
"""

from decimal import Decimal

from rich.table import Table

from drp.console import add_row, new_table
from drp.ledger import OUT, DeadReason, InFlight, Ledger, ProviderBatch, Sums, Total, dollars


def tables(ledger: Ledger, run_id: str | None = None) -> list[Table]:
    """What was paid, and, where there is any, what is in flight, in batches, and dead (of a run, or all)."""
    found = [_paid(ledger, ledger.totals(run_id))]
    flying = ledger.in_flight(run_id)
    if flying:
        found.append(_flying(flying))
    out = [batch for batch in ledger.batches(OUT) if run_id in (None, batch.run_id)]
    if out:
        found.append(_batches(out))
    dead = ledger.dead_reasons(run_id)
    if dead:
        found.append(_dead(dead, run_id))
    return found


def _paid(ledger: Ledger, totals: list[Total]) -> Table:
    table = new_table(
        f"ledger {ledger.address}",
        *("run", "stage", "model", "backend", "requests", "attempts", "failed"),
        *("prompt tokens", "cached", "completion", "USD", "cost unknown", "in flight", "lost in flight"),
    )
    for total in totals:
        add_row(
            table,
            *(total.run_id, total.stage, total.model, total.backend),
            *(f"{total.requests:,}", f"{total.attempts:,}", f"{total.failed:,}"),
            *(f"{total.prompt_tokens:,}", f"{total.cached_tokens:,}", f"{total.completion_tokens:,}"),
            *(_cost(total), _about(total.unknown), _about(total.in_flight), _about(total.lost)),
        )
    table.add_section()
    unknown, flying, lost = (
        _about(_sum(several))
        for several in (
            [total.unknown for total in totals],
            [total.in_flight for total in totals],
            [total.lost for total in totals],
        )
    )
    add_row(table, *["all", *[""] * 9], _cost(*totals), unknown, flying, lost)
    return table


def _sum(several: list[Sums]) -> Sums:
    return Sums(sum(s.attempts for s in several), sum((s.estimated for s in several), Decimal(0)))


def _cost(*totals: Total) -> str:
    """What is known; attempts that were made and of which no cost is known did not cost 0."""
    if totals and not any(total.known_attempts for total in totals):
        return "unknown"
    return dollars(sum((total.known for total in totals), Decimal(0)))


def _about(sums: Sums) -> str:
    return f"{sums.attempts:,} (about {dollars(sums.estimated)})" if sums.attempts else ""


def _flying(flying: list[InFlight]) -> Table:
    table = new_table("in flight online", "worker", "host", "process", "", "requests", "since")
    for worker in flying:
        host = (worker.host or "").split(" ")[0]
        state = "alive" if worker.is_alive else "dead: the next night marks them as lost"
        since = f"{worker.since:%Y-%m-%d %H:%M:%S}"
        add_row(table, worker.worker_id[:8], host, worker.pid or "", state, _about(worker.sums), since)
    return table


def _batches(out: list[ProviderBatch]) -> Table:
    table = new_table("batches", "batch", "provider's", "run", "model", "state", "requests", "since")
    for batch in out:
        state = f"{batch.state}, {batch.provider_state}" if batch.provider_state else batch.state
        cost = _about(Sums(batch.requests, batch.estimated))
        since = f"{batch.submitted_at or batch.created_at:%Y-%m-%d %H:%M:%S}"
        provider = batch.provider_batch_id or ""
        add_row(table, batch.batch_id, provider, batch.run_id, batch.model, state, cost, since)
    return table


def _dead(dead: list[DeadReason], run_id: str | None) -> Table:
    again = f"drp ledger retry-dead {run_id or ''}".strip()
    table = new_table("dead", "requests", f"why ({again} lets them be sent again)")
    for reason in dead:
        add_row(table, f"{reason.requests:,}", reason.problem)
    return table
