"""The prompts for students, by version; rollouts, training and evaluation use the same ones.

A version never changes: a different prompt gets a new version, and scores of different versions are never
compared.
"""

from drp.core import BadInputError

PROMPTS = {
    "small-1": "{question}",
    "r1-1": "{question}\nPlease reason step by step, and put your final answer within \\boxed{}.",
}
"""`small-1`: the question only, as in the training of the small student. `r1-1`: as recommended by the model
cards of R1, without a system prompt."""


def prompt(version: str, question: str) -> str:
    """Return the user message for `question`.

    Raises:
        BadInputError: the version does not exist.
    """
    if version not in PROMPTS:
        raise BadInputError(
            f"there is no prompt_version {version!r} (available: {', '.join(PROMPTS)})",
            state="Nothing was sampled",
            next_command="correct prompt_version in the recipe, then run the same command again",
        )
    return PROMPTS[version].replace("{question}", question)
