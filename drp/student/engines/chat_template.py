"""What the chat template of a student says: the prompt of a question, and the token that ends a turn.

All engines and training read it here, so that a student is trained on the prompts that it is sampled with.
The functions take a tokenizer of transformers; this module does not import it.
"""

from typing import Any

from jinja2 import TemplateError

from drp.config import StudentPrompt, ThinkingMarks
from drp.core import BadInputError

_ANSWER = "The answer is 12."


def render_prompt(tokenizer: Any, prompt: StudentPrompt, question: str) -> str:
    """Return the text that asks a question and lets the student begin its response.

    Raises:
        BadInputError: the template refuses the prompt, such as one with a system message.
    """
    return _rendered(tokenizer, prompt, prompt.messages(question), add_generation_prompt=True)


def end_of_turn(tokenizer: Any, prompt: StudentPrompt) -> int | None:
    """Return the id of the token with which the template ends a turn of the student.

    It often differs from the tokenizer's `eos_token`, which may end whole texts. If the template ends turns
    with ordinary text, or with nothing, it is `eos_token`; None if there is none.
    """
    messages = [*prompt.messages("How many?"), {"role": "assistant", "content": _ANSWER}]
    try:
        text = _rendered(tokenizer, prompt, messages, add_generation_prompt=False)
    except BadInputError:  # some templates render prompts only
        text = ""
    _, _, end = text.rpartition(_ANSWER)
    tokens = tokenizer(end.strip(), add_special_tokens=False)["input_ids"] if end.strip() else []
    is_mark = bool(tokens) and tokens[0] in {*tokenizer.added_tokens_decoder, *tokenizer.all_special_ids}
    found: int | None = tokens[0] if is_mark else tokenizer.eos_token_id
    return found


def knows_marks(tokenizer: Any, prompt: StudentPrompt, marks: ThinkingMarks) -> bool:
    """Return whether tokenizer, template or prompt tell the student of its closing mark."""
    mark = marks.closing.strip()
    texts = (str(tokenizer.chat_template or ""), prompt.system or "", prompt.question)
    return (
        any(mark in text for text in texts)
        or any(mark.startswith(token) for token in tokenizer.get_added_vocab())
        or mark in tokenizer.get_vocab()
    )


def _rendered(
    tokenizer: Any, prompt: StudentPrompt, messages: list[dict[str, str]], *, add_generation_prompt: bool
) -> str:
    try:
        return str(
            tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=add_generation_prompt, **prompt.template
            )
        )
    except (TemplateError, ValueError, TypeError) as error:
        raise BadInputError(
            f"the chat template of {tokenizer.name_or_path} refuses the prompt: {error}",
            state="Nothing was sampled or trained",
            next_command="correct prompt_version in the recipe or its file, then run the same command again",
        ) from error
