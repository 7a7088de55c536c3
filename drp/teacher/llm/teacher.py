"""An LLM as a teacher: drafts become requests, replies become steps, decisions and revisions.

An answer that is no answer (cut, refused, filtered, empty, not the JSON that was asked for, steps that do not
cover the trace) is in the ledger like any other. It is followed by one request more, which differs: with more
room after a cut, else with the fault named. What comes of that is the draft's, or its refusal.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, TypeVar
from urllib.parse import urlsplit

from drp.config import DecompositionKind
from drp.core import Draft, Refusal
from drp.ledger import CARRIED, Completion, TeacherReply, TeacherRequest
from drp.teacher.llm.parse import whole
from drp.teacher.llm.reply_schemas import UnusableReplyError
from drp.teacher.llm.request_builder import PromptStrategy, RequestBuilder
from drp.teacher.transport.protocol import Driver

T = TypeVar("T")

ROOMIER = 4.0
"""The room of a second request after a cut, over that of the first."""

_RefusalReason: TypeAlias = Literal["uncovered", "malformed", "truncated", "unanswered"]


@dataclass(frozen=True)
class _PendingDraft:
    draft: Draft
    fault: str | None = None
    roomier: float = 1.0
    is_second: bool = False


class LlmTeacher:
    """Implements `drp.teacher.protocol.Teacher`.

    Args:
        asker: makes requests of drafts, for one model.
        driver: brings requests there and answers back.
    """

    def __init__(self, asker: RequestBuilder, driver: Driver) -> None:
        self._asker, self._driver = asker, driver

    @property
    def name(self) -> str:
        """Host and model: the same whether it is asked online or in batches."""
        profile = self._asker.profile
        return f"{urlsplit(profile.base_url).netloc}/{profile.model}"

    @property
    def prompt_version(self) -> str:
        """Versions of all prompts that it uses."""
        return self._asker.prompt_version

    def decompose(self, drafts: Iterable[Draft], kind: DecompositionKind) -> Iterator[Draft]:
        """Steps from the teacher; in mode `fused`, the decisions and the revision of the same reply too."""
        asker = replace(self._asker, kind=kind)
        if kind == "none" and asker.asking != "fused":
            return (replace(draft, steps=whole(draft.trace)) for draft in drafts)
        return self._answered(drafts, asker.decomposing)

    def revise(self, drafts: Iterable[Draft]) -> Iterator[Draft]:
        """Decisions and the revision, unless the draft has them."""
        return self._answered(drafts, self._asker.revising)

    def _answered(self, drafts: Iterable[Draft], way: PromptStrategy) -> Iterator[Draft]:
        """Each draft with what was asked for, as the replies come."""
        passed: deque[Draft] = deque()  # nothing is asked about these
        again: deque[_PendingDraft] = deque()
        asked: dict[str, list[_PendingDraft]] = defaultdict(list)

        def first() -> Iterator[_PendingDraft]:
            for draft in drafts:
                yield from _emptied(again)
                if draft.refusal or draft.revision:
                    passed.append(draft)
                elif not draft.trace.thinking.strip():
                    passed.append(replace(draft, refusal=Refusal("malformed", "the thinking is empty")))
                else:
                    yield _PendingDraft(draft)

        def requests(jobs: Iterable[_PendingDraft]) -> Iterator[TeacherRequest]:
            for job in jobs:
                request = self._asker.request(way, job.draft, fault=job.fault, roomier=job.roomier)
                asked[request.request_id].append(job)
                yield request

        jobs: Iterator[_PendingDraft] = first()
        while True:
            for reply in self._driver.replies(requests(jobs)):
                done = self._done(_taken(asked, reply.request.request_id), reply, way)
                if isinstance(done, Draft):
                    yield done
                else:
                    again.append(done)
                yield from _emptied(passed)
            yield from _emptied(passed)
            if not again:
                return
            jobs = _emptied(again)

    def _done(self, job: _PendingDraft, reply: TeacherReply, way: PromptStrategy) -> Draft | _PendingDraft:
        """The draft, filled in or refused; or the job that asks once more."""
        if reply.answer is None:
            if reply.problem == CARRIED:
                return replace(job.draft, is_carried=True)
            return replace(job.draft, refusal=Refusal("unanswered", reply.problem or "no answer"))
        try:
            return way.read(job.draft, _text(reply.answer))
        except _NoTextError as error:
            reason: _RefusalReason = error.reason
            fault, named = error.fault, None
            roomier = ROOMIER if reason == "truncated" else 1.0
        except UnusableReplyError as error:
            reason, fault, named, roomier = error.reason, error.fault, error.fault, 1.0
        if not job.is_second:
            return _PendingDraft(job.draft, named or f"{fault}.", roomier, is_second=True)
        return replace(job.draft, refusal=Refusal(reason, f"the teacher's second answer: {fault}"))


class _NoTextError(Exception):
    """An answer without a whole text."""

    def __init__(self, reason: Literal["truncated", "unanswered"], fault: str) -> None:
        super().__init__(fault)
        self.reason: Literal["truncated", "unanswered"] = reason
        self.fault = fault


def _text(answer: Completion) -> str:
    if answer.finish_reason == "length":
        raise _NoTextError("truncated", "it was cut at its limit of tokens")
    if answer.refusal:
        raise _NoTextError("unanswered", f"the teacher refused: {answer.refusal[:200]}")
    if answer.finish_reason == "content_filter":
        raise _NoTextError("unanswered", "the provider filtered it")
    if not answer.text or not answer.text.strip():
        raise _NoTextError("unanswered", "it was empty")
    return answer.text


def _emptied(items: deque[T]) -> Iterator[T]:
    while items:
        yield items.popleft()


def _taken(asked: dict[str, list[_PendingDraft]], request_id: str) -> _PendingDraft:
    """One of the jobs that wait for this request: two rollouts may ask the same."""
    job = asked[request_id].pop()
    if not asked[request_id]:
        del asked[request_id]
    return job
