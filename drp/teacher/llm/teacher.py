"""An LLM as the teacher: drafts become requests, replies become steps, decisions and revisions.

An answer may be unusable: cut off, refused, filtered, empty, not the requested JSON, or with steps that do
not cover the trace. The ledger keeps it like any other answer. The teacher then sends one more request, which
differs from the first: it has a higher token limit after a cut, otherwise it names the fault. If the second
answer is unusable too, the draft is refused.

A request for which the provider has no room (its prompt and its longest reply exceed the model's context) is
sent once more with a lower token limit.

A trace that does not fit into one request is sent in windows; the draft is ready when all of them are. If one
of them is refused, so is the draft.

A revision that can be read but not followed (`drp.derivation`) is sent back once in the same way. The second
one is taken as it is: the row gates judge it, so that its text and all its reasons are stored.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias, TypeVar
from urllib.parse import urlsplit

from drp.config import DecompositionKind
from drp.core import Draft, Refusal
from drp.ledger import CARRIED, Completion, TeacherReply, TeacherRequest
from drp.teacher.llm.context_room import tokens_with_room
from drp.teacher.llm.parse import whole
from drp.teacher.llm.reply_schemas import UnusableReplyError
from drp.teacher.llm.request_builder import PromptStrategy, RequestBuilder
from drp.teacher.llm.text_checks import derivation_fault
from drp.teacher.llm.windows import TraceWindow
from drp.teacher.transport.protocol import Driver

T = TypeVar("T")

MAX_TOKENS_FACTOR = 4.0
"""Factor on the token limit of the second request after the first reply was cut off."""

_RefusalReason: TypeAlias = Literal["uncovered", "malformed", "truncated", "unanswered"]


@dataclass(eq=False)
class _Whole:
    """A draft and the results of its windows."""

    draft: Draft
    parts: dict[int, tuple[TraceWindow, Draft]] = field(default_factory=dict)


@dataclass(frozen=True)
class _PendingWindow:
    whole: _Whole
    window: TraceWindow
    fault: str | None = None
    max_tokens_factor: float = 1.0
    is_second: bool = False
    most_tokens: int | None = None
    """Tokens of the longest reply that the provider has room for, if it had none for the first request."""


class LlmTeacher:
    """Implements `drp.teacher.protocol.Teacher`.

    Args:
        builder: builds requests from drafts, for one model.
        driver: sends requests and returns the answers.
    """

    def __init__(self, builder: RequestBuilder, driver: Driver) -> None:
        self._builder, self._driver = builder, driver

    @property
    def name(self) -> str:
        """Host and model; the same online and in batches."""
        profile = self._builder.profile
        return f"{urlsplit(profile.base_url).netloc}/{profile.model}"

    @property
    def prompt_version(self) -> str:
        """Versions of all prompts in use."""
        return self._builder.prompt_version

    def decompose(self, drafts: Iterable[Draft], kind: DecompositionKind) -> Iterator[Draft]:
        """Fill in the steps; in the `fused` modes, the decisions and the revision of the same reply too."""
        builder = replace(self._builder, kind=kind)
        if kind == "none" and not builder.is_fused:
            return (replace(draft, steps=whole(draft.trace)) for draft in drafts)
        return self._process(drafts, builder.decomposing)

    def revise(self, drafts: Iterable[Draft]) -> Iterator[Draft]:
        """Fill in the decisions and the revision of drafts that have none."""
        return self._process(drafts, self._builder.revising)

    def _process(self, drafts: Iterable[Draft], strategy: PromptStrategy) -> Iterator[Draft]:
        """Yield each draft, filled in or refused, as the replies arrive."""
        done_unsent: deque[Draft] = deque()
        second_tries: deque[_PendingWindow] = deque()
        pending_by_request: dict[str, list[_PendingWindow]] = defaultdict(list)

        def first_tries() -> Iterator[_PendingWindow]:
            for draft in drafts:
                yield from _drain(second_tries)
                if draft.refusal or draft.revision:
                    done_unsent.append(draft)
                elif not draft.trace.thinking.strip():
                    done_unsent.append(replace(draft, refusal=Refusal("malformed", "the thinking is empty")))
                else:
                    whole = _Whole(draft)
                    for window in self._builder.windows(strategy, draft):
                        yield _PendingWindow(whole, window)

        def requests(tries: Iterable[_PendingWindow]) -> Iterator[TeacherRequest]:
            for pending in tries:
                request = self._builder.request(
                    strategy,
                    pending.window,
                    fault=pending.fault,
                    max_tokens_factor=pending.max_tokens_factor,
                    most_tokens=pending.most_tokens,
                )
                pending_by_request[request.request_id].append(pending)
                yield request

        tries: Iterator[_PendingWindow] = first_tries()
        while True:
            for reply in self._driver.replies(requests(tries)):
                pending = _pop(pending_by_request, reply.request.request_id)
                result = self._handle(pending, reply, strategy)
                if isinstance(result, Draft):
                    yield from self._add(pending, result)
                else:
                    second_tries.append(result)
                yield from _drain(done_unsent)
            yield from _drain(done_unsent)
            if not second_tries:
                return
            tries = _drain(second_tries)

    def _add(self, pending: _PendingWindow, result: Draft) -> Iterator[Draft]:
        """Yield the draft of this window if all its windows have a result now."""
        whole, window = pending.whole, pending.window
        if window.count == 1:
            yield result
            return
        whole.parts[window.number] = (window, result)
        if len(whole.parts) < window.count:
            return
        parts = [whole.parts[number] for number in sorted(whole.parts)]
        if any(part.is_carried for _, part in parts):
            yield replace(whole.draft, is_carried=True)
        elif refusals := [(window, part.refusal) for window, part in parts if part.refusal]:
            refused, refusal = refusals[0]
            detail = f"part {refused.number} of {refused.count}: {refusal.detail}"
            yield replace(whole.draft, refusal=replace(refusal, detail=detail))
        else:
            try:
                yield self._builder.whole(whole.draft, parts)
            except UnusableReplyError as error:
                yield replace(whole.draft, refusal=Refusal(error.reason, error.fault))

    def _handle(
        self, pending: _PendingWindow, reply: TeacherReply, strategy: PromptStrategy
    ) -> Draft | _PendingWindow:
        """Return the draft, filled in or refused, or the second try."""
        if reply.answer is None:
            if reply.problem == CARRIED:
                return replace(pending.window.draft, is_carried=True)
            if reply.is_without_room and pending.most_tokens is None:
                asked = int(reply.request.body[self._builder.profile.limit_field])
                return replace(pending, most_tokens=tokens_with_room(reply.problem or "", asked))
            problem = reply.problem or "no answer"
            if reply.is_without_room and self._builder.profile.limits.context is None:
                problem += "; with `limits.context` in the teacher's profile, long traces go in windows"
            return replace(pending.window.draft, refusal=Refusal("unanswered", problem))
        try:
            draft = self._builder.parsed(strategy, pending.window, _text(reply.answer))
            if pending.is_second or pending.window.count > 1:
                return draft  # the row gates reject what is still wrong
            if (fault_found := derivation_fault(draft)) is None:
                return draft
            return replace(pending, fault=fault_found, is_second=True)
        except _NoTextError as error:
            reason: _RefusalReason = error.reason
            fault = error.fault
            prompt_fault = f"{fault}."
            max_tokens_factor = MAX_TOKENS_FACTOR if reason == "truncated" else 1.0
        except UnusableReplyError as error:
            reason, fault, prompt_fault, max_tokens_factor = error.reason, error.fault, error.fault, 1.0
        if not pending.is_second:
            return replace(pending, fault=prompt_fault, max_tokens_factor=max_tokens_factor, is_second=True)
        return replace(pending.window.draft, refusal=Refusal(reason, f"the teacher's second answer: {fault}"))


class _NoTextError(Exception):
    """An answer without a complete text."""

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


def _drain(items: deque[T]) -> Iterator[T]:
    while items:
        yield items.popleft()


def _pop(pending_by_request: dict[str, list[_PendingWindow]], request_id: str) -> _PendingWindow:
    """Remove and return one of the drafts that wait for this request: two rollouts may make the same one."""
    pending = pending_by_request[request_id].pop()
    if not pending_by_request[request_id]:
        del pending_by_request[request_id]
    return pending
