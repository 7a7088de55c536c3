"""A night's books: what one teacher asks of the ledger, with the night's prices and cap."""

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
    TeacherReply,
    TeacherRequest,
    Worker,
    cost,
)
from drp.teacher.transport.errors import AnswersElsewhereError

Archive: TypeAlias = Callable[[Sequence[str]], Mapping[str, str | None]]
"""Raw replies of requests that were exported, from the lake."""


@dataclass(frozen=True)
class LedgerSession:
    """One worker of one night at the ledger."""

    ledger: Ledger
    worker: Worker
    run_id: str
    prices: Prices
    cap: Decimal | None
    """USD that the night may spend; None: no limit."""
    archive: Archive
    in_batch: bool = False

    def cost(self, answer: Completion) -> Decimal | None:
        """USD of an answer; None where the provider did not say how many tokens it was."""
        return cost(self.prices, answer.usage, in_batch=self.in_batch) if answer.usage else None

    def wanted(self, request: TeacherRequest) -> PricedRequest:
        """The request with what it is expected to cost."""
        return PricedRequest(request, cost(self.prices, request.estimate, in_batch=self.in_batch))

    def known(self, requests: Sequence[TeacherRequest]) -> dict[str, TeacherReply]:
        """Replies to those that have landed or are dead, by request id: nothing is asked for them."""
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
        """What the ledger knows of a request that has ended."""
        if entry.answer is None:
            return TeacherReply(request, None, f"dead: {entry.problem}")
        text = (texts or {}).get(request.request_id, entry.answer.text)
        return TeacherReply(request, Completion(**{**vars(entry.answer), "text": text}))

    def claim(self, requests: Sequence[TeacherRequest]) -> Claim:
        """Make these this worker's as far as they are nobody's and the money goes."""
        claim = self.ledger.claim(
            [self.wanted(request) for request in requests],
            self.worker,
            run_id=self.run_id,
            backend="online",
            cap=self.cap,
        )
        if claim.others:
            self.ledger.recover()
        return claim

    def release(self, attempts: Sequence[Attempt]) -> None:
        """Give back what was claimed and never sent."""
        self.ledger.release(attempts)

    def write(self, outcomes: Sequence[CompletedAttempt | FailedAttempt]) -> None:
        """Write down what came of attempts."""
        self.ledger.land([outcome for outcome in outcomes if isinstance(outcome, CompletedAttempt)])
        self.ledger.fail([outcome for outcome in outcomes if isinstance(outcome, FailedAttempt)])
