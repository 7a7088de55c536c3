"""A curation of your own: of each question the longest right trace unpruned, and all others pruned.

    .venv/bin/python examples/custom_curation.py

A mix of long and short traces may keep a student from being too brief on hard problems. To compare it with
the other arms, put the function into a package, declare it in its pyproject.toml and install the package:

    [project.entry-points."drp.curations"]
    long_and_short = "my_package.curations:long_and_short"

A recipe may then say `arms: [drp, long_and_short]`, and `drp train` trains a checkpoint on each.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby

from drp.curation import Candidate, Example, drp_revisions


def long_and_short(candidates: Iterable[Candidate]) -> Iterator[Example]:
    """Select the training examples. Candidates are right rollouts and arrive ordered by question."""
    for _, group in groupby(candidates, key=lambda candidate: candidate.question_id):
        rollouts = list(group)
        longest = max(rollouts, key=lambda candidate: (candidate.total_tokens, candidate.rollout_id))
        yield Example(
            longest.rollout_id, longest.question_id, longest.question, longest.thinking, longest.response
        )
        yield from drp_revisions(candidate for candidate in rollouts if candidate is not longest)


def main() -> None:
    """Apply the curation to three candidates. `drp train` reads them from the corpus instead."""
    addition = "What is 2 + 3?"
    candidates = [
        candidate("r1", "q1", addition, "Hmm, let me add. 2 + 3 = 5. Check: 5 - 3 = 2.", "2 + 3 = 5.", 5),
        candidate("r2", "q1", addition, "So 2 + 3 = 5. I am sure.", "2 + 3 = 5.", 5),
        candidate("r3", "q2", "What is 9 - 4?", "Let me see: 9 - 4 = 5.", None, 5),  # not pruned
    ]
    for example in long_and_short(candidates):
        print(f"{example.example_id}  {example.question}  {example.thinking!r}")


def candidate(
    rollout_id: str, question_id: str, question: str, thinking: str, revised: str | None, answer: int
) -> Candidate:
    """Make a candidate whose response states the answer."""
    response = f"The answer is $\\boxed{{{answer}}}$."
    revised_response = None if revised is None else response
    length = len((thinking + response).split())
    return Candidate(rollout_id, question_id, question, thinking, response, length, revised, revised_response)


if __name__ == "__main__":
    main()
