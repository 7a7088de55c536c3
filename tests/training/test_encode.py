"""Encoded examples match, token for token, the sampling prompt and the expected response."""

import shutil
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="needs the training environment: make test-training")
transformers = pytest.importorskip(
    "transformers", reason="needs the training environment: make test-training"
)

from tokenizers import Tokenizer, decoders, models, pre_tokenizers  # noqa: E402

from drp.config.student import Sampling, StudentPrompt, ThinkingMarks  # noqa: E402
from drp.core.errors import BadInputError  # noqa: E402
from drp.core.records import Question  # noqa: E402
from drp.curation.training_example import Example  # noqa: E402
from drp.student.engines.chat_prompt import Dialogue  # noqa: E402
from drp.student.prompts import prompt  # noqa: E402
from drp.student.protocol import SampleRequest, Student  # noqa: E402
from drp.student.small import tokenizer as small_tokenizer  # noqa: E402
from drp.training.encode import Encoder  # noqa: E402
from drp.training.model import load_encoder  # noqa: E402
from tests.training.tiny_students import change_tokenizer, encoded, examples, make_student  # noqa: E402

pytestmark = pytest.mark.training


EXAMPLE = Example("e", "q", "Mia has 12 books. How many?", "I count.\n\n12 of them.", "It is $\\boxed{12}$.")
PLAIN = (
    "{{ bos_token }}{% for message in messages %}{{ message['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}<｜Assistant｜>{% endif %}"
)


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return make_student(tmp_path_factory.mktemp("student"))


@pytest.fixture
def copy(student, tmp_path):
    return shutil.copytree(student, tmp_path / "copy")


def tokens_of(student) -> transformers.PreTrainedTokenizerBase:
    return transformers.AutoTokenizer.from_pretrained(student)


def test_the_prompt_is_the_one_that_the_rollout_engines_send(student):
    asking = Student("tiny", str(student), "transformers", None, "r1-1", Sampling())
    dialogue = Dialogue(asking, asking.engine)
    rows = examples()
    asks = [
        replace(row, question=prompt("r1-1").user_message(row.question)) for row in rows
    ]  # as drp/stages/train.py does
    for example, row in zip(encoded(student, asks), rows, strict=True):
        sent = dialogue.encode_prompt(Question(row.question_id, "d", "train", row.question, "1", "f"))
        assert example.tokens[: example.prompt].tolist() == sent.tokens


def test_what_follows_is_what_the_small_student_was_pre_trained_to_write(student):
    tokens = tokens_of(student)
    rows = examples()
    for example, row in zip(encoded(student, rows), rows, strict=True):
        text = f"{row.thinking}\n</think>\n\n{row.response}{small_tokenizer.END}"
        written = tokens(text, add_special_tokens=False)["input_ids"]
        assert example.tokens[example.prompt :].tolist() == written
        assert example.taught == len(written)


def test_the_text_comes_back_whole(student):
    (example,) = encoded(student, [EXAMPLE])
    assert tokens_of(student).decode(example.tokens) == (
        "<｜begin▁of▁sentence｜><｜User｜>Mia has 12 books. How many?<｜Assistant｜><think>\n"
        "I count.\n\n12 of them.\n</think>\n\nIt is $\\boxed{12}$.<｜end▁of▁sentence｜>"
    )


@pytest.mark.parametrize(("end", "opening"), [("<think>\n", ""), ("<think>", "\n"), ("", "<think>\n")])
def test_thinking_is_opened_once_whatever_the_template_does(copy, end, opening):
    change_tokenizer(copy, chat_template=PLAIN.replace("<｜Assistant｜>", "<｜Assistant｜>" + end))
    (example,) = encoded(copy, [EXAMPLE])
    prompt, written = (tokens_of(copy).decode(part) for part in example.tokens.tensor_split([example.prompt]))
    assert prompt.endswith("How many?<｜Assistant｜>" + end)
    assert written.startswith(opening + "I count.")


def test_a_token_across_the_seam_does_not_change_the_prompt(student):
    tokens = tokens_of(student)
    prompt_text = load_encoder(student).prompt(EXAMPLE.question)
    blank = Example("e", "q", EXAMPLE.question, "\n\nI count.", EXAMPLE.response)
    (example,) = encoded(student, [blank])
    alone = tokens(prompt_text, add_special_tokens=False)["input_ids"]
    together = tokens(prompt_text + blank.thinking, add_special_tokens=False)["input_ids"]
    assert together[: len(alone)] != alone  # or this test would test nothing
    assert example.tokens[: example.prompt].tolist() == alone
    assert tokens.decode(example.tokens[example.prompt :]).startswith("\n\nI count.")


def test_a_tokenizer_that_begins_texts_with_a_blank_puts_none_at_the_seam(tmp_path):
    pieces = ["<s>", "</s>", "<unk>", "<think>", "</think>", "▁", "\n", *sorted({*"Ask2:Icount.tis1"})]
    marks = {"bos_token": "<s>", "eos_token": "</s>"}
    backend = Tokenizer(models.BPE({piece: n for n, piece in enumerate(pieces)}, []))
    backend.add_special_tokens(["<s>", "</s>", "<think>", "</think>"])
    backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    backend.decoder = decoders.Metaspace(prepend_scheme="first")
    tokens = transformers.PreTrainedTokenizerFast(tokenizer_object=backend, **marks)
    tokens.chat_template = "Ask:{{ messages[0]['content'] }}:<think>\n{# ends here #}"
    (example,), _ = Encoder(tokens, tmp_path).encode([Example("e", "q", "2", "I count.", "It is 12")], 99)
    written = tokens.convert_ids_to_tokens(example.tokens[example.prompt :].tolist())
    assert written[:3] == ["I", "▁", "c"]
    assert tokens.convert_ids_to_tokens(tokens("I count.")["input_ids"])[0] == "▁"


def test_longer_examples_are_dropped_and_counted(student):
    rows = examples()
    whole = encoded(student, rows)
    longest = sorted(len(example.tokens) for example in whole)[20]
    kept, dropped = load_encoder(student).encode(rows, longest)
    assert max(len(example.tokens) for example in kept) == longest
    assert len(kept) + dropped == len(rows)
    assert dropped == sum(len(example.tokens) > longest for example in whole) > 0
    with pytest.raises(BadInputError, match="all 32 examples are longer than 10 tokens"):
        load_encoder(student).encode(rows, 10)


@pytest.mark.parametrize("column", ["question", "thinking", "response"])
def test_empty_examples_are_refused_by_name(student, column):
    row = replace(EXAMPLE, **{column: " \n"})
    with pytest.raises(BadInputError, match=f"example e has an empty {column}"):
        encoded(student, [EXAMPLE, row])


def test_all_examples_may_be_without_thinking_but_not_some(student):
    rows = [replace(EXAMPLE, example_id=name, thinking="") for name in "fg"]
    for example in encoded(student, rows):
        taught = tokens_of(student).decode(example.tokens[example.prompt :])
        before, _, after = taught.partition("</think>")
        assert not before.replace("<think>", "").strip()
        assert after.strip().startswith(EXAMPLE.response)
    for mixed in ([*rows, EXAMPLE], [EXAMPLE, *rows]):
        with pytest.raises(BadInputError, match="example f has an empty thinking, and example e has not"):
            encoded(student, mixed)


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf")])
def test_weights_that_teach_nothing_are_refused(student, weight):
    row = replace(EXAMPLE, weight=weight)
    with pytest.raises(BadInputError, match=f"the weight {weight}"):
        encoded(student, [row])


def test_no_examples_are_refused(student):
    with pytest.raises(BadInputError, match="nothing to train on: no examples"):
        load_encoder(student).encode([], 100)


def test_a_tokenizer_of_another_model_is_refused(student):
    encoder = load_encoder(student)
    largest = max(tokens_of(student).get_vocab().values())
    end = tokens_of(student).eos_token_id
    encoder.check(largest + 1, [end, 5])
    encoder.check(largest + 1, [])
    with pytest.raises(
        BadInputError, match=f"ids up to {largest}, but the model's embedding has {largest} rows"
    ):
        encoder.check(largest, [end])
    with pytest.raises(BadInputError, match="stops at 7: it would never learn to stop"):
        encoder.check(largest + 1, [7])


def test_a_template_is_needed_and_marks_of_thinking(copy):
    change_tokenizer(copy, chat_template=None)
    (copy / "chat_template.jinja").unlink(missing_ok=True)
    with pytest.raises(BadInputError, match="no chat template"):
        load_encoder(copy)
    words = Tokenizer(models.WordLevel({"a": 0, "</s>": 1}, "a"))
    tokens = transformers.PreTrainedTokenizerFast(tokenizer_object=words)
    tokens.eos_token, tokens.chat_template = "</s>", PLAIN
    with pytest.raises(BadInputError, match="has </think> neither"):
        Encoder(tokens, copy)
    tokens.chat_template = PLAIN + "{# </think> #}"
    Encoder(tokens, copy)
    tokens.eos_token = None
    with pytest.raises(BadInputError, match="no end-of-sequence token"):
        Encoder(tokens, copy)


TURNS = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{{ '<think>\n' if enable_thinking }}{% endif %}"
)


def test_the_taught_end_mark_is_the_one_that_the_template_ends_a_turn_with(copy):
    tokens = tokens_of(copy)
    tokens.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    tokens.chat_template = TURNS
    tokens.save_pretrained(copy)
    end = tokens.convert_tokens_to_ids("<|im_end|>")
    assert end != tokens.eos_token_id
    encoder = load_encoder(copy)
    ((example,), _) = encoder.encode([EXAMPLE], 512)
    assert example.tokens[-1] == end == encoder.end
    with pytest.raises(BadInputError, match=rf"stops at 2: .*Add {end} to eos_token_id"):
        encoder.check(10_000, [2])
    asking = Student("tiny", str(copy), "transformers", None, "r1-1", Sampling())
    assert end in Dialogue(asking, asking.engine).stops


def test_system_text_and_arguments_of_the_template_are_in_prompts_of_sampling_and_training(copy):
    change_tokenizer(copy, chat_template=TURNS)
    given = StudentPrompt(question="Q: {question}", system="Be brief.", template={"enable_thinking": True})
    asking = Student("tiny", str(copy), "transformers", None, "p-1", Sampling(), prompt_file=given)
    question = Question("q", "d", "train", EXAMPLE.question, "1", "f")
    sent = Dialogue(asking, asking.engine).encode_prompt(question)
    text = tokens_of(copy).decode(sent.tokens)
    assert "system\nBe brief." in text
    assert f"user\nQ: {EXAMPLE.question}" in text
    assert text.endswith("<think>\n")
    assert sent.opens_thinking
    encoder = load_encoder(copy, given.model_copy(update={"question": "{question}"}))
    row = replace(EXAMPLE, question=given.user_message(EXAMPLE.question))
    ((example,), _) = encoder.encode([row], 512)
    assert example.tokens[: example.prompt].tolist() == sent.tokens


def test_a_template_that_refuses_the_prompt_is_named_with_its_reason(copy):
    change_tokenizer(copy, chat_template="{{ raise_exception('System role not supported') }}")
    with pytest.raises(BadInputError, match="refuses the prompt: System role not supported"):
        load_encoder(copy).prompt("1 + 1?")


def test_marks_are_those_of_the_recipe(copy):
    marks = ThinkingMarks(opening="[T] ", closing=" [/T] ")
    told = StudentPrompt(question="{question}", system="Think between [T] and [/T].")
    with pytest.raises(BadInputError, match=r"has \[/T\] neither"):
        load_encoder(copy, marks=marks)
    change_tokenizer(copy, chat_template=TURNS)
    ((example,), _) = load_encoder(copy, told, marks).encode([EXAMPLE], 512)
    written = example.tokens[example.prompt : -1].tolist()
    assert tokens_of(copy).decode(written) == f"[T] {EXAMPLE.thinking} [/T] {EXAMPLE.response}"
    asking = Student(
        "tiny", str(copy), "transformers", None, "p-1", Sampling(), prompt_file=told, thinking=marks
    )
    dialogue = Dialogue(asking, asking.engine)
    sample = SampleRequest(Question("q", "d", "train", EXAMPLE.question, "1", "f"), 0)
    rollout = dialogue.rollout(sample, dialogue.encode_prompt(sample.question), written, is_finished=True)
    assert (rollout.thinking, rollout.response) == (EXAMPLE.thinking, EXAMPLE.response)
    assert 0 < rollout.think_tokens < rollout.total_tokens == len(written)


def test_a_folder_without_tokenizer_is_refused(tmp_path):
    with pytest.raises(BadInputError, match="no tokenizer that transformers can read"):
        load_encoder(tmp_path)
