"""Grade whole responses: find the final answer, compare it with gold, and see that nothing contradicts it."""

from collections import deque
from collections.abc import Iterable, Iterator

from drp.core import Grade
from drp.grading.extract_answer import Extracted, extract_answer
from drp.grading.pool import Grader


def grade_responses(grader: Grader, responses: Iterable[tuple[str, str]]) -> Iterator[Grade]:
    """Grade (gold answer, response) pairs, as a stream in the same order.

    A response without an answer gets an empty grade. If a final statement after the marked answer says
    something else, the verdict is `undecided`, and the grade names that statement as `later_answer`.
    """
    pending: deque[Extracted | None] = deque()

    def pairs() -> Iterator[tuple[str, str]]:
        for gold, response in responses:
            extracted = extract_answer(response)
            pending.append(extracted)
            # responses without an answer go through the grader too, so that its window bounds `pending`
            yield gold, extracted.answer if extracted else ""
            if extracted and extracted.later:
                yield extracted.answer, extracted.later

    verdicts = grader.verdicts(pairs())
    for verdict in verdicts:
        extracted = pending.popleft()
        if extracted is None:
            yield Grade()
        elif extracted.later and next(verdicts) != "equal":
            yield Grade(extracted.answer, extracted.source, "undecided", extracted.later)
        else:
            yield Grade(extracted.answer, extracted.source, verdict)
