"""The small student's tokenizer: byte-pair encoding, one token per digit, and marks as in R1 distills.

Runs in the training environment. Text is pre-tokenized as for Qwen2, because transformers does so for every
model of this architecture, regardless of the tokenizer file. The chat template ends a prompt with an open
`<think>`; a response consists of the thinking, `</think>`, the answer summary and the end mark.
"""

import random

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen2Tokenizer

from drp.questions.generators import LONGER, draw
from drp.student.small.trace_writer import SHIPPED, TraceSettings, write

SIZE = 640
"""Number of entries, including marks."""
CONTEXT = 1024
"""Maximum number of tokens of a prompt and its response; the longest training text has about 600."""
START, END, PAD = "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜▁pad▁｜>"
USER, ASSISTANT = "<｜User｜>", "<｜Assistant｜>"
THINK, THOUGHT = "<think>", "</think>"

TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}"
    f"{ASSISTANT}{{{{ message['content'].split('{THOUGHT}')[-1] }}}}{{{{ eos_token }}}}"
    f"{{% elif message['role'] == 'user' %}}{USER}{{{{ message['content'] }}}}"
    "{% else %}{{ message['content'] }}{% endif %}"
    f"{{% endfor %}}{{% if add_generation_prompt %}}{ASSISTANT}{THINK}\n{{% endif %}}"
)
_TEXTS = 6_000  # texts from which the byte pairs are learned


def train_tokenizer(seed: int, settings: TraceSettings = SHIPPED) -> PreTrainedTokenizerFast:
    """Train a tokenizer with `SIZE` entries on the texts that a student with these settings knows."""
    pairs = Tokenizer(models.BPE())
    qwen2 = Qwen2Tokenizer().backend_tokenizer
    pairs.normalizer, pairs.pre_tokenizer = qwen2.normalizer, qwen2.pre_tokenizer
    pairs.decoder = decoders.ByteLevel()
    marks = [PAD, START, END, USER, ASSISTANT]
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE
        - 2,  # the two marks of thinking are added below: they are text and kept when decoding
        special_tokens=marks,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    rng = random.Random(f"tokenizer/{seed}")  # noqa: S311
    pairs.train_from_iterator(_texts(rng, settings), trainer)
    pairs.add_tokens([AddedToken(mark, normalized=False) for mark in (THINK, THOUGHT)])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=pairs,
        bos_token=START,
        eos_token=END,
        pad_token=PAD,
        unk_token=PAD,  # never used; without it Qwen2Tokenizer would add another entry
        padding_side="left",
        model_max_length=CONTEXT,
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def _texts(rng: random.Random, settings: TraceSettings) -> list[str]:
    texts = []
    for _ in range(_TEXTS):
        problem = draw(rng, "pretrain", settings.steps)
        trace = write(rng, problem, settings)
        texts.append("\n".join([problem.text, trace.thinking, trace.response]))
    # longer questions, with one more computation, use the same words
    return [*texts, *(draw(rng, "pretrain", LONGER).text for _ in range(_TEXTS // 10))]
