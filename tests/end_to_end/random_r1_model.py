"""A student with the shape of R1-Distill-Qwen and random weights, in a folder as the hub has it.

    .venv-training/bin/python -m tests.end_to_end.random_r1_model FOLDER

Qwen2 with biases, grouped keys and a head of its own; byte pairs cut as Qwen2 cuts text; R1's marks, and its
chat template, which drops the thinking of earlier turns and opens that of this one.
"""

import sys
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    GenerationConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen2Tokenizer,
)

from drp.questions.generators.generate import generate

CONTEXT = 2048
START, END = "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"
TEMPLATE = (
    "{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}"
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'system' %}{{ message['content'] }}"
    "{% elif message['role'] == 'user' %}{{ '<｜User｜>' + message['content'] }}"
    "{% elif message['role'] == 'assistant' %}{% set content = message['content'] %}"
    "{% if '</think>' in content %}{% set content = content.split('</think>')[-1] %}{% endif %}"
    "{{ '<｜Assistant｜>' + content + '<｜end▁of▁sentence｜>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<｜Assistant｜><think>\\n' }}{% endif %}"
)


def main(folder: str) -> None:
    """Write it."""
    tokens = tokenizer()
    ends = {
        "bos_token_id": tokens.bos_token_id,
        "eos_token_id": tokens.eos_token_id,
        "pad_token_id": tokens.pad_token_id,
    }
    config = Qwen2Config(
        vocab_size=len(tokens) + 27,  # R1's embedding has more rows than its tokenizer has entries, too
        hidden_size=48,
        intermediate_size=280,
        num_hidden_layers=2,
        num_attention_heads=12,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        rope_theta=10_000,
        tie_word_embeddings=False,
        dtype=torch.bfloat16,
        **ends,
    )
    torch.manual_seed(0)
    model = Qwen2ForCausalLM(config).bfloat16()
    model.generation_config = GenerationConfig(do_sample=True, temperature=0.6, top_p=0.95, **ends)
    model.save_pretrained(folder)
    tokens.save_pretrained(folder)
    assert (Path(folder) / "tokenizer.json").is_file()


def tokenizer() -> PreTrainedTokenizerFast:
    """About 1,000 entries, learned from word problems."""
    pairs = Tokenizer(models.BPE())
    qwen2 = Qwen2Tokenizer().backend_tokenizer
    pairs.normalizer, pairs.pre_tokenizer = qwen2.normalizer, qwen2.pre_tokenizer
    pairs.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1_000,
        special_tokens=[END, "<｜User｜>", "<｜Assistant｜>", START],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    pairs.train_from_iterator((question.question for question in generate(400, 0)), trainer)
    pairs.add_tokens([AddedToken(mark, normalized=False) for mark in ("<think>", "</think>")])
    tokens = PreTrainedTokenizerFast(
        tokenizer_object=pairs,
        bos_token=START,
        eos_token=END,
        pad_token=END,
        unk_token=END,  # no text needs one; without it Qwen2Tokenizer adds an entry of its own
        model_max_length=CONTEXT,
    )
    tokens.chat_template = TEMPLATE
    return tokens


if __name__ == "__main__":
    main(*sys.argv[1:])
