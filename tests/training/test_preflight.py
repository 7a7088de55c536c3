"""What the preflight refuses, a training refuses too, and what it passes can be trained."""

import json
import os
import resource
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the training environment: make test-training")

from safetensors import SafetensorError  # noqa: E402
from transformers import (  # noqa: E402
    AutoModelForCausalLM,
    CohereConfig,
    GPT2Config,
    GraniteConfig,
    LlamaConfig,
)

from drp.config.training import Sft  # noqa: E402
from drp.core import BadInputError, DrpError  # noqa: E402
from drp.training.encode import Encoder  # noqa: E402
from drp.training.job import TrainingJob, read_job  # noqa: E402
from drp.training.model import check_architecture, load_base, load_encoder  # noqa: E402
from drp.training.preflight import REVISED, _checks, check_lengths  # noqa: E402
from drp.training.sft import train  # noqa: E402
from tests.training.tiny_students import (  # noqa: E402
    change_tokenizer,
    edit_json,
    examples,
    make_job,
    make_student,
)

pytestmark = pytest.mark.training


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_student(tmp_path_factory.mktemp("template") / "student")


@pytest.fixture
def student(template: Path, tmp_path: Path) -> Path:
    """A copy of a student that can be trained."""
    folder = tmp_path / "student"
    folder.mkdir()
    for file in template.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def outcomes(student: Path, settings: Sft) -> dict[str, tuple[str, str]]:
    return {
        check.name: (check.outcome, check.seen)
        for check in _checks(TrainingJob(base=str(student), settings=settings), examples())
    }


def _no_template(student: Path) -> None:
    (student / "chat_template.jinja").unlink()


def _no_marks(student: Path) -> None:
    template = student / "chat_template.jinja"
    template.write_text(template.read_text().replace("think>", "thought>"))
    text = (student / "tokenizer.json").read_text()
    (student / "tokenizer.json").write_text(text.replace("think>", "thought>"))


def _truncated(student: Path) -> None:
    weights = student / "model.safetensors"
    os.truncate(weights, weights.stat().st_size - 100)


FAULTS = {
    "no template": ("tokenizer", _no_template),
    "no marks": ("tokenizer", _no_marks),
    "no end mark": ("tokenizer", lambda student: change_tokenizer(student, eos_token=None)),
    "stops elsewhere": (
        "end mark",
        lambda student: edit_json(student / "generation_config.json", eos_token_id=3),
    ),
    "too few rows": ("end mark", lambda student: edit_json(student / "config.json", vocab_size=20)),
    "unknown architecture": (
        "architecture",
        lambda student: edit_json(student / "config.json", model_type="reasoner-9", architectures=["R9"]),
    ),
    "truncated weights": ("weights", _truncated),
    "no weights": ("weights", lambda student: (student / "model.safetensors").unlink()),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_it_refuses_a_training_refuses(student: Path, tmp_path: Path, fault: str) -> None:
    name, damage = FAULTS[fault]
    damage(student)
    job = make_job(tmp_path / "job", student, epochs=1)
    outcome, seen = outcomes(student, read_job(job).settings)[name]
    assert outcome == "failed", seen
    with pytest.raises((DrpError, SafetensorError)):
        train(job, tmp_path / "out")


def test_adapters_without_a_layer_are_refused(student: Path, tmp_path: Path) -> None:
    job = make_job(tmp_path / "job", student, lora={"target_modules": ["no_such_layer"]})
    assert outcomes(student, read_job(job).settings)["architecture"][0] == "failed"
    with pytest.raises(DrpError):
        train(job, tmp_path / "out")


@pytest.mark.parametrize("method", ["lora", "full"])
def test_what_it_passes_can_be_trained(student: Path, tmp_path: Path, method: str) -> None:
    job = make_job(tmp_path / "job", student, epochs=1, method=method)
    seen = outcomes(student, read_job(job).settings)
    assert {name: outcome for name, (outcome, _) in seen.items()} == dict.fromkeys(
        ("weights", "tokenizer", "architecture", "end mark", "lengths"), "ok"
    )
    assert train(job, tmp_path / "out").examples_dropped == 0


def test_a_missing_shard_is_named(student: Path) -> None:
    index = {"weight_map": {"a": "model.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (student / "model.safetensors.index.json").write_text(json.dumps(index))
    outcome, seen = outcomes(student, Sft())["weights"]
    assert outcome == "failed"
    assert "lacks model-00002-of-00002.safetensors" in seen


SIZES = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 96}
FAMILIES = [
    LlamaConfig(**SIZES, intermediate_size=64),
    GraniteConfig(**SIZES, intermediate_size=64, logits_scaling=8.0),
    CohereConfig(**SIZES, intermediate_size=64),
    GPT2Config(n_embd=64, n_layer=2, n_head=4, vocab_size=96),
]


@pytest.mark.parametrize("config", FAMILIES, ids=lambda config: config.model_type)
def test_an_architecture_is_judged_without_its_weights_as_with_them(tmp_path: Path, config: Any) -> None:
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path)
    try:
        load_base(tmp_path, torch.float32, torch.device("cpu"))
        refusal = ""
    except BadInputError as error:
        refusal = error.problem
    (tmp_path / "model.safetensors").unlink()
    if refusal:
        with pytest.raises(BadInputError) as same:
            check_architecture(tmp_path, Sft(method="full"))
        assert same.value.problem == refusal
    else:
        assert check_architecture(tmp_path, Sft(method="full")).is_head_checked


def test_a_large_architecture_takes_no_memory(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sizes = {"hidden_size": 8192, "intermediate_size": 28672, "num_hidden_layers": 80, "vocab_size": 128256}
    LlamaConfig(**sizes, num_attention_heads=64, num_key_value_heads=8).save_pretrained(tmp_path)
    architecture = check_architecture(tmp_path, Sft())
    assert architecture.parameters == 70_553_706_496
    assert not architecture.is_head_checked  # one of its layers has 856 million parameters
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # kB


@pytest.fixture
def encoder(template: Path) -> Encoder:
    return load_encoder(template)


class TestLengths:
    def test_traces_that_are_too_long_are_counted(self, encoder: Encoder) -> None:
        rows = examples()
        lengths = sorted(len(row.tokens) for row in encoder.encode(rows, 10**6)[0])
        check = check_lengths(encoder, rows, lengths[10])
        longer = sum(length > lengths[10] for length in lengths)
        assert check.outcome == "ok"
        assert f"{longer} of {len(rows)} traces before they are pruned are longer" in check.seen
        assert "such examples are dropped" in check.seen

    def test_it_fails_if_no_revision_fits(self, encoder: Encoder) -> None:
        rows = examples()
        revised = [replace(row, example_id=f"{REVISED} {row.example_id}") for row in rows]
        shortest = min(len(row.tokens) for row in encoder.encode(rows, 10**6)[0])
        assert check_lengths(encoder, rows, shortest - 1).outcome == "ok", "traces may still become shorter"
        assert check_lengths(encoder, revised, shortest - 1).outcome == "failed"
        assert check_lengths(encoder, revised, shortest).outcome == "ok"

    def test_it_fails_if_no_question_fits(self, encoder: Encoder) -> None:
        rows = examples()
        shortest = min(row.prompt for row in encoder.encode(rows, 10**6)[0])
        assert check_lengths(encoder, rows, shortest).outcome == "failed"

    def test_without_traces_it_says_so(self, encoder: Encoder) -> None:
        assert check_lengths(encoder, [], 100).outcome == "not checked"
