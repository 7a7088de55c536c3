"""The small student, and the engine that runs it.

    OMP_NUM_THREADS=1 .venv-training/bin/python -m benchmarks.student [--questions 600] [--student FOLDER]

Right answers and lengths on questions that it was not taught with, sampled as the recipe `drp` samples; what
the heuristic teacher makes of its right rollouts; tokens a second of CPU beside transformers' own batched
`generate`, same prompts and sampling."""

import argparse
import statistics
import time
from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from drp.config.question_sets import Level
from drp.config.recipe import load_recipe
from drp.core.records import Draft, Question, Rollout, StudentTrace
from drp.evaluation.statistics import pass_at_1
from drp.grading.arithmetic.check import false_equations
from drp.grading.extract_answer import extract_answer
from drp.questions.generators.generate import generate
from drp.student import small
from drp.student.engines.select import make_engine, student_of
from drp.student.protocol import SampleRequest, Student
from drp.teacher.heuristic import HeuristicTeacher

ROWS = 96  # that `generate` is given at a time, as many as the engine takes


def sampled(student: Student, questions: Sequence[Question]) -> tuple[list[tuple[Question, Rollout]], float]:
    """Rollouts with their questions, and tokens a second of CPU."""
    by_id = {question.question_id: question for question in questions}
    engine = make_engine(student)
    started = time.process_time()
    wanted = (SampleRequest(question, 0) for question in questions)
    rollouts = [(by_id[rollout.question_id], rollout) for rollout in engine.sample(wanted)]
    return rollouts, sum(r.total_tokens for _, r in rollouts) / (time.process_time() - started)


def is_right(question: Question, rollout: Rollout) -> bool:
    """Whether the answer of the response is the gold answer."""
    found = extract_answer(rollout.response)
    return found is not None and found.answer == question.gold_answer


def show(name: str, rollouts: Sequence[tuple[Question, Rollout]]) -> None:
    """One line of figures."""
    right = pass_at_1(np.array([[is_right(*pair)] for pair in rollouts]))
    tokens = [rollout.total_tokens for _, rollout in rollouts]
    unfinished = sum(rollout.finish_reason == "length" for _, rollout in rollouts)
    print(
        f"{name}: {right.value:.1%} right (n = {len(rollouts)}, {right.low:.1%} to {right.high:.1%}), "
        f"{statistics.mean(tokens):.1f} tokens (thinking "
        f"{statistics.mean(r.think_tokens for _, r in rollouts):.1f}; 5 % to 95 %: "
        f"{statistics.quantiles(tokens, n=20)[0]:.0f} to {statistics.quantiles(tokens, n=20)[-1]:.0f}), "
        f"{unfinished} unfinished",
        flush=True,
    )


def teach(rollouts: Sequence[tuple[Question, Rollout]]) -> None:
    """What the heuristic teacher makes of right rollouts."""
    right = [(question, rollout) for question, rollout in rollouts if is_right(question, rollout)]
    drafts = [
        Draft(
            StudentTrace(
                rollout.rollout_id,
                question.question,
                rollout.thinking,
                rollout.response,
                question.gold_answer,
            )
        )
        for question, rollout in right
    ]
    teacher = HeuristicTeacher()
    done = list(teacher.revise(teacher.decompose(drafts, "skill")))
    kept, savings = [], []
    for draft in done:
        revision, trace = draft.revision, draft.trace
        if revision and not false_equations(revision.thinking):
            kept.append(draft)
            after = len(revision.thinking) + len(revision.response)
            savings.append(1 - after / (len(trace.thinking) + len(trace.response)))
    actions = Counter(decision.action for draft in kept for decision in draft.decisions)
    print(
        f"heuristic teacher: {len(kept)} of {len(drafts)} accepted ({len(kept) / len(drafts):.1%}), "
        f"median saving {statistics.median(savings):.1%} of characters; "
        + ", ".join(f"{action} {count}" for action, count in actions.most_common()),
        flush=True,
    )


def generated(student: Student, questions: Sequence[Question]) -> float:
    """Tokens a second of CPU of transformers' own batched `generate`."""
    tokens = AutoTokenizer.from_pretrained(student.model)
    model = AutoModelForCausalLM.from_pretrained(student.model, dtype=torch.float32).eval()
    sampling = student.sampling
    torch.manual_seed(sampling.seed)
    prompts = [
        tokens.apply_chat_template(
            [{"role": "user", "content": question.question}], tokenize=False, add_generation_prompt=True
        )
        for question in questions
    ]
    made, started = 0, time.process_time()
    for start in range(0, len(prompts), ROWS):
        batch = tokens(
            prompts[start : start + ROWS], return_tensors="pt", padding=True, add_special_tokens=False
        )
        with torch.inference_mode():
            texts = model.generate(
                input_ids=batch["input_ids"],
                attention_mask=batch["attention_mask"],
                do_sample=True,
                temperature=sampling.temperature,
                top_p=sampling.top_p,
                top_k=0,
                max_length=model.config.max_position_embeddings,
            )
        written = texts[:, batch["input_ids"].shape[1] :]
        made += int((~torch.isin(written, torch.tensor([tokens.pad_token_id, tokens.eos_token_id]))).sum())
    return made / (time.process_time() - started)


def main() -> None:
    """Print all of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--student", default=str(small.WEIGHTS))
    parser.add_argument("--questions", type=int, default=600)
    asked = parser.parse_args()
    student = student_of(load_recipe("drp", student=asked.student))
    speed = 0.0
    levels: tuple[Level, ...] = ("small", "small-longer")
    for level in levels:
        rollouts, speed = sampled(student, list(generate(asked.questions, 0, level, "test")))
        show(f"{level}, test", rollouts)
    rollouts, speed = sampled(student, list(generate(asked.questions, 0, "small", "train")))
    show("small, train", rollouts)
    teach(rollouts)
    plain = generated(student, list(generate(2 * ROWS, 0, "small", "train")))
    print(f"engine: {speed:,.0f} tokens a second of CPU, generate {plain:,.0f} ({speed / plain:.1f}×)")


if __name__ == "__main__":
    main()
