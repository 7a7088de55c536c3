"""One run's view of the ledger for one teacher: its prices and its spending cap."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from drp.config import Prices
from drp.ledger import (
    Attempt,
    Claim,
    CompletedAttempt,
    Completion,
    FailedAttempt,
    Ledger,
    LedgerEntry,
    PricedRequest,
    Tariff,
    TeacherReply,
    TeacherRequest,
    Worker,
)
from drp.teacher.transport.errors import AnswersElsewhereError
from drp.teacher.transport.retry_policy import RequestFault

Archive: TypeAlias = Callable[[Sequence[str]], Mapping[str, str | None]]
"""Reads the raw replies of exported requests from the lake, by request id."""


@dataclass(frozen=True)
class LedgerSession:
    """One worker of one run, working with the ledger."""

    ledger: Ledger
    worker: Worker
    run_id: str
    prices: Prices
    cap: Decimal | None
    """USD that the run may spend; None: no limit."""
    archive: Archive
    in_batch: bool = False

    def cost(self, answer: Completion) -> Decimal | None:
        """Return the cost of an answer in USD; None if the provider did not report its tokens."""
        return Tariff(self.prices, self.in_batch).cost(answer.usage) if answer.usage else None

    def failed(self, attempt: Attempt, fault: RequestFault, *, may_retry: bool) -> FailedAttempt:
        """Return the outcome of an attempt without an answer, at the cost of what the provider billed."""
        cost = fault.cost
        if fault.usage is not None:
            cost = Tariff(self.prices, self.in_batch).cost(fault.usage)
        return FailedAttempt(attempt, fault.why, may_retry=may_retry, cost=cost)

    def priced(self, request: TeacherRequest) -> PricedRequest:
        """Return the request with its expected cost."""
        return PricedRequest(request, Tariff(self.prices, self.in_batch).cost(request.estimate))

    def known(self, requests: Sequence[TeacherRequest]) -> dict[str, TeacherReply]:
        """Return the replies to requests that need not be sent: those with an answer and dead ones.

        Returns:
            Replies by request id.

        Raises:
            AnswersElsewhereError: answers were exported to another lake.
        """
        entries = self.ledger.known([request.request_id for request in requests])
        done = {i: entry for i, entry in entries.items() if entry.state in ("landed", "dead")}
        exported = [i for i, entry in done.items() if entry.exported_in and entry.answer]
        texts = self.archive(exported)
        if missing := [i for i in exported if i not in texts]:
            raise AnswersElsewhereError(len(missing))
        return {
            request.request_id: self.reply(request, done[request.request_id], texts)
            for request in requests
            if request.request_id in done
        }

    def reply(
        self, request: TeacherRequest, entry: LedgerEntry, texts: Mapping[str, str | None] | None = None
    ) -> TeacherReply:
        """Return the reply that the ledger has for a request that has ended.

        Args:
            request: the request.
            entry: its entry, with an answer or a problem.
            texts: texts of exported answers, by request id.
        """
        if entry.answer is None:
            return TeacherReply.dead(request, entry.problem)
        text = (texts or {}).get(request.request_id, entry.answer.text)
        return TeacherReply(request, Completion(**{**vars(entry.answer), "text": text}))

    def claim(self, requests: Sequence[TeacherRequest]) -> Claim:
        """Claim unclaimed requests for this worker, up to the remaining budget."""
        claim = self.ledger.claim(
            [self.priced(request) for request in requests],
            self.worker,
            run_id=self.run_id,
            backend="online",
            cap=self.cap,
        )
        if claim.others:
            self.ledger.recover()
        return claim

    def release(self, attempts: Sequence[Attempt]) -> None:
        """Release requests that were claimed and never sent."""
        self.ledger.release(attempts)

    def write(self, outcomes: Sequence[CompletedAttempt | FailedAttempt]) -> None:
        """Record the outcomes of attempts."""
        self.ledger.land([outcome for outcome in outcomes if isinstance(outcome, CompletedAttempt)])
        self.ledger.fail([outcome for outcome in outcomes if isinstance(outcome, FailedAttempt)])
