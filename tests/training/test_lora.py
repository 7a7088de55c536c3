"""The fused adapter layer matches PEFT's own layer, forward and backward."""

import pytest

torch = pytest.importorskip("torch", reason="needs the training environment: make test-training")
peft = pytest.importorskip("peft", reason="needs the training environment: make test-training")

from drp.config.training import Lora, Sft  # noqa: E402
from drp.training.cross_entropy import SftLoss  # noqa: E402
from drp.training.lora import add_adapters  # noqa: E402
from drp.training.model import load_base  # noqa: E402
from drp.training.sequence_packing import collate  # noqa: E402
from tests.training.tiny_students import encoded, make_student  # noqa: E402

pytestmark = pytest.mark.training


CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return make_student(tmp_path_factory.mktemp("student"))


def adapted(student, dtype=torch.float32, **settings: object):
    """A model with non-zero adapters, as after some steps."""
    model = load_base(student, dtype, CPU)
    torch.manual_seed(0)
    add_adapters(model, Sft(**settings))
    for name, weight in model.named_parameters():
        if "lora_B" in name or name.endswith("base_layer.bias"):
            torch.nn.init.normal_(weight, std=0.1)
    return model.train()


def unfused(model):
    """The same model with PEFT's own layers."""
    for layer in fused_layers(model):
        del layer.forward
    return model


def fused_layers(model) -> list:
    return [layer for layer in model.modules() if "forward" in vars(layer)]


def outcome(model, rows, *, precision=torch.float32, is_packed=False) -> dict:
    loss = SftLoss(model, precision)(collate(rows, is_packed=is_packed))
    loss.backward()
    weights = model.named_parameters()
    return {"": loss.detach()} | {name: weight.grad for name, weight in weights if weight.requires_grad}


@pytest.mark.parametrize("settings", [{}, {"lora": Lora(rank=3, alpha=7)}])
@pytest.mark.parametrize("is_packed", [False, True])
def test_loss_and_gradients_are_those_of_peft(student, settings, is_packed):
    rows, model = encoded(student)[:3], adapted(student, **settings)
    assert len(fused_layers(model)) == 2 * 7
    actual = outcome(model, rows, is_packed=is_packed)
    expected = outcome(unfused(adapted(student, **settings)), rows, is_packed=is_packed)
    assert len(expected) == 1 + 2 * len(fused_layers(model))
    for name, value in expected.items():
        assert value.abs().max() > 0
        torch.testing.assert_close(actual[name], value, rtol=1e-4, atol=1e-4 * float(value.abs().max()))


def test_16_bits_are_as_near_as_those_of_peft(student):
    rows = encoded(student)[:3]
    exact = outcome(adapted(student), rows)
    ours, peft_layers = adapted(student, torch.bfloat16), unfused(adapted(student, torch.bfloat16))
    actual, reference = (outcome(model, rows, precision=torch.bfloat16) for model in (ours, peft_layers))
    for name, value in exact.items():
        error, allowed = ((result[name] - value).norm() / value.norm() for result in (actual, reference))
        assert actual[name].dtype == torch.float32
        assert error <= 1.5 * allowed + 1e-3, name


def test_memory_may_be_saved(student):
    rows = encoded(student)[:3]
    expected, model = outcome(adapted(student), rows), adapted(student)
    model.activation_checkpointing_enable({"use_reentrant": False})
    for name, value in outcome(model, rows).items():
        torch.testing.assert_close(value, expected[name])


@pytest.mark.parametrize("settings", [{"lora": Lora(dropout=0.1)}, {"deepspeed": "zero3"}])
def test_where_pieces_are_needed_the_layers_stay_those_of_peft(student, settings):
    assert not fused_layers(adapted(student, **settings))
