"""From drafts to requests and from replies back to drafts, for one model and one way of asking.

`fused`: one request asks for steps, decisions and revision.
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
    """How one method of a teacher asks about a draft, and reads the reply into it.

    `ask` takes the draft and, of a second attempt, `fault` and `roomier`; `read` raises UnusableReplyError.
    """

    ask: Callable[..., PromptRequest]
    read: Callable[[Draft, str], Draft]


@dataclass(frozen=True)
class RequestBuilder:
    """Makes the requests of one teacher."""

    profile: TeacherProfile
    asking: PromptMode
    kind: DecompositionKind

    @property
    def prompt_version(self) -> str:
        """Versions of all prompts in use."""
        return prompt_version(self.asking)

    @property
    def decomposing(self) -> PromptStrategy:
        """For the steps; of `fused`, for the decisions and the revision too."""
        mode, kind = self.asking, self.kind
        if mode == "fused":

            def read_all(draft: Draft, text: str) -> Draft:
                steps, decisions, revision = read_fused(draft.trace, kind, text)
                return replace(draft, steps=steps, decisions=decisions, revision=revision)

            return PromptStrategy(lambda draft, **how: build_fused(draft.trace, kind, **how), read_all)
        return PromptStrategy(
            lambda draft, **how: build_decompose(draft.trace, kind, mode, **how),
            lambda draft, text: replace(draft, steps=read_decompose(draft.trace, kind, mode, text)),
        )

    @property
    def revising(self) -> PromptStrategy:
        """For the decisions and the revision, where decomposing did not ask for them."""
        mode = self.asking
        if mode == "fused":
            return self.decomposing

        def read_second(draft: Draft, text: str) -> Draft:
            decisions, revision = read_revise(draft, mode, text)
            return replace(draft, decisions=decisions, revision=revision)

        return PromptStrategy(lambda draft, **how: build_revise(draft, mode, **how), read_second)

    def request(
        self, way: PromptStrategy, draft: Draft, *, fault: str | None = None, roomier: float = 1.0
    ) -> TeacherRequest:
        """One request; `fault` and `roomier` make a second one different from the first."""
        structured = "json_schema" in self.profile.supports
        ask = way.ask(draft, structured=structured, fault=fault, roomier=roomier)
        body: dict[str, object] = {
            "model": self.profile.model,
            "messages": [dict(message) for message in ask.messages],
            self.profile.limit_field: min(ask.max_completion_tokens, self.profile.limits.output_tokens),
            **self.profile.sampling.model_dump(exclude_none=True),
        }
        if ask.schema is not None:
            body["response_format"] = {"type": "json_schema", "json_schema": dict(ask.schema)}
        estimate = Usage(ask.expected_prompt_tokens, 0, ask.expected_completion_tokens)
        return TeacherRequest(ask.stage, self.profile.base_url, body, ask.prompt_version, estimate)

    def expected(self, trace: StudentTrace) -> Iterator[TeacherRequest]:
        """All first requests about a trace, as far as they can be told before the first reply."""
        if not trace.thinking.strip():
            return
        draft = Draft(trace)
        if self.asking == "fused" or self.kind != "none":
            yield self.request(self.decomposing, draft)
        if self.asking != "fused":
            yield self.request(self.revising, replace(draft, steps=self._likely_steps(trace)))

    def _likely_steps(self, trace: StudentTrace) -> tuple[Step, ...]:
        ends = unit_ends(trace.thinking)
        size = _UNITS_PER_STEP.get(self.kind, len(ends))
        ends = (*ends[size - 1 :: size], *ends[-1:] * (len(ends) % size > 0))
        pairs = zip((0, *ends), ends, strict=False)
        return tuple(Step(start, end, "arithmetic", "arithmetic") for start, end in pairs)
