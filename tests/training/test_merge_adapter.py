"""An adapter of others becomes a whole model: with its own tokenizer, and only on the base that it fits."""

import json
import shutil

import pytest

torch = pytest.importorskip("torch", reason="needs the training environment: make test-training")
peft = pytest.importorskip("peft", reason="needs the training environment: make test-training")

from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: E402

from drp.core import BadInputError  # noqa: E402
from drp.training.errors import WrongBaseError  # noqa: E402
from drp.training.model import merge_adapter  # noqa: E402
from tests.training.tiny_students import edit_json, make_student  # noqa: E402

pytestmark = pytest.mark.training


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return make_student(tmp_path_factory.mktemp("student"))


@pytest.fixture
def adapter(student, tmp_path):
    """What PEFT saves of a training elsewhere, with random weights."""
    torch.manual_seed(3)
    config = peft.LoraConfig(
        r=3, lora_alpha=9, target_modules=["q_proj", "down_proj"], init_lora_weights=False
    )
    model = peft.get_peft_model(AutoModelForCausalLM.from_pretrained(student, dtype=torch.float32), config)
    model.save_pretrained(tmp_path / "adapter")
    return tmp_path / "adapter"


def logits(model):
    with torch.inference_mode():
        return model(input_ids=torch.arange(5, 45)[None]).logits.float()


def test_the_merged_model_is_the_adapted_one(student, adapter, tmp_path):
    merge_adapter(student, adapter, tmp_path / "out")
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    assert merged.dtype == torch.float16, "the data type of the base"
    base = AutoModelForCausalLM.from_pretrained(student, dtype=torch.float32)
    adapted = peft.PeftModel.from_pretrained(base, adapter)
    expected = logits(adapted)
    assert torch.allclose(logits(merged.float()), expected, atol=2e-2)
    assert not torch.allclose(
        logits(AutoModelForCausalLM.from_pretrained(student).float()), expected, atol=0.1
    )


def test_the_tokenizer_of_the_adapter_wins(student, adapter, tmp_path):
    shutil.copyfile(student / "tokenizer_config.json", adapter / "tokenizer_config.json")
    shutil.copyfile(student / "tokenizer.json", adapter / "tokenizer.json")
    (student / "chat_template.jinja").unlink(missing_ok=True)
    (adapter / "chat_template.jinja").write_text("{{ messages[0].content }} of the adapter")
    merge_adapter(student, adapter, tmp_path / "out")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    text = tokenizer.apply_chat_template([{"role": "user", "content": "x"}], tokenize=False)
    assert text == "x of the adapter"


def test_an_adapter_of_another_model_is_refused(student, adapter, tmp_path):
    other = make_student(tmp_path / "other", seed=1, hidden_size=48)
    with pytest.raises(BadInputError, match="cannot be merged into"):
        merge_adapter(other, adapter, tmp_path / "out")
    (adapter / "base.json").write_text(json.dumps({"folder": "elsewhere", "sha256": "0" * 64}))
    with pytest.raises(WrongBaseError, match="was trained on elsewhere"):
        merge_adapter(student, adapter, tmp_path / "out")
    edit_json(adapter / "adapter_config.json", peft_type="UNKNOWN")
    (adapter / "base.json").unlink()
    with pytest.raises(BadInputError, match="cannot be merged into"):
        merge_adapter(student, adapter, tmp_path / "out")
    assert not (tmp_path / "out").exists()
