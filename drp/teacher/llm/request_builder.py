"""Build requests from drafts and parse replies into drafts, for one model and one prompt mode.

`fused` and `fused-synthesis`: one request for steps, decisions and revision.
`indexed` and `verbatim`: two requests, as in the paper (sections 3.1 and 3.2, appendix E).

A trace that does not fit into one request is sent in windows (`drp.teacher.llm.windows`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from drp.config import DecompositionKind, PromptMode, TeacherProfile
from drp.core import Draft, Revision, Step, StudentTrace
from drp.ledger import TeacherRequest, Usage
from drp.teacher.llm.messages import PromptRequest, build_decompose, build_fused, build_revise
from drp.teacher.llm.parse import (
    read_decompose,
    read_fused,
    read_fused_part,
    read_revise,
    read_revise_part,
    revision_of,
)
from drp.teacher.llm.prompts import prompt_version
from drp.teacher.llm.text_checks import checked
from drp.teacher.llm.token_estimate import estimated_tokens
from drp.teacher.llm.windows import OVERLAP, Capacity, TraceWindow, merged, windows
from drp.traces import unit_ends

_UNITS_PER_STEP = {"skill": 1, "step": 2, "sentence": 1}
_MARK_TOKENS = 2  # `§7 ` before a unit


@dataclass(frozen=True)
class PromptStrategy:
    """How one method of a teacher builds the prompt for a draft and parses the reply.

    `build` takes the draft and, where needed, `fault`, `max_tokens_factor` and `part`. `parse` returns the
    draft with the content of the reply; `parse_part` does so for a window, whose revision has no thinking.
    Both raise UnusableReplyError.
    """

    build: Callable[..., PromptRequest]
    parse: Callable[[Draft, str], Draft]
    parse_part: Callable[[Draft, str], Draft]


@dataclass(frozen=True)
class RequestBuilder:
    """Builds the requests of one teacher."""

    profile: TeacherProfile
    prompt_mode: PromptMode
    kind: DecompositionKind

    @property
    def prompt_version(self) -> str:
        """Versions of all prompts in use."""
        return prompt_version(self.prompt_mode)

    @property
    def is_fused(self) -> bool:
        """Whether one reply has steps, decisions and revision."""
        return self.prompt_mode in ("fused", "fused-synthesis")

    @property
    def decomposing(self) -> PromptStrategy:
        """The strategy for the steps; in mode `fused`, for decisions and revision too."""
        mode, kind = self.prompt_mode, self.kind
        if mode == "fused" or mode == "fused-synthesis":
            is_synthesised = mode == "fused-synthesis"

            def parse_fused(draft: Draft, text: str) -> Draft:
                steps, decisions, revision = read_fused(
                    draft.trace, kind, text, is_synthesised=is_synthesised
                )
                return replace(draft, steps=steps, decisions=decisions, revision=revision)

            def parse_part(draft: Draft, text: str) -> Draft:
                steps, decisions, response = read_fused_part(
                    draft.trace, kind, text, is_synthesised=is_synthesised
                )
                return replace(draft, steps=steps, decisions=decisions, revision=Revision("", response))

            return PromptStrategy(
                lambda draft, **options: build_fused(
                    draft.trace, kind, is_synthesised=is_synthesised, **options
                ),
                parse_fused,
                parse_part,
            )

        def parse_steps(draft: Draft, text: str) -> Draft:
            return replace(draft, steps=read_decompose(draft.trace, kind, mode, text))

        return PromptStrategy(
            lambda draft, **options: build_decompose(draft.trace, kind, mode, **options),
            parse_steps,
            parse_steps,
        )

    @property
    def revising(self) -> PromptStrategy:
        """The strategy for decisions and revision, if the first request did not include them."""
        mode = self.prompt_mode
        if mode == "fused" or mode == "fused-synthesis":
            return self.decomposing

        def parse_revision(draft: Draft, text: str) -> Draft:
            decisions, revision = read_revise(draft, mode, text)
            return replace(draft, decisions=decisions, revision=revision)

        def parse_part(draft: Draft, text: str) -> Draft:
            decisions, response = read_revise_part(draft, mode, text)
            return replace(draft, decisions=decisions, revision=Revision("", response))

        return PromptStrategy(
            lambda draft, **options: build_revise(draft, mode, **options), parse_revision, parse_part
        )

    def windows(self, strategy: PromptStrategy, draft: Draft) -> list[TraceWindow]:
        """Return the windows in which a draft is sent: one if it fits into one request.

        The pieces are units for a draft without steps, otherwise steps.
        """
        prompt = self._prompt(strategy, draft)
        limits, thinking = self.profile.limits, draft.trace.thinking
        capacity = Capacity(limits.context, limits.output_tokens)
        expected = (prompt.expected_prompt_tokens, prompt.expected_completion_tokens)
        if capacity.share(expected[0], 0, expected[1]) >= 1.0:
            return [TraceWindow(1, 1, 0, draft)]
        ends = [step.char_end for step in draft.steps] or unit_ends(thinking)
        sizes = [_MARK_TOKENS + estimated_tokens(thinking[a:b]) for a, b in pairwise((0, *ends))]
        share = capacity.share(expected[0], sum(sizes), expected[1])
        return windows(draft, ends, sizes, share, 0 if self.kind == "none" else OVERLAP)

    def parsed(self, strategy: PromptStrategy, window: TraceWindow, text: str) -> Draft:
        """Return a window's draft with the content of the reply.

        Raises:
            UnusableReplyError: the reply cannot be used.
        """
        if window.count == 1:
            return strategy.parse(window.draft, text)
        draft = strategy.parse_part(window.draft, text)
        if window.is_last and draft.revision is not None:
            checked(draft.revision.response, "the response", draft.trace)
        return draft

    def whole(self, draft: Draft, parts: Sequence[tuple[TraceWindow, Draft]]) -> Draft:
        """Return a draft with the results of all its windows, in order.

        Raises:
            UnusableReplyError: nothing of the thinking is left.
        """
        steps, decisions = merged([(window.start, part) for window, part in parts])
        last = parts[-1][1].revision
        if last is None:
            return replace(draft, steps=steps)
        revision = revision_of(draft.trace, steps, decisions, last.response)
        return replace(draft, steps=steps, decisions=decisions, revision=revision)

    def request(
        self,
        strategy: PromptStrategy,
        window: TraceWindow,
        *,
        fault: str | None = None,
        max_tokens_factor: float = 1.0,
        most_tokens: int | None = None,
    ) -> TeacherRequest:
        """Build one request.

        Args:
            strategy: builds the prompt.
            window: the draft, or a part of it.
            fault: what was wrong with the first reply.
            max_tokens_factor: factor on the limit of the reply's tokens, after a cut.
            most_tokens: a lower limit of the reply's tokens, after the provider had no room for more.
        """
        part = (window.number, window.count) if window.count > 1 else None
        prompt = self._prompt(
            strategy, window.draft, fault=fault, max_tokens_factor=max_tokens_factor, part=part
        )
        body: dict[str, object] = {
            "model": self.profile.model,
            "messages": [dict(message) for message in prompt.messages],
            self.profile.limit_field: self._most_tokens(prompt, most_tokens),
            **self.profile.sampling.model_dump(exclude_none=True),
            **self.profile.extra_body,
        }
        if prompt.schema is not None:
            body["response_format"] = {"type": "json_schema", "json_schema": dict(prompt.schema)}
        estimate = Usage(prompt.expected_prompt_tokens, 0, prompt.expected_completion_tokens)
        return TeacherRequest(prompt.stage, self.profile.base_url, body, prompt.prompt_version, estimate)

    def _prompt(self, strategy: PromptStrategy, draft: Draft, **options: object) -> PromptRequest:
        return strategy.build(draft, structured="json_schema" in self.profile.supports, **options)

    def _most_tokens(self, prompt: PromptRequest, most_tokens: int | None) -> int:
        limits = self.profile.limits
        bounds = [prompt.max_completion_tokens, limits.output_tokens]
        if limits.context is not None:
            bounds.append(limits.context - prompt.expected_prompt_tokens)
        return max(1, min([*bounds, *([] if most_tokens is None else [most_tokens])]))

    def expected(self, trace: StudentTrace) -> Iterator[TeacherRequest]:
        """Yield the first requests about a trace, to estimate their cost.

        A request for the revision is built from likely steps, because the true ones are not known yet.
        """
        if not trace.thinking.strip():
            return
        draft = Draft(trace)
        if self.is_fused or self.kind != "none":
            yield from self._requests(self.decomposing, draft)
        if not self.is_fused:
            yield from self._requests(self.revising, replace(draft, steps=self._likely_steps(trace)))

    def _requests(self, strategy: PromptStrategy, draft: Draft) -> Iterator[TeacherRequest]:
        return (self.request(strategy, window) for window in self.windows(strategy, draft))

    def _likely_steps(self, trace: StudentTrace) -> tuple[Step, ...]:
        ends = unit_ends(trace.thinking)
        size = _UNITS_PER_STEP.get(self.kind, len(ends))
        ends = (*ends[size - 1 :: size], *ends[-1:] * (len(ends) % size > 0))
        pairs = zip((0, *ends), ends, strict=False)
        return tuple(Step(start, end, "arithmetic", "arithmetic") for start, end in pairs)
