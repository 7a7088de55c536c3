"""What the paper's runs cost, take and need: prints the tables of docs/how-to/reproduce-the-papers-run.md.

    python infra/paper_run_costs.py

Arithmetic on the shapes of the two students, on figures of the paper (Tables 1 and 7) and on tokens that
benchmarks/teacher_tokens.py measured. What is assumed rather than known is named in capitals below.
"""

from dataclasses import dataclass

from drp.config import Recipe, find_profile, load_recipe
from drp.ledger import Usage
from drp.ledger.completion_cost import Tariff

SHARES = {"gsm8k": 7_473 / 19_469, "prm12k": 11_996 / 19_469}
"""Questions are taken in the order of a hash: of each set by its size."""
ASKED = {
    "verbatim": Usage(10_700, 0, 6_300),
    "fused-synthesis": Usage(5_974, 0, 2_224),
    "fused": Usage(5_666, 0, 878),
}
"""Tokens of a trace by prompt mode (docs/teachers.md)."""
BENCHMARKS = {"gsm8k": 1_319, "math500": 500, "aime24": 30, "amc23": 40}
NO_CUTOFF = {"gsm8k": 1.0, "math500": 5_435 / 2_486, "aime24": 54_339 / 8_674, "amc23": 18_736 / 4_845}
"""Tokens without the cut-off over those with it: Table 7, for 7B before training; ASSUMED for all."""

ACCEPTED = 0.85
"""ASSUMED: of the right rollouts, those whose revision passes the gates and is no longer than max_length."""
PROMPT = 110
"""ASSUMED: tokens of a question with its template."""
BANDWIDTH, COMPUTE = 0.6 * 2.04e12, 0.4 * 312e12
"""ASSUMED shares of what an A100 80GB has, the paper's GPU: bytes a second to decode, FLOP/s to train."""
AT_ONCE = 256
"""Sequences that vLLM decodes side by side."""
STEP_S = 0.005
"""ASSUMED: no decoding step is quicker, however small the model."""
LONGEST = 131_072


@dataclass(frozen=True)
class Shape:
    """A Qwen2; tokens and accuracy by data set are those of Table 1, with the cut-off."""

    layers: int
    hidden: int
    keys: int
    """Width of the keys, and of the values."""
    inner: int
    vocabulary: int
    right: dict[str, float]
    before: dict[str, int]
    after: dict[str, int]

    @property
    def parameters(self) -> int:
        """All of them; head and embedding are not tied."""
        h, k, i = self.hidden, self.keys, self.inner
        layer = 2 * h * h + h + 2 * (h * k + k) + 3 * h * i + 2 * h
        return self.layers * layer + 2 * self.vocabulary * h + h

    @property
    def cache(self) -> int:
        """Bytes of keys and values a token, in 16 bits."""
        return self.layers * 2 * self.keys * 2

    def adapters(self, rank: int) -> int:
        """Parameters of LoRA on all linear layers but the head."""
        h, k, i = self.hidden, self.keys, self.inner
        return self.layers * rank * (2 * (h + h) + 2 * (h + k) + 3 * (h + i))

    @property
    def activations(self) -> int:
        """Bytes a token that a layer keeps for the way back, in 16 bits: what its products and norms read."""
        return 2 * (8 * self.hidden + 2 * self.keys + 4 * self.inner)


SHAPES = {
    "r1_1_5b": Shape(
        28, 1_536, 256, 8_960, 151_936,
        {"gsm8k": 0.707, "prm12k": 0.804},
        {"gsm8k": 1_443, "math500": 3_276, "aime24": 10_484, "amc23": 6_516},
        {"gsm8k": 721, "math500": 2_122, "aime24": 6_135, "amc23": 3_657},
    ),
    "r1_7b": Shape(
        28, 3_584, 512, 18_944, 152_064,
        {"gsm8k": 0.917, "prm12k": 0.924},
        {"gsm8k": 917, "math500": 2_486, "aime24": 8_674, "amc23": 4_845},
        {"gsm8k": 328, "math500": 1_781, "aime24": 4_966, "amc23": 3_258},
    ),
}  # fmt: skip


def main() -> None:
    """Print a column for each run."""
    columns = [figures(load_recipe(name), shape) for name, shape in SHAPES.items()]
    print(f"| | {' | '.join(SHAPES)} |\n|---|{'---|' * len(SHAPES)}")
    for row in columns[0]:
        print(f"| {row} | {' | '.join(column[row] for column in columns)} |")


def figures(recipe: Recipe, shape: Shape) -> dict[str, str]:
    """Of one run, by what they are of."""
    rollouts = recipe.sample_size * recipe.sampling.samples
    sent = rollouts * _mean(shape.right)
    examples = sent * ACCEPTED
    prices = find_profile("openai").prices
    assert prices  # noqa: S101
    usd = {how: float(Tariff(prices, in_batch=True).cost(usage)) * sent for how, usage in ASKED.items()}

    rolled = rollouts * _mean_tokens(shape.before, without_cutoff=True)
    pace = _pace(shape, rolled / rollouts)
    runs = recipe.evaluation.sampling.samples if recipe.evaluation else 0
    measured = runs * sum(
        BENCHMARKS[name] * tokens[name] * NO_CUTOFF[name]
        for tokens in (shape.before, shape.after)
        for name in BENCHMARKS
    )
    tail = 2 * len(BENCHMARKS) * LONGEST * max(STEP_S, 2 * shape.parameters / BANDWIDTH)
    how = recipe.training
    seen = examples * (1 - how.validation_share) * (PROMPT + _mean_tokens(shape.after))
    training = how.epochs * seen * 4 * shape.parameters / COMPUTE  # frozen weights need no gradient

    weights, adapters = 2 * shape.parameters, 16 * shape.adapters(how.lora.rank)
    at_once = how.batch_size * how.max_length
    kept = shape.layers * shape.activations * at_once
    checkpoints = (shape.layers * 2 * shape.hidden + shape.activations) * at_once
    return {
        "rollouts": f"{rollouts:,}",
        "right rollouts, sent to the teacher": f"{sent:,.0f}",
        "training examples": f"{examples:,.0f}",
        "teacher, `verbatim` in batches": f"{usd['verbatim']:,.0f} USD",
        "teacher, `fused-synthesis` in batches": f"{usd['fused-synthesis']:,.0f} USD",
        "teacher, `fused` in batches": f"{usd['fused']:,.0f} USD",
        "tokens per second, 256 sequences at once": f"{pace:,.0f}",
        "rollouts, A100 hours": f"{_hours(rolled / pace + LONGEST * _slowest(shape)):.1f}",
        "training, A100 hours": f"{_hours(training):.1f}",
        "evaluation of base and candidate, A100 hours": f"{_hours(measured / pace + tail):.1f}",
        "parameters": f"{shape.parameters / 1e9:.2f} billion",
        "memory for the weights": f"{_gb(weights)}",
        "memory for one context of 131,072 tokens": f"{_gb(LONGEST * shape.cache)}",
        "memory for training": f"{_gb(weights + adapters + kept)}",
        "memory for training with `gradient_checkpointing`": f"{_gb(weights + adapters + checkpoints)}",
        "CPU memory to merge the adapter": f"{_gb(2 * weights)}",
        "disk for a checkpoint": f"{_gb(weights)}",
    }


def _pace(shape: Shape, length: float) -> float:
    """Tokens a second: each step reads the weights once, and every sequence's keys and values, half full."""
    step = max(STEP_S, (2 * shape.parameters + AT_ONCE * shape.cache * length / 2) / BANDWIDTH)
    return AT_ONCE / step


def _slowest(shape: Shape) -> float:
    """Seconds a token of the last sequence, which is alone."""
    return max(STEP_S, 2 * shape.parameters / BANDWIDTH)


def _mean(by_set: dict[str, float]) -> float:
    return sum(share * by_set[name] for name, share in SHARES.items())


def _mean_tokens(tokens: dict[str, int], *, without_cutoff: bool = False) -> float:
    """Of a response to a question of the night: PRM12K's are MATH's, as are MATH500's."""
    longer = NO_CUTOFF["math500"] if without_cutoff else 1.0
    return SHARES["gsm8k"] * tokens["gsm8k"] + SHARES["prm12k"] * tokens["math500"] * longer


def _hours(seconds: float) -> float:
    return seconds / 3600


def _gb(number: float) -> str:
    return f"{number / 1e9:.1f} GB"


if __name__ == "__main__":
    main()
