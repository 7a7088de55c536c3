"""A careless LLM for the fake provider of the tests: it keeps whatever it is given, also a wrong answer.

    provider(mind="benchmarks.planting.careless_teacher:think")

It leaves out sentences that begin like an aside, since a revision that is as long as its original is not
published whatever it says. For the questions of a file it does not keep the student's response but gives
another one: the file named by the environment variable PLANTED_RESPONSES, a JSON object from questions to
responses.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from drp.core import Decision, Draft, Revision
from drp.traces import joined
from tests.fake_provider.reply_text import reply_by

RESPONSES_FILE = "PLANTED_RESPONSES"
_ASIDE = re.compile(
    r"\s*(?:Okay|Alright|Hmm|Wait|Let me|Let's see|Hold on|Double-check|Quickly|Not sure|Fine|Good|Right,|At "
    r"first I|First thing|That (?:looks|seems)|I (?:think|should|could)|I'm|Is there|Going over|So the task)"
)


def think(body: Mapping[str, Any]) -> str:
    """Return the reply to a chat completion."""
    return reply_by(revised, body)


def revised(draft: Draft) -> Draft:
    """Keep every step but the asides, and the response; or give the response of the file."""
    trace, steps = draft.trace, draft.steps
    asides = [bool(_ASIDE.match(trace.thinking, step.char_start, step.char_end)) for step in steps]
    decisions = [
        Decision(index, "DELETE" if is_aside and not all(asides) else "KEEP", None, "none")
        for index, is_aside in enumerate(asides)
    ]
    thinking = joined(trace.thinking, steps, decisions)
    response = _responses().get(trace.question, trace.response)
    return replace(draft, decisions=decisions, revision=Revision(thinking, response))


@cache
def _responses() -> Mapping[str, str]:
    file = os.environ.get(RESPONSES_FILE)
    return json.loads(Path(file).read_text(encoding="utf-8")) if file else {}
