"""A tiny Qwen2 made on the spot, which talks nonsense in the shape of JSON. Runs in vLLM's environment.

    .venv-inference/bin/python -m tests.vllm.tiny_qwen2 FOLDER <corpus.json

The corpus is `{"texts": [...], "replies": [...]}`: the tokenizer is trained on all of it. The weights are
random but for one direction: every token has a share of it, and the output layer reads from it how often a
token occurs in the replies. So quotes and brackets close as often as in a reply, and a reply that has to
follow a schema comes to an end; what it says is chance.
"""

import json
import math
import sys
from collections import Counter
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

CONTEXT = 16_384
"""Tokens: the longest prompt of the tests and its reply."""
_START, _END = "<|im_start|>", "<|im_end|>"
_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_UNSEEN = 0.02  # occurrences that a token without any counts as


def main(folder: Path) -> None:
    """Write model and tokenizer."""
    corpus = json.load(sys.stdin)
    tokenizer = _tokenizer(corpus["texts"] + corpus["replies"])
    seen = Counter(token for reply in corpus["replies"] for token in tokenizer.encode(reply + _END))
    tokenizer.save_pretrained(folder)
    _model(len(tokenizer), seen, tokenizer.eos_token_id).save_pretrained(folder)


def _tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    bytes_pairs = Tokenizer(models.BPE())
    bytes_pairs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_pairs.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=2048, special_tokens=[_START, _END], initial_alphabet=alphabet, show_progress=False
    )
    bytes_pairs.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bytes_pairs, eos_token=_END, pad_token=_END, model_max_length=CONTEXT
    )
    tokenizer.chat_template = _TEMPLATE
    return tokenizer


def _model(vocabulary: int, seen: Counter[int], end: int) -> Qwen2ForCausalLM:
    torch.manual_seed(0)
    size = 64
    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=vocabulary,
            hidden_size=size,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=2,
            max_position_embeddings=CONTEXT,
            tie_word_embeddings=False,
            initializer_range=0.1,
            eos_token_id=end,
            pad_token_id=end,
        )
    )
    counts = torch.tensor([seen[token] + _UNSEEN for token in range(vocabulary)])
    direction = torch.nn.functional.normalize(torch.randn(size), dim=0)
    with torch.no_grad():
        model.get_input_embeddings().weight += 2 * direction
        # The last norm leaves vectors of length sqrt(size), most of it along the direction.
        model.get_output_embeddings().weight += torch.outer(counts.log() / math.sqrt(size), direction)
    return model


if __name__ == "__main__":
    main(Path(sys.argv[1]))
