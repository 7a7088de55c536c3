"""Question, sampling seed and k determine a sample, whichever engine runs the student."""

from dataclasses import replace

from drp.config.student import Sampling
from drp.core.records import Question
from drp.student.protocol import SampleRequest, Student
from drp.student.response import Response, sample_key, sample_seed, to_rollout

STUDENT = Student("s", "", "transformers", None, "r1-1", Sampling(seed=4))
QUESTION = Question("q1", "d", "train", "What is 1 + 1?", "2", "f")


def test_only_question_seed_and_k_determine_the_key():
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
    assert all(
        sample_key(other, sample) == sample_key(STUDENT, sample) for other in others for sample in samples
    )


def test_seeds_fit_into_31_bits():
    seeds = {sample_seed(STUDENT, SampleRequest(QUESTION, k)) for k in range(1000)}
    assert len(seeds) > 990
    assert max(seeds).bit_length() == 31


def test_the_id_does_not_depend_on_the_engine():
    response = Response("1 and 1.", "It is 2.", "stop", 5, 9, "tokenizer x")
    first, second = (
        to_rollout(STUDENT, engine, SampleRequest(QUESTION, 3), response) for engine in ("a", "b")
    )
    assert replace(second, engine="a") == first
    assert (first.sample_index, first.seed, first.think_tokens, first.total_tokens) == (3, 4, 5, 9)
