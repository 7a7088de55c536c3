"""Write a Llama in a GGUF file as a model folder of transformers, in 16 bits.

Runs in the training environment:

    python infra/convert_gguf.py FILE FOLDER

transformers reads the file but does not save what it has read, because the weights count as quantised.
"""

import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, LlamaForCausalLM


def main(file: Path, folder: Path) -> None:
    """Read the file, copy its weights into a new model, and save that with the tokenizer."""
    read = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    config = read.config.__class__(
        **{name: value for name, value in read.config.to_dict().items() if "quantization" not in name}
    )
    model = LlamaForCausalLM(config)
    model.load_state_dict(read.state_dict())
    model.generation_config = GenerationConfig(
        bos_token_id=config.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.eos_token_id,
    )
    model.bfloat16().save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
