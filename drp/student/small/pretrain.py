"""Pre-train the small student from scratch and write its folder, in the training environment on one core:

    OMP_NUM_THREADS=1 .venv-training/bin/python -m drp.student.small.pretrain --out FOLDER

It is trained on verbose traces of problems of the split `pretrain`. At first these are mixed with many bare
solutions and drills, which teach it what to compute and how, and later with few. Matrices are trained with
Muon, all other parameters with AdamW. The same seed gives the same weights on the same machine, also if the
program was stopped and started again. The options of the traces have the values of the student that ships.
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
from drp.questions.generators import LONGER, SHORT, draw
from drp.student.engines.decoder import Decoder
from drp.student.engines.decoding import Request
from drp.student.small import WEIGHTS, tokenizer, trace_writer
from drp.student.small.trace_writer import SHIPPED, TraceSettings

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


def examples(
    tokens: PreTrainedTokenizerFast, phase: Phase, rng: random.Random, settings: TraceSettings
) -> Iterator[tuple[str, str]]:
    """Yield the prompts and answers of a pool, as text."""
    for _ in range(_POOL):
        problem = draw(rng, "pretrain", settings.steps)
        if rng.random() < phase.verbose:
            trace = trace_writer.write(rng, problem, settings)
            yield _prompt(tokens, problem.text), f"{trace.thinking}\n{tokenizer.THOUGHT}\n\n{trace.response}"
        if rng.random() < phase.bare:
            question = f"{tokenizer.START}{tokenizer.USER}{problem.text}{tokenizer.ASSISTANT}"
            yield question, trace_writer.write_bare(rng, problem, settings)
        if rng.random() < phase.drill:
            yield tokenizer.START, trace_writer.drill(rng, 20)


def _prompt(tokens: PreTrainedTokenizerFast, question: str) -> str:
    messages = [{"role": "user", "content": question}]
    return str(tokens.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))


def batches(
    tokens: PreTrainedTokenizerFast, phase: Phase, rng: random.Random, settings: TraceSettings
) -> Iterator[list[PretrainingExample]]:
    """Yield the batches of a pool, with at most `BATCH` tokens each, in random order."""
    prompts, answers = zip(*examples(tokens, phase, rng, settings), strict=True)
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


def accuracy(
    model: Any, tokens: PreTrainedTokenizerFast, seed: int, steps: Sequence[int] = SHORT
) -> tuple[float, float]:
    """Return the share of validation problems answered correctly, and the mean tokens per response."""
    rng = random.Random(f"probe/{seed}")  # noqa: S311
    problems = [draw(rng, "validation", tuple(steps)) for _ in range(_PROBES)]
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


class Pretraining(NamedTuple):
    """What a pre-training depends on. Its progress is kept under these values."""

    settings: TraceSettings
    budget: int
    seed: int


class PretrainingProgress:
    """The state of a pre-training: saved after every pool of problems, and resumed if its file exists."""

    def __init__(self, model: Any, run: Pretraining, file: Path) -> None:
        self._model, self._run, self._file = model, repr(run), file
        matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name]
        matrix_ids = set(map(id, matrices))
        others = [p for p in model.parameters() if id(p) not in matrix_ids]
        self.optimisers = [
            torch.optim.Muon(matrices, lr=MATRIX_RATE, weight_decay=0.01),
            torch.optim.AdamW(others, lr=OTHER_RATE, betas=(0.9, 0.95), weight_decay=0.0),
        ]
        self.rng = random.Random(f"pretrain/{run.seed}")  # noqa: S311
        self.seen = self.step = self.reports = 0
        self.seconds = 0.0
        if file.is_file():
            self._resume()

    def _resume(self) -> None:
        state = torch.load(self._file, weights_only=True)
        if state["run"] != self._run:
            raise SystemExit(f"{self._file} is the progress of {state['run']}, not of {self._run}: delete it")
        self._model.load_state_dict(state["model"])
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        self.rng.setstate(state["rng"])
        self.seen, self.step, self.reports, self.seconds = state["counts"]
        print(f"resumed after {self.seen:,} tokens in {self.step} steps", flush=True)

    def save(self) -> None:
        """Replace the file by the present state."""
        state = {
            "run": self._run,
            "model": self._model.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "rng": self.rng.getstate(),
            "counts": (self.seen, self.step, self.reports, self.seconds),
        }
        partial = self._file.with_name(f"{self._file.name}.partial")
        torch.save(state, partial)
        partial.replace(self._file)


def train(model: Any, tokens: PreTrainedTokenizerFast, run: Pretraining, file: Path) -> None:
    """Train `model` in place and print the progress, which is kept in `file`.

    A training that was interrupted gives the same model as one that was not.
    """
    progress = PretrainingProgress(model, run, file)
    computing = computing_tokens(tokens)
    while progress.seen < run.budget:
        phase = next(phase for phase in CURRICULUM if progress.seen < phase.until * run.budget)
        started = time.process_time()
        for batch in batches(tokens, phase, progress.rng, run.settings):
            loss = loss_of(model, batch, computing)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            left = max(0.0, 1 - progress.seen / run.budget)
            scale = min((progress.step + 1) / _WARM_UP, left / DECAY, 1.0)
            for optimiser, rate in zip(progress.optimisers, (MATRIX_RATE, OTHER_RATE), strict=True):
                optimiser.param_groups[0]["lr"] = rate * scale
                optimiser.step()
                optimiser.zero_grad()
            progress.step += 1
            progress.seen += sum(len(example.answer) for example in batch)
        progress.seconds += time.process_time() - started
        if progress.seen * _REPORTS >= (progress.reports + 1) * run.budget:
            progress.reports += 1
            share, length = accuracy(model, tokens, run.seed)
            print(
                f"{progress.seen:>10,} tokens  step {progress.step:>5}  loss {loss.item():.3f}"
                f"  right {share:.2f}  {length:5.1f} tokens a response  {progress.seconds:5.0f} s of CPU",
                flush=True,
            )
        progress.save()
    for steps in (SHORT, LONGER):
        share, length = accuracy(model, tokens, run.seed, steps)
        numbers = " or ".join(map(str, steps))
        print(f"problems of {numbers} computations: right {share:.2f}, {length:.1f} tokens a response")


def main(arguments: Sequence[str] | None = None) -> None:
    """Train the student and write its folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="the folder to write")
    parser.add_argument("--tokens", type=int, default=TOKENS, help="number of training tokens")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--voice", choices=sorted(trace_writer.VOICES), default=SHIPPED.voice)
    parser.add_argument("--brief-share", type=float, default=SHIPPED.brief_share, help="of the traces")
    parser.add_argument(
        "--unopened-share",
        type=float,
        default=SHIPPED.unopened_share,
        help="of the verbose traces: no opening, no restatement",
    )
    parser.add_argument(
        "--steps",
        type=int,
        nargs="+",
        default=SHIPPED.steps,
        help="numbers of computations; a repeated one is drawn more often",
    )
    options = parser.parse_args(arguments)
    settings = TraceSettings(options.voice, options.brief_share, options.unopened_share, tuple(options.steps))
    run = Pretraining(settings, options.tokens, options.seed)
    torch.manual_seed(options.seed)
    tokens = tokenizer.train_tokenizer(options.seed, settings)
    model = Qwen2ForCausalLM(config(len(tokens)))
    print(f"{model.num_parameters():,} parameters, {len(tokens)} entries", flush=True)
    file = options.out.absolute().with_suffix(".progress")
    file.parent.mkdir(parents=True, exist_ok=True)
    train(model, tokens, run, file)
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
    file.unlink()


if __name__ == "__main__":
    main()
