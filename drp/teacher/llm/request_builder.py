"""Build requests from drafts and parse replies into drafts, for one model and one prompt mode.

`fused`: one request for steps, decisions and revision.
`indexed` and `verbatim`: two requests, as in the paper (sections 3.1 and 3.2, appendix E).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from drp.config import DecompositionKind, PromptMode, TeacherProfile
from drp.core import Draft, Step, StudentTrace
from drp.ledger import TeacherRequest, Usage
from drp.teacher.llm.messages import PromptRequest, build_decompose, build_fused, build_revise
from drp.teacher.llm.parse import read_decompose, read_fused, read_revise
from drp.teacher.llm.prompts import prompt_version
from drp.traces import unit_ends

_UNITS_PER_STEP = {"skill": 1, "step": 2, "sentence": 1}


@dataclass(frozen=True)
class PromptStrategy:
    """How one method of a teacher builds the prompt for a draft and parses the reply.

    `build` takes the draft and, for a second attempt, `fault` and `max_tokens_factor`. `parse` returns the
    draft with the content of the reply, or raises UnusableReplyError.
    """

    build: Callable[..., PromptRequest]
    parse: Callable[[Draft, str], Draft]


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
    def decomposing(self) -> PromptStrategy:
        """The strategy for the steps; in mode `fused`, for decisions and revision too."""
        mode, kind = self.prompt_mode, self.kind
        if mode == "fused":

            def parse_fused(draft: Draft, text: str) -> Draft:
                steps, decisions, revision = read_fused(draft.trace, kind, text)
                return replace(draft, steps=steps, decisions=decisions, revision=revision)

            return PromptStrategy(
                lambda draft, **options: build_fused(draft.trace, kind, **options), parse_fused
            )
        return PromptStrategy(
            lambda draft, **options: build_decompose(draft.trace, kind, mode, **options),
            lambda draft, text: replace(draft, steps=read_decompose(draft.trace, kind, mode, text)),
        )

    @property
    def revising(self) -> PromptStrategy:
        """The strategy for decisions and revision, if the first request did not include them."""
        mode = self.prompt_mode
        if mode == "fused":
            return self.decomposing

        def parse_revision(draft: Draft, text: str) -> Draft:
            decisions, revision = read_revise(draft, mode, text)
            return replace(draft, decisions=decisions, revision=revision)

        return PromptStrategy(lambda draft, **options: build_revise(draft, mode, **options), parse_revision)

    def request(
        self,
        strategy: PromptStrategy,
        draft: Draft,
        *,
        fault: str | None = None,
        max_tokens_factor: float = 1.0,
        most_tokens: int | None = None,
    ) -> TeacherRequest:
        """Build one request for a draft.

        Args:
            strategy: builds the prompt.
            draft: the draft.
            fault: what was wrong with the first reply.
            max_tokens_factor: factor on the limit of the reply's tokens, after a cut.
            most_tokens: a lower limit of the reply's tokens, after the provider had no room for more.
        """
        structured = "json_schema" in self.profile.supports
        prompt = strategy.build(
            draft, structured=structured, fault=fault, max_tokens_factor=max_tokens_factor
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
        if self.prompt_mode == "fused" or self.kind != "none":
            yield self.request(self.decomposing, draft)
        if self.prompt_mode != "fused":
            yield self.request(self.revising, replace(draft, steps=self._likely_steps(trace)))

    def _likely_steps(self, trace: StudentTrace) -> tuple[Step, ...]:
        ends = unit_ends(trace.thinking)
        size = _UNITS_PER_STEP.get(self.kind, len(ends))
        ends = (*ends[size - 1 :: size], *ends[-1:] * (len(ends) % size > 0))
        pairs = zip((0, *ends), ends, strict=False)
        return tuple(Step(start, end, "arithmetic", "arithmetic") for start, end in pairs)
