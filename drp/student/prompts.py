"""The prompts for students, by version; rollouts, training and evaluation use the same ones.

A version never changes: a different prompt gets a new version, and scores of different versions are never
compared. The version of a prompt in a file has a hash of its content.
"""

from drp.config import StudentPrompt
from drp.core import BadInputError

PROMPTS = {
    "small-1": StudentPrompt(question="{question}"),
    "r1-1": StudentPrompt(
        question="{question}\nPlease reason step by step, and put your final answer within \\boxed{}."
    ),
}
"""`small-1`: the question only, as in the training of the small student. `r1-1`: as recommended by the model
cards of R1, without a system prompt."""


def prompt(version: str, given: StudentPrompt | None = None) -> StudentPrompt:
    """Return the prompt of a version: the `given` one of a file, or one of `PROMPTS`.

    Raises:
        BadInputError: the version does not exist.
    """
    known = given or PROMPTS.get(version.partition("+")[0])  # what follows names the marks of thinking
    if known is None:
        raise BadInputError(
            f"there is no prompt_version {version!r} (available: {', '.join(PROMPTS)}, or a YAML file)",
            state="Nothing was sampled",
            next_command="correct prompt_version in the recipe, then run the same command again",
        )
    return known
