"""What `vllm serve` does with requests as we make them: keys, schemas, and the ends of replies."""

import urllib.request
from urllib.error import HTTPError

import openai
import pytest

from drp.teacher.llm.examples import worked_examples
from drp.teacher.llm.messages import PromptRequest, build_decompose, build_fused, build_revise
from drp.teacher.llm.prompts import MODELS
from drp.teacher.llm.reply_schemas import parsed
from tests.vllm.server import MODEL, Server

pytestmark = pytest.mark.vllm


DRAFT = worked_examples("skill")[0].draft
ASKS: dict[str, PromptRequest] = {
    "fused": build_fused(DRAFT.trace, "skill", structured=True),
    "decompose-indexed": build_decompose(DRAFT.trace, "skill", "indexed", structured=True),
    "decompose-verbatim": build_decompose(DRAFT.trace, "skill", "verbatim", structured=True),
    "revise-indexed": build_revise(DRAFT, "indexed", structured=True),
    "revise-verbatim": build_revise(DRAFT, "verbatim", structured=True),
}
SAMPLES = 8


def client(server: Server, key: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=server.base_url, api_key=key, max_retries=0, timeout=120)


def test_nobody_gets_in_without_the_key(server):
    with pytest.raises(HTTPError, match="401"):
        urllib.request.urlopen(f"{server.base_url}/models")  # noqa: S310 (this machine)
    with pytest.raises(openai.AuthenticationError):
        client(server, "another-key").models.list()
    assert [model.id for model in client(server, server.key).models.list()] == [MODEL]


@pytest.mark.parametrize("name", ASKS)
def test_a_reply_that_has_to_follow_our_schema_follows_it(server, name):
    ask = ASKS[name]
    asked = client(server, server.key).chat.completions.create(
        model=MODEL,
        messages=list(ask.messages),
        response_format={"type": "json_schema", "json_schema": dict(ask.schema)},
        max_completion_tokens=1000,
        temperature=1,
        n=SAMPLES,
    )
    whole = [choice.message.content for choice in asked.choices if choice.finish_reason == "stop"]
    assert len(asked.choices) == SAMPLES
    assert len(set(whole)) > 1, "a tiny model that never stops, or always says the same, tests nothing"
    for text in whole:
        parsed(MODELS[name], text)
