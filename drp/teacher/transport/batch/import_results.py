"""Import the results of a batch into the ledger."""

import logging
from collections import Counter
from collections.abc import Iterator

from openai.types import Batch

from drp.ledger import Attempt, CompletedAttempt, FailedAttempt
from drp.teacher.transport.batch.parse_result_rows import Row
from drp.teacher.transport.batch.provider import BatchProvider
from drp.teacher.transport.ledger_session import LedgerSession
from drp.teacher.transport.retry_policy import SAME_REFUSALS

_log = logging.getLogger(__name__)

TRIES = 5
"""A request that failed in this many batches is dead."""
GROUP = 200
"""Number of rows in one transaction."""


def import_results(
    session: LedgerSession, provider: BatchProvider, batch_id: str, ended: Batch
) -> str | None:
    """Record each row of an ended batch's files; requests that are in neither file may be sent again.

    Repeating the import is safe.

    Args:
        session: the ledger.
        provider: the provider of the batch.
        batch_id: our id of the batch.
        ended: the batch at the provider.

    Returns:
        Why the provider refused a row, if the reason holds for all requests (e.g. no money); else None.
    """
    ledger = session.ledger
    ledger.end_batch(
        batch_id, ended.status, output_file_id=ended.output_file_id, error_file_id=ended.error_file_id
    )
    attempts = {attempt.request_id: attempt for attempt in ledger.batch_attempts(batch_id)}
    refused: str | None = None
    has_answers = False
    faults: Counter[str] = Counter()  # rows that failed for good, by the words of the failure
    suspects: list[FailedAttempt] = []  # their outcomes, unless the provider refused every row
    for file_id in filter(None, (ended.output_file_id, ended.error_file_id)):
        for rows in _groups(provider, file_id):
            outcomes = list[CompletedAttempt | FailedAttempt | None]()
            for row in rows:
                if row.fault is not None and row.fault.kind == "refused":
                    refused = row.fault.why
                has_answers |= row.answer is not None
                attempt = attempts.pop(row.request_id, None)
                if attempt is None:
                    continue
                if row.fault is not None and row.fault.kind == "row":
                    faults[row.fault.words] += 1
                    suspects.append(session.failed(attempt, row.fault, may_retry=False))
                else:
                    outcomes.append(_outcome(session, attempt, row))
            session.write([outcome for outcome in outcomes if outcome is not None])
    if suspects and not has_answers and max(faults.values()) >= SAME_REFUSALS:
        refused = refused or suspects[-1].error
    else:
        session.write(suspects)
    if ended.status == "completed" and attempts:
        why = f"in neither file of batch {ended.id}"
        _log.warning("%d requests are %s", len(attempts), why)
        session.write([FailedAttempt(a, why, a.number < TRIES, None) for a in attempts.values()])
    unanswered = ledger.land_batch(batch_id, f"the batch {ended.status}" if refused is None else refused)
    _log.info(
        "batch %s %s: its answers are in the ledger, %d requests are unanswered",
        ended.id,
        ended.status,
        unanswered,
    )
    if ended.input_file_id:
        provider.forget(ended.input_file_id)
    return refused


def _outcome(session: LedgerSession, attempt: Attempt, row: Row) -> CompletedAttempt | FailedAttempt | None:
    """Return the outcome of an attempt; None if the provider did not process it."""
    if row.answer is not None:
        return CompletedAttempt(attempt, row.answer, session.cost(row.answer))
    if row.fault is None or row.fault.kind == "refused":
        return None
    may_retry = row.fault.kind != "room" and attempt.number < TRIES
    return session.failed(attempt, row.fault, may_retry=may_retry)


def _groups(provider: BatchProvider, file_id: str) -> Iterator[list[Row]]:
    rows: list[Row] = []
    with provider.downloaded(file_id) as lines:
        for line in lines:  # bytes, because lines of text would also end at U+2028
            row = provider.read_row(line)
            if row is None:
                _log.warning("a line of file %s is not a row: %r", file_id, line[:80])
                continue
            rows.append(row)
            if len(rows) == GROUP:
                yield rows
                rows = []
    yield rows
