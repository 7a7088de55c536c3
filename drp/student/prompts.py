"""How a question is put to a student, by version: rollouts, training and evaluation ask alike.

A version never changes: another way to ask is another version, and scores of different versions are never
compared.
"""

from drp.core import BadInputError

PROMPTS = {
    "small-1": "{question}",
    "r1-1": "{question}\nPlease reason step by step, and put your final answer within \\boxed{}.",
}
"""`small-1`: the small student was taught with bare questions. `r1-1`: as R1's model cards ask, and without a
system prompt."""


def prompt(version: str, question: str) -> str:
    """What the user says.

    Raises:
        BadInputError: there is no such version.
    """
    if version not in PROMPTS:
        raise BadInputError(
            f"there is no prompt_version {version!r} (there are: {', '.join(PROMPTS)})",
            state="Nothing was sampled",
            next_command="correct prompt_version in the recipe, then run the same command again",
        )
    return PROMPTS[version].replace("{question}", question)
