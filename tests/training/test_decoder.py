"""The decoder gives the text of `generate`, independent of other rows, and samples correctly."""

import random

import pytest

torch = pytest.importorskip("torch", reason="needs the training environment: make test-training")
transformers = pytest.importorskip(
    "transformers", reason="needs the training environment: make test-training"
)

from drp.student.engines import decoder  # noqa: E402
from drp.student.engines.decoder import Decoder, can_decode  # noqa: E402
from drp.student.engines.decoding import Request, choose  # noqa: E402
from drp.student.engines.library_decoders import PlainDecoder  # noqa: E402

pytestmark = pytest.mark.training


STOP = 1
SIZES = {
    "vocab_size": 90,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
    "initializer_range": 0.3,
    "eos_token_id": STOP,
    "pad_token_id": 0,
}


def qwen2():
    torch.manual_seed(0)
    return transformers.Qwen2ForCausalLM(transformers.Qwen2Config(**SIZES)).eval()


def llama():
    torch.manual_seed(1)
    rope = {"rope_type": "linear", "factor": 2.0, "rope_theta": 5000.0}
    config = transformers.LlamaConfig(**SIZES, head_dim=16, rope_parameters=rope, tie_word_embeddings=True)
    return transformers.LlamaForCausalLM(config).eval()


def prompts(count: int = 7) -> list[list[int]]:
    chance = random.Random(3)  # noqa: S311
    return [[chance.randrange(2, 90) for _ in range(chance.randint(1, 30))] for _ in range(count)]


def requests(texts: list[list[int]], most: int = 40, first: int = 0) -> list[Request]:
    return [
        Request(text, most, random.Random(f"row {number}"))  # noqa: S311
        for number, text in enumerate(texts, first)
    ]


def decoded(running: Decoder, batch: list[Request], temperature: float = 0.0) -> list[tuple[list[int], bool]]:
    by_index = {d.request: d[1:] for d in running.decode(batch, temperature=temperature, top_p=0.9)}
    return [by_index[index] for index in range(len(batch))]


@pytest.mark.parametrize("make", [qwen2, llama])
def test_greedy_text_is_that_of_generate(make):
    model = make()
    assert can_decode(model.config)
    assert decoded(Decoder(model, frozenset({STOP}), rows=3), requests(prompts())) == decoded(
        PlainDecoder(model, frozenset({STOP})), requests(prompts())
    )


def test_the_cache_grows_while_a_row_goes_on(monkeypatch):
    texts = [text for text in prompts(20) if len(text) < 20]
    plenty = decoded(Decoder(qwen2(), frozenset({STOP})), requests(texts, most=150))
    monkeypatch.setattr(decoder, "_AHEAD", 2)
    assert decoded(Decoder(qwen2(), frozenset({STOP})), requests(texts, most=150)) == plenty
    assert max(len(tokens) for tokens, _ in plenty) == 150


def test_a_row_does_not_depend_on_the_other_rows():
    running = Decoder(qwen2(), frozenset({STOP}))
    texts = prompts(40)
    together = decoded(running, requests(texts), temperature=0.8)
    alone = [decoded(running, requests([text], first=number), 0.8)[0] for number, text in enumerate(texts)]
    assert together == alone
    assert len({tuple(tokens) for tokens, _ in together}) == 40
    assert {is_finished for _, is_finished in together} == {True, False}


def test_each_row_has_its_own_limit():
    batch = requests(prompts(3))
    for request, most in zip(batch, (1, 5, 9), strict=True):
        request.max_tokens = most
    lengths = [len(tokens) for tokens, _ in decoded(Decoder(qwen2(), frozenset({-1})), batch)]
    assert lengths == [1, 5, 9]


@pytest.mark.parametrize("vocabulary", [5, 200])
def test_tokens_are_drawn_from_the_nucleus_by_their_shares(vocabulary):
    torch.manual_seed(2)
    logits = torch.randn(vocabulary) * (2 if vocabulary == 5 else 0.1)  # nearly flat: the nucleus is large
    draws = 4_000
    evenly = [(number + 0.5) / draws for number in range(draws)]
    drawn = choose(logits.expand(draws, -1), evenly, temperature=0.7, top_p=0.8)
    shares = torch.softmax(logits / 0.7, -1)
    order = shares.argsort(descending=True)
    nucleus = order[: int((shares[order].cumsum(-1) < 0.8).sum()) + 1]
    counted = torch.bincount(drawn, minlength=vocabulary) / draws
    expected = torch.zeros(vocabulary)
    expected[nucleus] = shares[nucleus] / shares[nucleus].sum()
    assert torch.allclose(counted, expected, atol=1e-3)


def test_other_architectures_are_left_to_generate():
    assert not can_decode(transformers.GPT2Config())
    assert not can_decode(transformers.Qwen3Config())
    assert not can_decode(transformers.Qwen2Config(**SIZES, use_sliding_window=True, max_window_layers=0))
    dynamic = {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e4}
    assert not can_decode(transformers.LlamaConfig(**SIZES, rope_parameters=dynamic))
