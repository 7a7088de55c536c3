"""What decides a sample: its question, the sampling seed and k, whoever runs the student."""

from dataclasses import replace

from drp.config.student import Sampling
from drp.core.records import Question
from drp.student.protocol import SampleRequest, Student
from drp.student.response import Response, sample_key, sample_seed, to_rollout

STUDENT = Student("s", "", "transformers", None, "r1-1", Sampling(seed=4))
QUESTION = Question("q1", "d", "train", "What is 1 + 1?", "2", "f")


def test_question_seed_and_k_decide_it_and_nothing_else():
    samples = [
        SampleRequest(question, k)
        for question in (QUESTION, replace(QUESTION, question_id="q2"))
        for k in (0, 1)
    ]
    students = [STUDENT, replace(STUDENT, sampling=Sampling(seed=5))]
    keys = {sample_key(student, sample) for student in students for sample in samples}
    assert len(keys) == 8
    others = [
        replace(STUDENT, engine="vllm", tensor=2),
        replace(STUDENT, sampling=Sampling(samples=9, seed=4)),
    ]
    assert all(sample_key(other, one) == sample_key(STUDENT, one) for other in others for one in samples)


def test_seeds_fit_into_31_bits():
    seeds = {sample_seed(STUDENT, SampleRequest(QUESTION, k)) for k in range(1000)}
    assert len(seeds) > 990
    assert max(seeds).bit_length() == 31


def test_another_engine_says_it_under_the_same_id():
    said = Response("1 and 1.", "It is 2.", "stop", 5, 9, "tokenizer x")
    ours, theirs = (to_rollout(STUDENT, engine, SampleRequest(QUESTION, 3), said) for engine in ("a", "b"))
    assert replace(theirs, engine="a") == ours
    assert (ours.sample_index, ours.seed, ours.think_tokens, ours.total_tokens) == (3, 4, 5, 9)
