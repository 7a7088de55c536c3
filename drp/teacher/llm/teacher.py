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

from drp.core.records import DecompositionKind, Draft, Refusal
from drp.ledger.completions import CARRIED, Answer, Reply, TeacherRequest
from drp.teacher.llm.parse import whole
from drp.teacher.llm.reply_schemas import UnusableReplyError
from drp.teacher.llm.request_builder import Asker, Way
from drp.teacher.transport.protocol import Driver

T = TypeVar("T")

ROOMIER = 4.0
"""The room of a second request after a cut, over that of the first."""

_Reason: TypeAlias = Literal["uncovered", "malformed", "truncated", "unanswered"]


@dataclass(frozen=True)
class _Job:
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

    def __init__(self, asker: Asker, driver: Driver) -> None:
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
        """Steps from the teacher; the decisions that came with them stay in the ledger until `revise`."""
        asker = replace(self._asker, kind=kind)
        if kind == "none" and asker.asking != "fused":
            return (replace(draft, steps=whole(draft.trace)) for draft in drafts)
        return self._answered(drafts, asker.decomposing)

    def revise(self, drafts: Iterable[Draft]) -> Iterator[Draft]:
        """Decisions and the revision."""
        return self._answered(drafts, self._asker.revising)

    def synthesise(self, drafts: Iterable[Draft]) -> Iterator[Draft]:
        """The revision came with the decisions."""
        return iter(drafts)

    def _answered(self, drafts: Iterable[Draft], way: Way) -> Iterator[Draft]:
        """Each draft with what was asked for, as the replies come."""
        passed: deque[Draft] = deque()  # nothing is asked about these
        again: deque[_Job] = deque()
        asked: dict[str, list[_Job]] = defaultdict(list)

        def first() -> Iterator[_Job]:
            for draft in drafts:
                yield from _emptied(again)
                if draft.refusal:
                    passed.append(draft)
                elif not draft.trace.thinking.strip():
                    passed.append(replace(draft, refusal=Refusal("malformed", "the thinking is empty")))
                else:
                    yield _Job(draft)

        def requests(jobs: Iterable[_Job]) -> Iterator[TeacherRequest]:
            for job in jobs:
                request = self._asker.request(way, job.draft, fault=job.fault, roomier=job.roomier)
                asked[request.request_id].append(job)
                yield request

        jobs: Iterator[_Job] = first()
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

    def _done(self, job: _Job, reply: Reply, way: Way) -> Draft | _Job:
        """The draft, filled in or refused; or the job that asks once more."""
        if reply.answer is None:
            if reply.problem == CARRIED:
                return replace(job.draft, is_carried=True)
            return replace(job.draft, refusal=Refusal("unanswered", reply.problem or "no answer"))
        try:
            return way.read(job.draft, _text(reply.answer))
        except _NoTextError as error:
            reason: _Reason = error.reason
            fault, named = error.fault, None
            roomier = ROOMIER if reason == "truncated" else 1.0
        except UnusableReplyError as error:
            reason, fault, named, roomier = error.reason, error.fault, error.fault, 1.0
        if not job.is_second:
            return _Job(job.draft, named or f"{fault}.", roomier, is_second=True)
        return replace(job.draft, refusal=Refusal(reason, f"the teacher's second answer: {fault}"))


class _NoTextError(Exception):
    """An answer without a whole text."""

    def __init__(self, reason: Literal["truncated", "unanswered"], fault: str) -> None:
        super().__init__(fault)
        self.reason: Literal["truncated", "unanswered"] = reason
        self.fault = fault


def _text(answer: Answer) -> str:
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


def _taken(asked: dict[str, list[_Job]], request_id: str) -> _Job:
    """One of the jobs that wait for this request: two rollouts may ask the same."""
    job = asked[request_id].pop()
    if not asked[request_id]:
        del asked[request_id]
    return job
