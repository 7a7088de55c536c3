"""Brings what a batch has answered into the ledger, row by row."""

import logging
from collections.abc import Iterator

from openai.types import Batch

from drp.ledger import Attempt, CompletedAttempt, FailedAttempt
from drp.teacher.transport.batch.provider import BatchProvider
from drp.teacher.transport.batch.result_rows import Row
from drp.teacher.transport.ledger_session import LedgerSession

_log = logging.getLogger(__name__)

TRIES = 5
"""A row that failed and had been sent so often, in whatever batch, is dead."""
GROUP = 200
"""Rows in one transaction."""


def import_results(books: LedgerSession, provider: BatchProvider, batch_id: str, ended: Batch) -> str | None:
    """Write down each row of an ended batch's files; what is in neither may be sent again. May be done again.

    Args:
        batch_id: our id of the batch.
        ended: the batch as the provider has it.

    Returns:
        Why the provider refused a row in a way that holds for all rows (no money), if it did.
    """
    ledger = books.ledger
    ledger.end_batch(
        batch_id, ended.status, output_file_id=ended.output_file_id, error_file_id=ended.error_file_id
    )
    mine = {attempt.request_id: attempt for attempt in ledger.batch_attempts(batch_id)}
    refused: str | None = None
    for file_id in filter(None, (ended.output_file_id, ended.error_file_id)):
        for rows in _groups(provider, file_id):
            outcomes = list[CompletedAttempt | FailedAttempt | None]()
            for row in rows:
                if row.fault is not None and row.fault.kind == "refused":
                    refused = row.fault.why
                if (attempt := mine.pop(row.request_id, None)) is not None:
                    outcomes.append(_outcome(books, attempt, row))
            books.write([outcome for outcome in outcomes if outcome is not None])
    if ended.status == "completed" and mine:
        why = f"in neither file of batch {ended.id}"
        _log.warning("%d requests are %s", len(mine), why)
        books.write([FailedAttempt(a, why, a.number < TRIES, None) for a in mine.values()])
    back = ledger.land_batch(batch_id, f"the batch {ended.status}" if refused is None else refused)
    _log.info("batch %s %s: its answers are in the ledger, %d requests go back", ended.id, ended.status, back)
    if ended.input_file_id:
        provider.forget(ended.input_file_id)
    return refused


def _outcome(books: LedgerSession, attempt: Attempt, row: Row) -> CompletedAttempt | FailedAttempt | None:
    """What became of an attempt; None: the provider never came to it."""
    if row.answer is not None:
        return CompletedAttempt(attempt, row.answer, books.cost(row.answer))
    if row.fault is None or row.fault.kind == "refused":
        return None
    may_retry = row.fault.kind != "row" and attempt.number < TRIES
    return FailedAttempt(attempt, row.fault.why, may_retry, row.fault.cost)


def _groups(provider: BatchProvider, file_id: str) -> Iterator[list[Row]]:
    rows: list[Row] = []
    with provider.downloaded(file_id) as lines:
        for line in lines:  # of bytes: a text's lines would end at U+2028 too
            row = provider.read_row(line)
            if row is None:
                _log.warning("a line of file %s is no row: %r", file_id, line[:80])
                continue
            rows.append(row)
            if len(rows) == GROUP:
                yield rows
                rows = []
    yield rows
