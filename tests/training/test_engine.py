"""Rollouts of the small student: mostly right, counted in its own tokens, and reproducible."""

import pytest

torch = pytest.importorskip("torch", reason="needs the training environment: make test-training")
transformers = pytest.importorskip(
    "transformers", reason="needs the training environment: make test-training"
)

from drp.config.recipe import load_recipe  # noqa: E402
from drp.core.errors import BadInputError  # noqa: E402
from drp.core.ids import sampled_rollout_id  # noqa: E402
from drp.core.records import Question, Rollout  # noqa: E402
from drp.grading.extract_answer import extract_answer  # noqa: E402
from drp.questions.generators.generate import generate  # noqa: E402
from drp.student import small  # noqa: E402
from drp.student.engines.select import make_engine, student_of  # noqa: E402
from drp.student.protocol import SampleRequest, Student  # noqa: E402
from drp.traces.tokens import TokenCounter  # noqa: E402

pytestmark = pytest.mark.training


if not small.WEIGHTS.is_dir():
    pytest.skip("no pre-trained weights yet: python -m drp.student.small.pretrain", allow_module_level=True)


def student(folder: str = str(small.WEIGHTS), **sampling: float) -> Student:
    recipe = load_recipe("drp", student=folder)
    return student_of(recipe.model_copy(update={"sampling": recipe.sampling.model_copy(update=sampling)}))


def requests(questions: list[Question], samples: int = 1) -> list[SampleRequest]:
    return [SampleRequest(question, k) for question in questions for k in range(samples)]


def rollouts(questions: list[Question], samples: int = 1, **sampling: float) -> dict[str, Rollout]:
    sampled = make_engine(student(**sampling)).sample(requests(questions, samples))
    return {rollout.rollout_id: rollout for rollout in sampled}


def is_right(question: Question, rollout: Rollout) -> bool:
    extracted = extract_answer(rollout.response)
    return extracted is not None and extracted.answer == question.gold_answer


@pytest.fixture(scope="module")
def questions():
    return list(generate(60, seed=0, level="small", split="test"))


@pytest.fixture(scope="module")
def sampled(questions):
    return rollouts(questions, samples=2)


def test_it_is_mostly_right_and_reasons_at_length(questions, sampled):
    by_id = {question.question_id: question for question in questions}
    assert len(sampled) == 120
    right = [is_right(by_id[rollout.question_id], rollout) for rollout in sampled.values()]
    assert 0.7 < sum(right) / 120 < 1
    assert 150 < sum(rollout.total_tokens for rollout in sampled.values()) / 120 < 450


def test_rollouts_record_the_request_and_the_token_counter(questions, sampled):
    tiny = student()
    assert sampled.keys() == {
        sampled_rollout_id(q.question_id, tiny.name, tiny.prompt_version, tiny.sampling.identity, k)
        for q, k in requests(questions, 2)
    }
    lengths = TokenCounter(small.WEIGHTS)
    for rollout in sampled.values():
        assert rollout.engine == "transformers"
        assert rollout.token_counter == lengths.name
        if rollout.finish_reason == "stop":
            assert 0 < rollout.think_tokens < rollout.total_tokens
            assert not {"<think>", "</think>"} & set((rollout.thinking + rollout.response).split())
            assert "\\boxed{" in rollout.response
            length = lengths.of(rollout.thinking, rollout.response, rollout.token_counter)
            assert abs(length.total - rollout.total_tokens) <= 2  # except for whitespace at the ends
            assert abs(length.thinking - rollout.think_tokens) <= 2


def test_a_rollout_does_not_depend_on_the_other_requests(questions, sampled):
    for question in questions[:4]:
        for rollout_id, rollout in rollouts([question], samples=1).items():
            assert sampled[rollout_id] == rollout


def test_samples_and_seeds_differ(questions, sampled):
    first = questions[:5]
    other_seed = rollouts(first, samples=2, seed=1)
    same_seed = [r for r in sampled.values() if r.question_id in {q.question_id for q in first}]
    assert len({rollout.thinking for rollout in [*other_seed.values(), *same_seed]}) == 20


def test_truncated_rollouts_are_marked_and_have_no_response(questions):
    (cut,) = rollouts(questions[:1], max_tokens=30).values()
    assert (cut.finish_reason, cut.total_tokens, cut.think_tokens) == ("length", 30, 30)
    assert cut.thinking
    assert cut.response == ""


def test_a_question_that_fills_the_context_is_refused(questions):
    long = Question("q", "d", "train", questions[0].question * 40, "1", "f")
    with pytest.raises(BadInputError, match=r"question q has \d+ tokens, and the context of .* 1024"):
        rollouts([long])


def test_folders_without_a_student_are_refused(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(BadInputError, match="as a language model"):
        make_engine(student(str(tmp_path)))
    tokenizer = transformers.AutoTokenizer.from_pretrained(small.WEIGHTS)
    tokenizer.chat_template = None
    other_architecture(tmp_path, tokenizer)
    with pytest.raises(BadInputError, match="no chat template"):
        make_engine(student(str(tmp_path)))


def test_any_other_causal_model_runs_too(tmp_path, questions):
    other_architecture(tmp_path, transformers.AutoTokenizer.from_pretrained(small.WEIGHTS))
    engine = make_engine(student(str(tmp_path), max_tokens=8, temperature=1.0))
    first = list(engine.sample(requests(questions[:2], 2)))
    assert first == list(engine.sample(requests(questions[:2], 2)))
    assert len({rollout.thinking for rollout in first}) == 4
    assert {rollout.total_tokens for rollout in first if rollout.finish_reason == "length"} == {8}


def other_architecture(folder, tokenizer) -> None:
    """A GPT-2 with random weights and the small student's tokenizer."""
    torch.manual_seed(0)
    sizes = {"n_embd": 32, "n_layer": 1, "n_head": 2, "n_positions": 256, "vocab_size": len(tokenizer)}
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    transformers.GPT2LMHeadModel(transformers.GPT2Config(**sizes, **ends)).save_pretrained(folder)
    tokenizer.save_pretrained(folder, save_jinja_files=False)
