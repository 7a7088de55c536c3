"""Trainings with unusable input: each fails with its error and leaves no checkpoint behind."""

import pytest

torch = pytest.importorskip("torch", reason="needs the training environment: make test-training")
pytest.importorskip("transformers", reason="needs the training environment: make test-training")

from safetensors.torch import load_file, save_file  # noqa: E402

from drp.core.errors import BadInputError, DrpError  # noqa: E402
from drp.training.errors import CheckpointDamagedError, DivergedError  # noqa: E402
from drp.training.sft import train  # noqa: E402
from tests.training.tiny_students import change_tokenizer, make_job, make_student  # noqa: E402

pytestmark = pytest.mark.training


PLAIN = "{% for message in messages %}{{ message['content'] }}{% endfor %}"


@pytest.fixture
def student(tmp_path):
    return make_student(tmp_path / "student")


def refusal(job, out, kind: type[DrpError], match: str) -> DrpError:
    """Return the error of a training, which must leave no checkpoint."""
    with pytest.raises(kind, match=match) as caught:
        train(job, out)
    assert not [path for name in ("adapter", "merged", "manifest.json") for path in out.glob(name)]
    return caught.value


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_base_with_weights_that_are_no_numbers(student, tmp_path, method):
    file = student / "model.safetensors"
    weights = load_file(file)
    weights["model.layers.1.mlp.up_proj.weight"][0, 0] = float("nan")
    save_file(weights, file, {"format": "pt"})
    job = make_job(tmp_path / "job", student, method=method)
    error = refusal(job, tmp_path / "out", DivergedError, r"diverged at step 1: loss nan")
    assert error.state == "No state was saved yet; no checkpoint was written"


def test_a_corpus_that_is_longer_than_the_cut_all_over(student, tmp_path):
    job = make_job(tmp_path / "job", student, max_length=10)
    error = refusal(job, tmp_path / "out", BadInputError, "all 32 examples are longer than 10 tokens")
    assert error.next_command.startswith("raise max_length in the recipe")


def test_a_template_without_marks_of_thinking(student, tmp_path):
    (student / "chat_template.jinja").unlink(missing_ok=True)
    file = student / "tokenizer.json"
    text = file.read_text().replace("<think>", "<hm>").replace("</think>", "</hm>")
    file.write_text(text)
    change_tokenizer(student, chat_template=PLAIN)
    job = make_job(tmp_path / "job", student)
    refusal(job, tmp_path / "out", BadInputError, "has </think> neither")


def test_a_checkpoint_that_was_changed_is_not_taken_for_done(student, tmp_path):
    job, out = make_job(tmp_path / "job", student, epochs=1), tmp_path / "out"
    train(job, out)
    file = out / "adapter/adapter_model.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(CheckpointDamagedError, match="is not the file that was written"):
        train(job, out)
