"""Pre-train the small student from scratch and write its folder, in the training environment on one core:

    OMP_NUM_THREADS=1 .venv-training/bin/python -m drp.student.small.pretrain --out FOLDER

It is trained on verbose traces of problems of the split `pretrain`. At first these are mixed with many bare
solutions and drills, which teach it what to compute and how, and later with few. Matrices are trained with
Muon, all other parameters with AdamW. The same seed gives the same weights on the same machine.
"""

import argparse
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch.nn import functional
from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from drp.grading import extract_answer
from drp.questions.generators import draw
from drp.student.engines.decoder import Decoder, Request
from drp.student.small import WEIGHTS, tokenizer, trace_writer

TOKENS = 20_000_000
"""Number of training tokens, not counting prompts."""
BATCH = 4096
"""Tokens per step, including prompts and padding."""
MATRIX_RATE, OTHER_RATE = 0.02, 3e-3
"""Learning rates of Muon and AdamW."""
EMPHASIS = 3.0
"""Loss weight of the tokens that make up numbers."""
DECAY = 0.5
"""Final share of the training in which the learning rates fall to zero."""
TEMPERATURE, TOP_P = 0.6, 0.95
"""Sampling settings of the generation config and of the printed progress."""

_WARM_UP = 20  # steps
_POOL = 512  # problems that are sorted by length together, which keeps padding low
_REPORTS = 8  # progress reports over the whole training
_PROBES = 96  # validation problems per report


class Phase(NamedTuple):
    """Probabilities of each kind of example per problem, until a share of the training is done."""

    until: float
    verbose: float
    bare: float
    drill: float


CURRICULUM = (Phase(0.15, 0.3, 1.0, 0.4), Phase(0.4, 1.0, 0.5, 0.2), Phase(1.0, 1.0, 0.25, 0.04))


class PretrainingExample(NamedTuple):
    """Prompt tokens, and the answer tokens to learn after them."""

    prompt: list[int]
    answer: list[int]

    @property
    def length(self) -> int:
        """Number of tokens of both."""
        return len(self.prompt) + len(self.answer)


def config(vocabulary: int) -> Qwen2Config:
    """Return the architecture: 0.42 million parameters with a vocabulary of 640 entries."""
    return Qwen2Config(
        vocab_size=vocabulary,
        hidden_size=96,
        intermediate_size=288,
        num_hidden_layers=3,
        num_attention_heads=3,
        num_key_value_heads=3,
        max_position_embeddings=tokenizer.CONTEXT,
        tie_word_embeddings=True,
        initializer_range=0.05,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )


def examples(tokens: PreTrainedTokenizerFast, phase: Phase, rng: random.Random) -> Iterator[tuple[str, str]]:
    """Yield the prompts and answers of a pool, as text."""
    for _ in range(_POOL):
        problem = draw(rng, "pretrain")
        if rng.random() < phase.verbose:
            trace = trace_writer.write(rng, problem)
            yield _prompt(tokens, problem.text), f"{trace.thinking}\n{tokenizer.THOUGHT}\n\n{trace.response}"
        if rng.random() < phase.bare:
            question = f"{tokenizer.START}{tokenizer.USER}{problem.text}{tokenizer.ASSISTANT}"
            yield question, trace_writer.write_bare(rng, problem)
        if rng.random() < phase.drill:
            yield tokenizer.START, trace_writer.drill(rng, 20)


def _prompt(tokens: PreTrainedTokenizerFast, question: str) -> str:
    messages = [{"role": "user", "content": question}]
    return str(tokens.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))


def batches(
    tokens: PreTrainedTokenizerFast, phase: Phase, rng: random.Random
) -> Iterator[list[PretrainingExample]]:
    """Yield the batches of a pool, with at most `BATCH` tokens each, in random order."""
    prompts, answers = zip(*examples(tokens, phase, rng), strict=True)
    prompt_ids = tokens(list(prompts), add_special_tokens=False)["input_ids"]
    answer_ids = tokens([answer + tokenizer.END for answer in answers], add_special_tokens=False)["input_ids"]
    pool = sorted(
        (PretrainingExample(*pair) for pair in zip(prompt_ids, answer_ids, strict=True)),
        key=lambda e: e.length,
    )
    packed: list[list[PretrainingExample]] = [[]]
    for example in pool:
        if (len(packed[-1]) + 1) * example.length > BATCH:
            packed.append([])
        packed[-1].append(example)
    rng.shuffle(packed)
    yield from packed


def loss_of(model: Any, batch: Sequence[PretrainingExample], computing: torch.Tensor) -> torch.Tensor:
    """Return the cross-entropy of the answer tokens, weighted by `EMPHASIS` after a token of `computing`.

    The next phrase is often a matter of choice, but the value of 7 * 8 is not, so the gradient should focus
    on the latter. A weight depends only on the input token, so that the optimal distribution stays the same.
    Padding is on the right, where a causal model does not attend to it, so that a mask is not needed.
    """
    longest = max(example.length for example in batch)
    tokens = torch.zeros(len(batch), longest, dtype=torch.long)
    is_taught = torch.zeros(len(batch), longest, dtype=torch.bool)
    for row, (prompt, answer) in enumerate(batch):
        tokens[row, : len(prompt) + len(answer)] = torch.tensor(prompt + answer)
        is_taught[row, len(prompt) : len(prompt) + len(answer)] = True
    inputs, targets, is_taught = tokens[:, :-1], tokens[:, 1:], is_taught[:, 1:]
    hidden = model.model(input_ids=inputs, use_cache=False).last_hidden_state
    losses = functional.cross_entropy(model.lm_head(hidden[is_taught]), targets[is_taught], reduction="none")
    weights = 1 + (EMPHASIS - 1) * computing[inputs[is_taught]]
    return (losses * weights).sum() / weights.sum()


def computing_tokens(tokens: PreTrainedTokenizerFast) -> torch.Tensor:
    """Return 1.0 for tokens after which a number may start or continue: digits, signs and the space."""
    texts = tokens.batch_decode([[number] for number in range(len(tokens))])
    signs = {*"0123456789", *(f" {sign}" for sign in "+-*/="), " "}
    return torch.tensor([float(text in signs) for text in texts])


def accuracy(model: Any, tokens: PreTrainedTokenizerFast, seed: int) -> tuple[float, float]:
    """Return the share of validation problems answered correctly, and the mean tokens per response."""
    rng = random.Random(f"probe/{seed}")  # noqa: S311
    problems = [draw(rng, "validation") for _ in range(_PROBES)]
    prompts = [tokens(_prompt(tokens, p.text), add_special_tokens=False)["input_ids"] for p in problems]
    requests = [
        Request(prompt, tokenizer.CONTEXT - len(prompt), random.Random(f"{seed}/{index}"))  # noqa: S311
        for index, prompt in enumerate(prompts)
    ]
    decoder = Decoder(model, frozenset({tokens.eos_token_id}))
    right = length = 0
    for decoded in decoder.decode(requests, temperature=TEMPERATURE, top_p=TOP_P):
        _, _, response = tokens.decode(decoded.tokens).partition(tokenizer.THOUGHT)
        extracted = extract_answer(response)
        right += extracted is not None and extracted.answer == str(problems[decoded.request].answer)
        length += len(decoded.tokens)
    return right / len(problems), length / len(problems)


def train(model: Any, tokens: PreTrainedTokenizerFast, budget: int, seed: int) -> None:
    """Train `model` in place on `budget` tokens and print the progress."""
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name]
    matrix_ids = set(map(id, matrices))
    others = [p for p in model.parameters() if id(p) not in matrix_ids]
    optimisers = [
        torch.optim.Muon(matrices, lr=MATRIX_RATE, weight_decay=0.01),
        torch.optim.AdamW(others, lr=OTHER_RATE, betas=(0.9, 0.95), weight_decay=0.0),
    ]
    rates = [optimiser.param_groups[0]["lr"] for optimiser in optimisers]
    computing = computing_tokens(tokens)
    rng = random.Random(f"pretrain/{seed}")  # noqa: S311
    clock, started = time.monotonic(), time.process_time()
    seen = step = reports = 0
    loss = torch.zeros(())
    while seen < budget:
        phase = next(phase for phase in CURRICULUM if seen < phase.until * budget)
        for batch in batches(tokens, phase, rng):
            if seen >= reports * budget / _REPORTS:
                share, length = accuracy(model, tokens, seed) if reports else (0.0, 0.0)
                print(
                    f"{seen:>10,} tokens  step {step:>5}  loss {loss.item():.3f}  right {share:.2f}"
                    f"  {length:5.1f} tokens a response  {time.process_time() - started:5.0f} s of CPU"
                    f"  {time.monotonic() - clock:5.0f} s",
                    flush=True,
                )
                reports += 1
            loss = loss_of(model, batch, computing)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            scale = min((step + 1) / _WARM_UP, max(0.0, 1 - seen / budget) / DECAY, 1.0)
            for optimiser, rate in zip(optimisers, rates, strict=True):
                optimiser.param_groups[0]["lr"] = rate * scale
                optimiser.step()
                optimiser.zero_grad()
            step += 1
            seen += sum(len(example.answer) for example in batch)
    share, length = accuracy(model, tokens, seed)
    print(f"{seen:,} tokens in {step} steps: right {share:.2f}, {length:.1f} tokens a response")


def main(arguments: Sequence[str] | None = None) -> None:
    """Train the student and write its folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="the folder to write")
    parser.add_argument("--tokens", type=int, default=TOKENS, help="number of training tokens")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    torch.manual_seed(options.seed)
    tokens = tokenizer.train_tokenizer(options.seed)
    model = Qwen2ForCausalLM(config(len(tokens)))
    print(f"{model.num_parameters():,} parameters, {len(tokens)} entries", flush=True)
    train(model, tokens, options.tokens, options.seed)
    model.generation_config = GenerationConfig(
        do_sample=True,
        temperature=TEMPERATURE,
        top_p=TOP_P,
        bos_token_id=tokens.bos_token_id,
        eos_token_id=tokens.eos_token_id,
        pad_token_id=tokens.pad_token_id,
    )
    model.half().save_pretrained(options.out)
    tokens.save_pretrained(options.out, save_jinja_files=False)


if __name__ == "__main__":
    main()
