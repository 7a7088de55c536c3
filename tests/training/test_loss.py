"""The loss equals that of transformers, independent of batching, packing and the limit on logits."""

import pytest

torch = pytest.importorskip("torch", reason="needs the training environment: make test-training")
transformers = pytest.importorskip(
    "transformers", reason="needs the training environment: make test-training"
)

from drp.config.training import Sft  # noqa: E402
from drp.core.errors import BadInputError  # noqa: E402
from drp.training import cross_entropy  # noqa: E402
from drp.training.cross_entropy import SftLoss  # noqa: E402
from drp.training.encode import Encoded  # noqa: E402
from drp.training.model import TrainableStudent, load_base  # noqa: E402
from drp.training.sequence_packing import TensorBatch, batches, collate  # noqa: E402
from tests.training.tiny_students import encoded, make_student  # noqa: E402

pytestmark = pytest.mark.training


CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return make_student(tmp_path_factory.mktemp("student"))


@pytest.fixture(scope="module")
def rows(student):
    return encoded(student)[:12]


@pytest.fixture
def model(student):
    return load_base(student, torch.float32, CPU).train()


def alone(model, example: Encoded) -> torch.Tensor:
    """Return the loss of one example without padding, as transformers computes it."""
    tokens = example.tokens.long()[None]
    labels = tokens.clone()
    labels[:, : example.prompt] = -100
    return model(input_ids=tokens, labels=labels).loss * example.taught * example.weight


def gradient(model, value: torch.Tensor) -> torch.Tensor:
    model.zero_grad()
    value.backward()
    return torch.cat([p.grad.flatten() for p in model.parameters()])


@pytest.mark.parametrize("is_packed", [False, True])
def test_loss_and_gradient_are_those_of_transformers(model, rows, is_packed):
    weighted = [row._replace(weight=1 + index % 3) for index, row in enumerate(rows)]
    together = SftLoss(model, torch.float32)(collate(weighted, is_packed=is_packed))
    apart = torch.stack([alone(model, row) for row in weighted]).sum()
    assert together.item() == pytest.approx(apart.item(), rel=1e-5)
    assert torch.allclose(gradient(model, together), gradient(model, apart), rtol=1e-3, atol=1e-3)


def test_packed_examples_do_not_see_each_other(model, rows):
    objective = SftLoss(model, torch.float32)
    settings = Sft(packing=True, max_length=512)
    lengths = [len(row.tokens) for row in rows]
    packed = [
        collate([rows[index] for index in indices], is_packed=True)
        for indices in batches(range(12), lengths, settings)
    ]
    assert len(packed) < 12
    together = sum(objective(batch).item() for batch in packed)
    assert together == pytest.approx(sum(alone(model, row).item() for row in rows), abs=1e-4, rel=1e-6)

    batch = collate(rows[:3], is_packed=True)
    hidden = model.model(input_ids=batch.tokens, position_ids=batch.positions, use_cache=False)[0]
    other = batch.tokens.clone()
    other[:, : lengths[0]] = 300  # the previous example must not matter
    changed = model.model(input_ids=other, position_ids=batch.positions, use_cache=False)[0]
    assert torch.allclose(hidden[:, lengths[0] :], changed[:, lengths[0] :], atol=1e-5)
    leaking = model.model(input_ids=other, use_cache=False)[0]
    assert not torch.allclose(hidden[:, lengths[0] :], leaking[:, lengths[0] :], atol=1e-2)


def test_padding_changes_nothing(model, rows):
    objective = SftLoss(model, torch.float32)
    short, long = sorted(rows, key=lambda row: len(row.tokens))[:: len(rows) - 1]
    both = objective(collate([short, long], is_packed=False)).item()
    assert both == pytest.approx(alone(model, short).item() + alone(model, long).item(), rel=1e-5)


def test_few_logits_at_a_time_give_the_same(model, rows, monkeypatch):
    objective, batch = SftLoss(model, torch.float32), collate(rows, is_packed=False)
    value = objective(batch)
    expected = gradient(model, value)
    monkeypatch.setattr(cross_entropy, "MAX_LOGITS", 50 * model.config.vocab_size)
    seen = []
    model.lm_head.register_forward_hook(lambda _, inputs, __: seen.append(len(inputs[0])))
    chunked = objective(batch)
    assert max(seen) == 50
    assert sum(seen) == len(batch.targets)
    assert chunked.item() == pytest.approx(value.item(), rel=1e-6)
    assert torch.allclose(gradient(model, chunked), expected, rtol=1e-4, atol=1e-4)


def test_the_head_never_sees_prompts(model, rows):
    seen = []
    model.lm_head.register_forward_hook(lambda _, inputs, __: seen.append(len(inputs[0])))
    SftLoss(model, torch.float32)(collate(rows, is_packed=True))
    assert sum(seen) == sum(row.taught for row in rows) < sum(len(row.tokens) for row in rows) - 100


def test_16_bits_are_near(model, rows):
    batch: TensorBatch = collate(rows, is_packed=False)
    exact = SftLoss(model, torch.float32)(batch)
    rough = SftLoss(model, torch.bfloat16)(batch)
    assert rough.dtype == torch.float32
    assert rough.item() != exact.item()
    assert rough.item() == pytest.approx(exact.item(), rel=2e-2)


TINY = {
    "vocab_size": 50, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1,
    "num_attention_heads": 2, "num_key_value_heads": 1, "initializer_range": 1.0,
}  # fmt: skip


@pytest.mark.parametrize(
    "config",
    [
        transformers.GraniteConfig(**TINY, logits_scaling=8.0),
        transformers.CohereConfig(**TINY, logit_scale=0.2),
        transformers.Gemma2Config(**TINY, head_dim=8, query_pre_attn_scalar=8, final_logit_softcapping=2.0),
    ],
    ids=["divided", "multiplied", "capped"],
)
def test_the_loss_is_the_models_own_where_it_changes_its_logits_after_the_head(tmp_path, config):
    transformers.AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path)
    model = load_base(tmp_path, torch.float32, CPU)
    tokens = torch.arange(12, dtype=torch.int32) % 50
    batch = collate([Encoded("q", tokens, 4, 1.0)], is_packed=False)
    labels = batch.tokens.clone()
    labels[:, :4] = -100
    own = model(input_ids=batch.tokens, labels=labels).loss * 8
    assert SftLoss(model, torch.float32)(batch).item() == pytest.approx(own.item(), rel=1e-4)


def test_models_that_change_their_logits_in_an_unknown_way_are_refused(tmp_path, monkeypatch):
    config = transformers.GraniteConfig(**TINY, logits_scaling=8.0)
    transformers.GraniteForCausalLM(config).save_pretrained(tmp_path)
    monkeypatch.setattr(
        "drp.training.model.head_logits", lambda model, hidden: model.get_output_embeddings()(hidden)
    )
    with pytest.raises(BadInputError, match=r"\(granite\) changes its logits"):
        load_base(tmp_path, torch.float32, CPU)


def test_packing_is_refused_where_examples_would_attend_to_each_other(tmp_path):
    config = transformers.GptOssConfig(**TINY, head_dim=8, num_local_experts=2, num_experts_per_tok=1)
    transformers.GptOssForCausalLM(config).save_pretrained(tmp_path)
    TrainableStudent(tmp_path, "", Sft(method="full"))
    with pytest.raises(BadInputError, match=r"\(gpt_oss\) does not keep .*packing: false"):
        TrainableStudent(tmp_path, "", Sft(method="full", packing=True))


def test_folders_without_model_are_refused(tmp_path):
    with pytest.raises(BadInputError, match="no language model that transformers can read"):
        load_base(tmp_path, torch.float32, CPU)
