"""What model folders say, for chat templates of several families, and the recipe that is written of it."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from drp.config import CHANNELS as CHANNEL_MARKS
from drp.config import ImportedSet, load_recipe
from drp.core import BadInputError
from drp.student import describe_model, new_recipe, parse_question_set, small

CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
R1 = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}<｜User｜>{{ m.content }}{% else %}"
    "<｜Assistant｜>{{ m.content }}{{ eos_token }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<｜Assistant｜><think>\n{% endif %}"
)
CHANNELS = (
    "{% for m in messages %}<|start|>{{ m.role }}{% if m.role == 'assistant' %}<|channel|>final{% endif %}"
    "<|message|>{{ m.content }}{{ '<|return|>' if m.role == 'assistant' else '<|end|>' }}{% endfor %}"
    "{# <|channel|>analysis<|message|> #}{% if add_generation_prompt %}<|start|>assistant{% endif %}"
)
LLAMA = (
    "{%- set now = strftime_now('%d %b %Y') -%}{{ bos_token }}{% for m in messages %}"
    "{% generation %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{{ m.content }}<|eot_id|>"
    "{% endgeneration %}{% endfor %}"
)
STRICT = (
    "{% if messages | length > 1 %}{{ raise_exception('one turn only') }}{% endif %}{{ messages[0].content }}"
)


def made(folder: Path, template: str | None, **files: Any) -> Path:
    """Write a model folder; `files` replace keys of its JSON files."""
    folder.mkdir(exist_ok=True)
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "max_position_embeddings": 8192}
    tokenizer = {"bos_token": "<s>", "eos_token": {"content": "</s>"}}
    if template is not None:
        tokenizer["chat_template"] = template
    documents = {"config": config, "tokenizer_config": tokenizer}
    for name in {*documents, *files}:
        document = documents.get(name, {}) | files.get(name, {})
        (folder / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("template", "marks", "is_open", "end"),
    [
        (CHATML, None, False, "<|im_end|>"),
        (CHATML + "{# <think> #}", ("<think>", "</think>"), False, "<|im_end|>"),
        (R1, ("<think>", "</think>"), True, "</s>"),
        (CHANNELS, ("<|channel|>analysis<|message|>", "<|end|>"), False, "<|return|>"),
        (LLAMA, None, False, "<|eot_id|>"),
        ("{% for m in messages %}{{ m.content }}{% endfor %}", None, False, None),
    ],
)
def test_a_template_says_how_thinking_is_marked_and_a_turn_ends(tmp_path, template, marks, is_open, end):
    model = describe_model(made(tmp_path / "model", template))
    assert (model.marks, model.opens_thinking, model.turn_end) == (marks, is_open, end)
    assert (model.template, model.template_error) == ("tokenizer_config.json", None)


def test_a_template_in_a_file_of_its_own_comes_first(tmp_path):
    folder = made(tmp_path / "model", CHATML)
    (folder / "chat_template.jinja").write_text(R1, encoding="utf-8")
    model = describe_model(folder)
    assert (model.template, model.turn_end) == ("chat_template.jinja", "</s>")


def test_the_default_of_several_templates_is_read(tmp_path):
    several = [{"name": "tool_use", "template": R1}, {"name": "default", "template": CHATML}]
    model = describe_model(made(tmp_path / "model", None, tokenizer_config={"chat_template": several}))
    assert (model.template, model.turn_end) == ("tokenizer_config.json", "<|im_end|>")


def test_a_template_that_cannot_be_rendered_is_told(tmp_path):
    folder = made(tmp_path / "model", STRICT)
    assert describe_model(folder).template_error == "TemplateError: one turn only"
    assert "it cannot be rendered (TemplateError: one turn only)" in new_recipe("model", folder)
    no_template = made(tmp_path / "bare", None)
    assert describe_model(no_template).template is None
    assert "template      none." in new_recipe("bare", no_template)


def test_a_template_cannot_reach_out_of_its_sandbox(tmp_path):
    model = describe_model(made(tmp_path / "model", "{{ ''.__class__.__mro__[1].__subclasses__() }}"))
    assert model.template_error is not None
    assert model.template_error.startswith("SecurityError")


def test_stops_are_named_by_the_tokens_of_the_generation_config(tmp_path):
    folder = made(
        tmp_path / "model",
        CHATML,
        generation_config={"eos_token_id": [7, 9], "temperature": 0.7, "top_p": 0.8},
        tokenizer={"added_tokens": [{"id": 7, "content": "<|im_end|>"}, {"id": 3, "content": "<think>"}]},
    )
    model = describe_model(folder)
    assert model.stops == ("<|im_end|>", "token 9")
    assert model.marks == ("<think>", "</think>"), "a token of the tokenizer says it too"
    assert (model.temperature, model.top_p) == (0.7, 0.8)
    assert describe_model(made(tmp_path / "plain", CHATML)).stops == ("</s>",)


def test_what_is_no_model_is_refused(tmp_path):
    adapter = made(tmp_path / "adapter", None, adapter_config={"base_model_name_or_path": "models/base"})
    with pytest.raises(BadInputError, match="a LoRA adapter of models/base, and not a whole model"):
        describe_model(adapter)
    with pytest.raises(BadInputError, match=r"has no config\.json"):
        describe_model(tmp_path)
    broken = made(tmp_path / "broken", CHATML)
    (broken / "config.json").write_text("{")
    with pytest.raises(BadInputError, match=r"config\.json cannot be read as JSON"):
        describe_model(broken)


def test_the_recipe_of_a_folder_is_valid_and_says_what_was_found(tmp_path):
    folder = made(
        tmp_path / "7B-Distill: Math!",
        R1,
        config={"max_position_embeddings": 2048, "dtype": "bfloat16"},
        generation_config={"temperature": 0.5},
    )
    (folder / "model.safetensors").write_bytes(b"0" * 1_500_000)
    text = new_recipe("models/a: 7B", folder)
    path = tmp_path / "new.yaml"
    path.write_text(text, encoding="utf-8")
    recipe = load_recipe(str(path))
    assert (recipe.name, recipe.student) == ("student_7b_distill_math", "models/a: 7B")
    assert (recipe.sampling.temperature, recipe.sampling.top_p) == (0.5, 0.95)
    assert (recipe.sampling.max_tokens, recipe.training.max_length) == (2048, 2048)
    assert recipe.arms == ("drp", "unpruned_sft")
    assert recipe.promotion is not None
    for words in (
        "LlamaForCausalLM (llama), bfloat16, 1.5 MB of weights",
        "context       2,048 tokens",
        "thinking      <think> … </think>; the prompt opens it",
        "ends a turn with </s>; a response ends at </s>",
    ):
        assert words in text


def test_a_long_context_and_imported_questions_are_taken_over(tmp_path):
    folder = made(tmp_path / "model", CHANNELS, config={"max_position_embeddings": 200_000})
    questions, benchmark = parse_question_set("gsm8k:train"), parse_question_set("math-500: v2:test")
    text = new_recipe("model", folder, "mine", questions, benchmark)
    path = tmp_path / "new.yaml"
    path.write_text(text, encoding="utf-8")
    recipe = load_recipe(str(path))
    assert recipe.questions == (ImportedSet(source="imported", dataset="gsm8k", split="train"),)
    (measured,) = recipe.evaluation.benchmarks if recipe.evaluation else ()
    assert (measured.name, measured.questions.where) == ("math_500_v2", ("math-500: v2", "test"))
    assert (recipe.sampling.max_tokens, recipe.training.max_length) == (131_072, 4096)
    assert recipe.thinking == CHANNEL_MARKS
    with pytest.raises(BadInputError, match="does not name a data set and its split"):
        parse_question_set("gsm8k")


def test_the_small_student_gets_a_recipe():
    text = new_recipe("small", small.WEIGHTS)
    assert yaml.safe_load(text)["sampling"]["max_tokens"] == 1024
