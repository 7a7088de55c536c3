"""Read conversations: messages in chat template or ShareGPT format, or the raw text of a chat template.

Thinking is recognised as a key of a message (`reasoning_content`, ...), as a part of its content (`type:
thinking`), as a separate message (role `thinking`, gpt-oss's channel `analysis`), and between marks in the
text, which `drp.questions.importers.thinking_marks` cuts.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

_USER = {"user", "human"}
_ASSISTANT = {"assistant", "gpt", "model", "bot", "chatgpt"}
_THINKING_ROLES = {"thinking", "reasoning", "thought", "think"}
_THINKING_CHANNELS = {"analysis", "commentary"}
_THINKING_KEYS = (
    "reasoning_content",
    "reasoning",
    "thinking",
    "thought",
    "think",
    "thinking_content",
    "reasoning_details",
)
_THINKING_PARTS = {"thinking", "reasoning", "reasoning_text", "thought", "summary_text", "think"}
_PARTS = _THINKING_PARTS | {"text", "output_text", "redacted_thinking", "message"}
"""Types of the items of a content that stands without its message, and of OpenAI's Responses API."""
_TEXT_KEYS = (
    "content",
    "value",
    "text",
    "parts",
    "response",
    "generation",
    "completion",
    "output",
    "message",
    "answer",
)
_RAW_CONVERSATIONS = {
    sign: re.compile(pattern, re.DOTALL)
    for sign, pattern in (
        (
            "<|message|>",  # gpt-oss
            r"(?:<\|start\|>(?P<role>\w+)[^<]*)?(?:<\|channel\|>(?P<channel>\w+)[^<]*)?(?:<\|constrain\|>[^<]*)?"
            r"<\|message\|>(?P<text>.*?)(?:<\|(?:end|return|call)\|>|(?=<\|start\|>|<\|channel\|>)|\Z)",
        ),
        (
            "<|im_start|>",  # ChatML
            r"<\|im_start\|>(?P<role>\w+)\s*\n(?P<text>.*?)(?:<\|im_end\|>|(?=<\|im_start\|>)|\Z)",
        ),
        (
            "<|start_header_id|>",  # Llama 3
            r"<\|start_header_id\|>(?P<role>\w+)<\|end_header_id\|>(?P<text>.*?)(?:<\|eot_id\|>|\Z)",
        ),
        ("<start_of_turn>", r"<start_of_turn>(?P<role>\w+)\n(?P<text>.*?)(?:<end_of_turn>|\Z)"),  # Gemma
        (
            "<｜",  # DeepSeek
            r"<｜(?P<role>User|Assistant)｜>(?P<text>.*?)"
            r"(?:<｜end▁of▁sentence｜>|(?=<｜(?:User|Assistant)｜>)|\Z)",
        ),
    )
}
"""A sign of a chat template -> a message in it."""


@dataclass(frozen=True)
class Chat:
    """The assistant's last answer and the last user message before it, stripped of white space.

    Attributes:
        question: the user message.
        reasoning: the thinking before the answer.
        response: the answer.
        answers: number of answers to this user message; `response` is the last of them.
        pending: the user message after the last answer.
        earlier: the turns before, with their answers.
    """

    question: str = ""
    reasoning: str = ""
    response: str = ""
    answers: int = 0
    pending: str = ""
    earlier: tuple["Chat", ...] = ()

    @property
    def has_answer(self) -> bool:
        """Whether the assistant says anything."""
        return bool(self.reasoning or self.response)


class NotAChatError(Exception):
    """A value is not a conversation; the text says why."""


def read_chat(value: Any) -> Chat | str:
    """Read messages with `role`/`content` or `from`/`value`, also as JSON text, or return what is wrong."""
    if isinstance(value, str):
        if raw := read_raw_conversation(value):
            return raw
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return "messages that are not JSON"
    if not is_chat(value):
        return "not a list of messages"
    try:
        return _read(value)
    except NotAChatError as error:
        return str(error)


def is_chat(value: Any) -> bool:
    """Whether a value is a list of messages, or of the typed parts of one."""
    return isinstance(value, list) and all(
        isinstance(message, Mapping) and (_has_role(message) or message.get("type") in _PARTS)
        for message in value
    )


def _has_role(message: Mapping[str, Any]) -> bool:
    return bool({"role", "from", "channel"} & message.keys())


def read_message(message: Mapping[str, Any]) -> tuple[str, str]:
    """Return the reasoning and the text of one message.

    Raises:
        NotAChatError: its content or its reasoning is not text.
    """
    keys = [key for key in _THINKING_KEYS if not _is_empty(message.get(key))]
    reasoning = _text(message[keys[0]], "a message whose reasoning is not text") if keys else ""
    content = next((message[key] for key in _TEXT_KEYS if not _is_empty(message.get(key))), None)
    if isinstance(content, Mapping):  # a choice of a server's reply, which holds the message
        inner, text = read_message(content)
        return reasoning or inner, text
    parts, text = _parts(content)
    return reasoning or parts, text


def items_of(structure: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return a structure of lists of texts, one for each generation, as a list of structures."""
    lists = [structure[key] for key in (*_THINKING_KEYS, *_TEXT_KEYS) if isinstance(structure.get(key), list)]
    count = max(map(len, lists), default=1)
    is_texts = all(isinstance(text, str) for texts in lists for text in texts)
    if count == 1 or not is_texts or _has_role(structure):
        return [structure]
    return [
        {
            key: value[index] if isinstance(value, list) and len(value) == count else value
            for key, value in structure.items()
        }
        for index in range(count)
    ]


def read_raw_conversation(text: str) -> Chat | None:
    """Read the text that a chat template makes of a conversation; None if it has no template's marks."""
    for sign, pattern in _RAW_CONVERSATIONS.items():
        found = [match.groupdict() for match in pattern.finditer(text)] if sign in text else []
        if not found:
            continue
        messages = [
            {
                "role": (message["role"] or "assistant").lower(),
                "content": message["text"],
                "channel": message.get("channel"),
            }
            for message in found
        ]
        return _read(messages)
    return None


def _messages(items: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield messages; parts that follow each other without a message are the assistant's."""
    for has_role, group in groupby(items, _has_role):
        run = list(group)
        yield from run if has_role else [{"role": "assistant", "content": run}]


def _read(items: Sequence[Mapping[str, Any]]) -> Chat:
    turns: list[Chat] = []
    turn = Chat()
    for message in _messages(items):
        role = str(message.get("role", message.get("from")) or "assistant").lower()
        reasoning, text = read_message(message)
        if role in _USER:
            turns, turn = [*turns, turn], Chat(text)
            continue
        if role in _THINKING_ROLES or message.get("channel") in _THINKING_CHANNELS:
            reasoning, text = _joined(reasoning, text), ""
        elif role not in _ASSISTANT:
            continue
        if reasoning or text:
            # Thinking may come as a separate message in front of the answer.
            kept = turn.reasoning if not turn.response else ""
            turn = Chat(turn.question, _joined(kept, reasoning), text, turn.answers + bool(text))
    answered = [each for each in (*turns, turn) if each.has_answer]
    if not answered:
        return Chat(turn.question)
    return replace(
        answered[-1], pending="" if turn.has_answer else turn.question, earlier=tuple(answered[:-1])
    )


def _joined(first: str, second: str) -> str:
    return "\n\n".join(text for text in (first, second) if text)


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str | list) and not value)


def _parts(content: Any) -> tuple[str, str]:
    """Return the thinking and the text of a message's content: a string, null, or a list of typed parts."""
    if not isinstance(content, list):
        return "", _text(content, "a message whose content is not text")
    thinking: list[str] = []
    texts: list[str] = []
    for part in content:
        is_thinking = isinstance(part, Mapping) and (
            part.get("type") in _THINKING_PARTS or part.get("thought") is True
        )
        (thinking if is_thinking else texts).append(_part_text(part))
    return "\n\n".join(filter(None, thinking)).strip(), "".join(texts).strip()


def _part_text(part: Any) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, Mapping):
        keys = ("thinking", "reasoning", "think", "text", "content", "summary")
        value = next((part[key] for key in keys if not _is_empty(part.get(key))), None)
        if isinstance(value, str):
            return value
        if isinstance(value, list):
            return "\n\n".join(_inner_texts(value))
        is_hidden = str(part.get("type")).endswith(("redacted_thinking", "encrypted"))
        if is_hidden or part.keys() & set(keys):
            return ""
    kind = part.get("type") if isinstance(part, Mapping) else type(part).__name__
    raise NotAChatError(f"a message part of type {kind}, which is not text")


def _inner_texts(parts: list[Any]) -> Iterator[str]:
    for part in parts:
        if text := _part_text(part).strip():
            yield text


def _text(value: Any, problem: str) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return "\n\n".join(_inner_texts(value))
    if isinstance(value, Mapping):
        return _part_text(value)
    if not isinstance(value, str):
        raise NotAChatError(problem)
    return value.strip()
