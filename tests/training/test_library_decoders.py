"""Models of any architecture are decoded in batches, or one sample at a time with a line in the log."""

import logging
import random

import pytest

torch = pytest.importorskip("torch", reason="needs the training environment: make test-training")
transformers = pytest.importorskip(
    "transformers", reason="needs the training environment: make test-training"
)

from drp.student.engines.decoder import Decoder  # noqa: E402
from drp.student.engines.decoding import Request  # noqa: E402
from drp.student.engines.library_decoders import CachedDecoder, PlainDecoder, choose_decoder  # noqa: E402
from tests.training.test_decoder import SIZES, STOP, decoded, prompts, qwen2, requests  # noqa: E402

pytestmark = pytest.mark.training

STOPS = frozenset({STOP})


def gemma3():
    torch.manual_seed(0)
    sliding = {"sliding_window": 8, "layer_types": ["sliding_attention", "full_attention"]}
    config = transformers.Gemma3TextConfig(**SIZES, **sliding, head_dim=8, query_pre_attn_scalar=8)
    return transformers.Gemma3ForCausalLM(config).eval()


def gpt2():
    torch.manual_seed(0)
    config = transformers.GPT2Config(vocab_size=90, n_embd=32, n_layer=2, n_head=4, n_positions=256)
    return transformers.GPT2LMHeadModel(config).eval()


@pytest.mark.parametrize("make", [gemma3, gpt2])
def test_padded_batches_give_the_text_of_generate_and_rows_are_independent(make):
    model = make()
    chosen = choose_decoder(model, STOPS, 4)
    assert type(chosen) is CachedDecoder
    texts = prompts(9)
    limits = [3 + 5 * number for number in range(9)]  # rows end at different steps, so that the batch shrinks
    asked = [Request(text, most, random.Random(0)) for text, most in zip(texts, limits, strict=True)]  # noqa: S311
    alone = [Request(text, most, random.Random(0)) for text, most in zip(texts, limits, strict=True)]  # noqa: S311
    assert decoded(chosen, asked) == decoded(PlainDecoder(model, STOPS), alone)
    sampled = decoded(chosen, requests(texts), temperature=0.8)
    singly = [decoded(chosen, requests([text], first=number), 0.8)[0] for number, text in enumerate(texts)]
    assert sampled == singly


def test_the_fast_decoder_is_taken_where_it_gives_the_logits_of_the_model(caplog):
    with caplog.at_level(logging.WARNING):
        assert type(choose_decoder(qwen2(), STOPS, 4)) is Decoder
    assert not caplog.records


def test_a_decoder_with_other_logits_falls_back_with_a_line_in_the_log(caplog):
    model = qwen2()
    for layer in model.model.layers:  # Qwen2 by name, but it doubles what its attention gives
        layer.self_attn.register_forward_hook(lambda _, __, output: (2 * output[0], *output[1:]))
    with caplog.at_level(logging.WARNING):
        chosen = choose_decoder(model, STOPS, 4)
    assert type(chosen) is CachedDecoder
    assert "Decoder does not decode qwen2: its logits are off by" in caplog.text
    assert decoded(chosen, requests(prompts())) == decoded(PlainDecoder(model, STOPS), requests(prompts()))


def test_a_decoder_that_fails_falls_back_to_one_sample_at_a_time_with_a_line_in_the_log(caplog, monkeypatch):
    def fail(*_):
        raise RuntimeError("no such cache")

    monkeypatch.setattr(CachedDecoder, "step", fail)
    with caplog.at_level(logging.WARNING):
        assert type(choose_decoder(gpt2(), STOPS, 4)) is PlainDecoder
    assert "CachedDecoder does not decode gpt2: RuntimeError: no such cache" in caplog.text
    assert "gpt2 is decoded one sample at a time" in caplog.text
