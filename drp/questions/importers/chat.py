"""Read conversations from a row: lists of messages in chat template or ShareGPT format."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_USER = {"user", "human"}
_ASSISTANT = {"assistant", "gpt", "model"}
_REASONING_KEYS = ("reasoning_content", "reasoning", "thinking")


@dataclass(frozen=True)
class Chat:
    """The assistant's last answer and the last user message before it, stripped of white space."""

    question: str = ""
    reasoning: str = ""
    response: str = ""


def read_chat(value: Any) -> Chat | str:
    """Read messages with `role`/`content` or `from`/`value`, also as JSON text, or return what is wrong."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return "messages that are not JSON"
    if not isinstance(value, list) or not all(isinstance(message, Mapping) for message in value):
        return "not a list of messages"
    chat = Chat()
    question = ""
    for message in value:
        role = message.get("role", message.get("from"))
        content = _content(message.get("content", message.get("value")))
        if content is None:
            return "a message whose content is not text"
        if role in _USER:
            question = content
        elif role in _ASSISTANT:
            reasoning = next((message[key] for key in _REASONING_KEYS if message.get(key)), "")
            if not isinstance(reasoning, str):
                return "a message whose reasoning is not text"
            chat = Chat(question, reasoning.strip(), content)
    return chat if chat.response or chat.reasoning else Chat(question)


def _content(value: Any) -> str | None:
    """Return the text of a message: a string, null or a list of text parts; None for anything else."""
    if value is None:
        return ""
    if isinstance(value, list):
        parts = [part.get("text") if isinstance(part, Mapping) else None for part in value]
        value = "".join(part for part in parts if isinstance(part, str))
    return value.strip() if isinstance(value, str) else None
