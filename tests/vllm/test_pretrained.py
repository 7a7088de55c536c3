"""A real pretrained model (`make build/smollm2/ready`) behind `vllm serve`, evaluated as a checkpoint."""

import os
from pathlib import Path

import pytest

from drp.config import Sampling, Server, StudentPrompt
from drp.grading import Grader
from drp.questions.generators.generate import generate
from drp.student import SampleRequest, Student, grade_rollouts
from drp.student.engines.server_engine import ServedEngine
from tests.helpers.repository import ROOT

MODEL = Path(os.environ.get("DRP_TEST_PRETRAINED", ROOT / "build/smollm2/model"))
pytestmark = [
    pytest.mark.vllm,
    pytest.mark.skipif(
        not (MODEL / "config.json").is_file(), reason="needs SmolLM2-135M: make build/smollm2/ready"
    ),
]


def test_it_is_served_for_four_questions_which_are_graded(monkeypatch):
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    prompt = StudentPrompt(
        question="{question}", system="Reason between <think> and </think>, then write \\boxed{answer}."
    )
    checkpoint = Student(
        "0123456789abcdef",
        str(MODEL),
        "server",
        Server(base_url="http://127.0.0.1:9/v1", model="nobody", in_flight=4),
        "given",
        Sampling(max_tokens=32, temperature=0),
        prompt_file=prompt,
        vllm={"max_num_seqs": 4},
        is_checkpoint=True,
    )
    questions = {question.question_id: question for question in generate(4, 0)}
    rollouts = list(ServedEngine(checkpoint).sample(SampleRequest(q, 0) for q in questions.values()))
    with Grader(workers=1) as grader:
        graded = list(grade_rollouts(((questions[r.question_id], r) for r in rollouts), grader))
    assert {row.rollout.question_id for row in graded} == questions.keys()
    assert all(0 < row.rollout.total_tokens <= 32 for row in graded)
    assert all(row.rollout.token_counter.startswith("tokenizer ") for row in graded)
    text = " ".join(row.rollout.thinking + row.rollout.response for row in graded).lower()
    assert len({"the", "a", "is", "of", "to", "and", "in", "number"} & {*text.split()}) >= 3, text
