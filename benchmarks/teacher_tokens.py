"""What the four ways of asking a teacher cost, on recorded traces whose thinking is closed and answer right.

    .venv/bin/python -m benchmarks.teacher_tokens ../shared/data/traces.parquet [--limit 60] [--kind skill]

`verbatim` is the paper's way (Appendix E): the first request writes every step out again with its skill; the
second gives each step an action and a reason, a compressed one its text, and then writes the whole revised
explanation. A kept step is not written a third time, though the paper leaves that open. `indexed` asks
twice by number and puts the thinking together in code; `fused` asks once, and so does
`fused-synthesis`, whose reply also writes the whole revised thinking.

Every request is built as for a provider and answered by the stand-in of the tests, which thinks with the
heuristic teacher; where that refuses a trace, all of it is kept. Tokens are counted by the stand-in's
tokenizer, examples and schemas among them. Exit status 1 when a ratio is over 0.5 or the steps differ."""

import argparse
import random
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from benchmarks.teacher_quality import eligible
from drp.config.decomposition import DecompositionKind
from drp.core.records import Draft, Step, StudentTrace
from drp.teacher.heuristic import HeuristicTeacher
from drp.teacher.llm.messages import PromptRequest, TwoPass, build_decompose, build_fused, build_revise
from drp.teacher.llm.parse import read_decompose, read_fused, read_revise
from tests.fake_provider.completions import CACHE_FROM, CACHE_STEP, Mind
from tests.fake_provider.config import Config
from tests.fake_provider.reply_text import count_tokens, think

LIMIT = 0.5
PRICES = {"prompt": 2.5, "cached": 1.25, "completion": 10.0}
"""USD per million tokens, of a common list; only their proportions matter here."""
TOKENIZER = Mind(Config())


@dataclass
class Bill:
    """Tokens of one stage, summed; `cached` is the part of `prompt` that a provider's cache had."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0
    expected: int = 0

    @property
    def tokens(self) -> int:
        """Prompt and completion, cached or not."""
        return self.prompt + self.completion

    @property
    def at_cached_price(self) -> float:
        """Tokens, a cached one counted at its share of the price."""
        return self.tokens - self.cached * (1 - PRICES["cached"] / PRICES["prompt"])

    @property
    def usd(self) -> float:
        """Money."""
        fresh = (self.prompt - self.cached) * PRICES["prompt"]
        return (fresh + self.cached * PRICES["cached"] + self.completion * PRICES["completion"]) / 1e6

    def __add__(self, other: "Bill") -> "Bill":
        return Bill(*(a + b for a, b in zip(vars(self).values(), vars(other).values(), strict=True)))


Bills = dict[tuple[str, str], Bill]


def answered(ask: PromptRequest, asking: str, bills: Bills) -> str:
    """The stand-in's reply, billed."""
    form = {"type": "json_schema", "json_schema": ask.schema}
    body = {"messages": ask.messages, "response_format": form}
    text = think(body)
    same_for_all = TOKENIZER.prompt_tokens(body | {"messages": ask.messages[:-1]})
    cached = same_for_all // CACHE_STEP * CACHE_STEP if same_for_all >= CACHE_FROM else 0
    expected = ask.expected_prompt_tokens + ask.expected_completion_tokens
    bills[asking, ask.stage] += Bill(TOKENIZER.prompt_tokens(body), cached, count_tokens(text), expected)
    return text


def two_pass(trace: StudentTrace, kind: DecompositionKind, asking: TwoPass, bills: Bills) -> tuple[Step, ...]:
    """Steps of a trace that went through both requests."""
    reply = answered(build_decompose(trace, kind, asking, structured=True), asking, bills)
    draft = Draft(trace, read_decompose(trace, kind, asking, reply))
    read_revise(draft, asking, answered(build_revise(draft, asking, structured=True), asking, bills))
    return tuple(draft.steps)


def is_cut(trace: StudentTrace, kind: DecompositionKind) -> bool:
    """Whether the heuristic teacher prunes it."""
    teacher = HeuristicTeacher()
    drafts = teacher.revise(teacher.decompose([Draft(trace)], kind))
    return next(drafts).revision is not None


def table(bills: Bills, traces: int) -> dict[str, float]:
    """Print the bills per trace; the ratios in tokens to verbatim."""
    print(f"{'':<28}{'prompt':>9}{'completion':>12}{'tokens':>9}{'expected':>10}  a trace")
    totals: dict[str, Bill] = defaultdict(Bill)
    for (asking, stage), bill in sorted(bills.items(), reverse=True):
        totals[asking] += bill
        counts = (
            f"{bill.prompt / traces:>9,.0f}{bill.completion / traces:>12,.0f}{bill.tokens / traces:>9,.0f}"
        )
        print(f"{asking:<16}{stage:<12}{counts}{bill.expected / bill.tokens:>10.3f}  of the bill")
    paper = totals["verbatim"]
    ratios = {}
    for asking in ("indexed", "fused", "fused-synthesis"):
        bill = totals[asking]
        ratios[asking] = bill.tokens / paper.tokens
        at_cached = bill.at_cached_price / paper.at_cached_price
        print(
            f"{asking:<16}/ verbatim  {ratios[asking]:.3f} of the billed tokens, {at_cached:.3f} with cached "
            f"ones at their price, {bill.usd / paper.usd:.3f} of the money"
        )
    return ratios


def main() -> int:
    """Print tokens and ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("traces", type=Path)
    parser.add_argument("--kind", default="skill", choices=("skill", "step", "sentence"))
    parser.add_argument("--limit", type=int, help="so many traces, drawn at random")
    arguments = parser.parse_args()

    traces = eligible(arguments.traces)
    if arguments.limit and arguments.limit < len(traces):
        traces = random.Random(0).sample(traces, arguments.limit)  # noqa: S311
    every: Bills = defaultdict(Bill)
    pruned: Bills = defaultdict(Bill)
    differing = cut = 0
    for trace in traces:
        bills: Bills = defaultdict(Bill)
        steps = {
            two_pass(trace, arguments.kind, "verbatim", bills),
            two_pass(trace, arguments.kind, "indexed", bills),
            read_fused(
                trace,
                arguments.kind,
                answered(build_fused(trace, arguments.kind, structured=True), "fused", bills),
            )[0],
            read_fused(
                trace,
                arguments.kind,
                answered(
                    build_fused(trace, arguments.kind, structured=True, is_synthesised=True),
                    "fused-synthesis",
                    bills,
                ),
                is_synthesised=True,
            )[0],
        }
        differing += len(steps) != 1
        is_pruned = is_cut(trace, arguments.kind)
        cut += is_pruned
        for key, bill in bills.items():
            every[key] += bill
            if is_pruned:
                pruned[key] += bill
    print(f"{len(traces)} traces, kind {arguments.kind}; steps differ between the askings in {differing}\n")
    ratios = table(every, len(traces))
    print(f"\nThe {cut} of them that the heuristic teacher prunes:")
    table(pruned, cut)
    over = [asking for asking, ratio in ratios.items() if ratio > LIMIT]
    print(f"\nlimit {LIMIT} of the billed tokens: {', '.join(over) or 'none'} over it")
    return 1 if over or differing else 0


if __name__ == "__main__":
    raise SystemExit(main())
