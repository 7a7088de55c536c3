"""How fast the rollout engines are beside what they stand on: same prompts, same sampling, one machine.

    OMP_NUM_THREADS=1 .venv-inference/bin/python -m benchmarks.rollout [--questions 96] [--rounds 9]
    OMP_NUM_THREADS=1 .venv-training/bin/python -m benchmarks.rollout [--student FOLDER] [--continuous]

In the environment that has vLLM: engine `vllm` beside `LLM.generate` of the same `LLM`, given all prompts as
tokens and asked with the same seeds; wanted are 0.95 of its tokens a second. In the one for training: engine
`transformers` beside transformers' own batched `generate`, whose batches last as long as their longest row;
wanted is twice as much. Its continuous batching can stand beside them for comparison.

The contestants take turns, in rounds; printed are medians over the rounds, of tokens a second and of the
ratio in the same round. Seconds are those of the CPU where there is no GPU, so that what else runs on the
machine matters little. Ends with status 1 where a ratio is below what is wanted."""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import TypeAlias

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig
from transformers.generation import ContinuousBatchingConfig

from drp.config.recipe import load_recipe
from drp.core.records import Question
from drp.questions.generators.generate import generate
from drp.student import small
from drp.student.engines.chat_prompt import Dialogue
from drp.student.engines.select import make_engine, student_of
from drp.student.protocol import SampleRequest, Student
from drp.student.response import sample_seed

Contestant: TypeAlias = Callable[[], int]
"""Answers all questions; gives the tokens that it made, without those that end a text."""
ROWS = 96  # that `generate` is given at a time, as many as the engine takes
_SPAN, _PAGE, _STEP = 512, 32, 512  # tokens: of a row's share of the cache, of a page of it, of one step
AT_LEAST = {"LLM.generate": 0.95, "generate": 2.0}
_seconds = time.perf_counter if torch.cuda.is_available() else time.process_time


def prompts_of(student: Student, questions: Sequence[Question]) -> list[list[int]]:
    """The questions as the student is asked, in tokens, made without the engines."""
    tokenizer = AutoTokenizer.from_pretrained(student.model)
    texts = [
        tokenizer.apply_chat_template(
            student.prompt.messages(question.question),
            tokenize=False,
            add_generation_prompt=True,
        )
        for question in questions
    ]
    tokens: list[list[int]] = tokenizer(texts, add_special_tokens=False)["input_ids"]
    return tokens


def of_vllm(student: Student, questions: Sequence[Question]) -> dict[str, Contestant]:
    """Engine `vllm`, and the `LLM` that it stands on by itself."""
    from vllm import SamplingParams, TokensPrompt

    from drp.student.engines.vllm_engine import VllmEngine

    engine, sampling = VllmEngine(student), student.sampling
    prompts, samples = prompts_of(student, questions), [SampleRequest(question, 0) for question in questions]
    context = Dialogue(student, "vllm").context
    llm = engine.load(context)
    how = [
        SamplingParams(
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            max_tokens=min(sampling.max_tokens, context - len(tokens)),
            seed=sample_seed(student, sample),
        )
        for tokens, sample in zip(prompts, samples, strict=True)
    ]

    def ours() -> int:
        return sum(rollout.total_tokens for rollout in engine.sample(samples))

    def theirs() -> int:
        asked = [TokensPrompt(prompt_token_ids=tokens) for tokens in prompts]
        said = [answer.outputs[0] for answer in llm.generate(asked, how, use_tqdm=False)]
        return sum(len(one.token_ids) - (one.finish_reason == "stop") for one in said)

    return {"engine vllm": ours, "LLM.generate": theirs}


def of_transformers(
    student: Student, questions: Sequence[Question], *, is_continuous: bool
) -> dict[str, Contestant]:
    """Engine `transformers`, and the two ways that transformers itself has to generate in batches."""
    engine, sampling = make_engine(student), student.sampling
    prompts, samples = prompts_of(student, questions), [SampleRequest(question, 0) for question in questions]
    tokenizer = AutoTokenizer.from_pretrained(student.model)
    model = AutoModelForCausalLM.from_pretrained(student.model, dtype=torch.float32).eval()
    if torch.cuda.is_available():
        model.to("cuda")
    ends = {tokenizer.eos_token_id, tokenizer.pad_token_id}
    room = model.config.max_position_embeddings - max(map(len, prompts))
    how = GenerationConfig(
        do_sample=True,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        top_k=0,
        max_new_tokens=min(sampling.max_tokens, room),
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )

    # left to itself it takes nine tenths of the memory that there is
    cache = ContinuousBatchingConfig(
        num_blocks=ROWS * _SPAN // _PAGE, page_size=_PAGE, max_batch_tokens=_STEP
    )

    def ours() -> int:
        return sum(rollout.total_tokens for rollout in engine.sample(samples))

    def batches() -> int:
        made = 0
        for start in range(0, len(prompts), ROWS):
            batch = tokenizer.pad(
                {"input_ids": prompts[start : start + ROWS]}, padding_side="left", return_tensors="pt"
            ).to(model.device)
            with torch.inference_mode():
                texts = model.generate(**batch, generation_config=how)
            written = texts[:, batch["input_ids"].shape[1] :]
            made += int((~torch.isin(written, torch.tensor(sorted(ends), device=model.device))).sum())
        return made

    def continuous() -> int:
        said = model.generate_batch(
            prompts, generation_config=how, continuous_batching_config=cache, warmup=False
        )
        return sum(token not in ends for one in said.values() for token in one.generated_tokens)

    theirs = {"generate": batches} | ({"generate_batch": continuous} if is_continuous else {})
    return {"engine transformers": ours, **theirs}


def speeds_of(contestants: Mapping[str, Contestant], rounds: int) -> dict[str, list[float]]:
    """Tokens a second in each round; who begins a round changes. One round before them does not count."""
    speeds: dict[str, list[float]] = {name: [] for name in contestants}
    names = list(contestants)
    for number in range(-1, rounds):
        for name in names if number % 2 else reversed(names):
            started = _seconds()
            made = contestants[name]()
            speed = made / (_seconds() - started)
            if number >= 0:
                speeds[name].append(speed)
    return speeds


def main() -> None:
    """Measure what this environment can run, print it, and judge it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--student", default=small.NAME)
    parser.add_argument("--questions", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--continuous", action="store_true", help="measure generate_batch too")
    asked = parser.parse_args()
    student = student_of(load_recipe("drp", student=asked.student))
    questions = list(generate(asked.questions, 0, "small", "train"))
    if find_spec("vllm"):
        contestants = of_vllm(student, questions)
    else:
        contestants = of_transformers(student, questions, is_continuous=asked.continuous)
    (own, ours), *others = speeds_of(contestants, asked.rounds).items()
    print(f"{own}: {statistics.median(ours):,.0f} tokens a second, {len(questions)} questions a round")
    is_slow = False
    for name, theirs in others:
        ratios = [own / other for own, other in zip(ours, theirs, strict=True)]
        ratio = statistics.median(ratios)
        wanted = AT_LEAST.get(name)
        is_slow |= wanted is not None and ratio < wanted
        print(
            f"{name}: {statistics.median(theirs):,.0f}; {own} has {ratio:.2f}×"
            f" ({min(ratios):.2f} to {max(ratios):.2f})" + (f", wanted {wanted}" if wanted else "")
        )
    sys.exit(1 if is_slow else 0)


if __name__ == "__main__":
    main()
