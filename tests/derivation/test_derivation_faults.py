"""Each check of a derivation: faults that it must find, and sound texts on which it must be silent."""

import time

import pytest

from drp.derivation import derivation_faults, is_hollow

QUESTION = "Mia packs 14 boxes with 17 pears each and gives away 23 pears. How many pears has Mia left?"
FIRST = "Each of the boxes has its pears, so there are 14 * 17 = 238 pears."
SECOND = "After giving some away, Mia has 238 - 23 = 215 pears."
SUMMARY = "Mia packs 14 * 17 = 238 pears and keeps \\boxed{215}."
RUN = "For one round she needs 72 / 3 = 24 minutes of the afternoon."
REST = "Five rounds take 24 * 5 = 120 minutes."
SYMBOLS = "Let $y$ be the number of cats. Then $3y + 4 = 31$ by the statement. So $3y = 27$ and $y = 9$."


def kinds(original: str, revision: str, summary: str = SUMMARY, question: str = QUESTION) -> list[str]:
    return [fault.kind for fault in derivation_faults(question, original, revision, summary)]


@pytest.mark.parametrize(
    "text",
    [
        f"{FIRST} {SECOND}",
        SYMBOLS,
        "Step 4: this equation holds. So the answer is 7, or the answer is 8.",
        "",
        "42",
    ],
)
def test_a_text_is_a_sound_revision_of_itself(text: str) -> None:
    assert kinds(text, text) == []


@pytest.mark.parametrize(
    ("original", "revision"),
    [
        (f"{FIRST} {SECOND} Let me check that again.", f"{FIRST} {SECOND}"),
        (f"Okay, let me see. {FIRST} So, {SECOND}", f"{FIRST} {SECOND}"),
        (
            f"{FIRST} {SECOND} Hm.",
            "Packing gives 14 * 17 = 238 pears. Without 23 of them, 238 - 23 = 215 are left.",
        ),
        (f"{FIRST} Is that right? Yes. {SECOND}", f"{FIRST} {SECOND}"),
    ],
)
def test_sound_revisions(original: str, revision: str) -> None:
    assert kinds(original, revision) == []


def test_a_lost_value_is_named_with_the_sentence_that_gives_it() -> None:
    original = f"{FIRST} {SECOND}"
    (fault,) = derivation_faults(QUESTION, original, SECOND)
    assert (fault.kind, fault.subject) == ("missing_link", "238")
    assert fault.source is not None
    assert original[slice(*fault.source)].strip() == FIRST
    assert SECOND[fault.start : fault.end] == SECOND
    assert FIRST in fault.detail


@pytest.mark.parametrize(
    ("kind", "original", "revision"),
    [
        ("missing_link", SYMBOLS, SYMBOLS.partition(". ")[2]),
        (
            "missing_link",
            "Half of it is 36/2 = 18. Twice that is 18 * 2 = 36. Then 36 + 18 = 54.",
            "Twice that is 18 * 2 = 36. Then 36 + 18 = 54.",
        ),
        (
            "dangling_reference",
            "Step 1: add 14 + 17 = 31.\nStep 2: take 31 - 23 = 8.\nStep 3: so it is 8.",
            "Step 3: so it is 8, because 14 + 17 - 23 = 8.",
        ),
        (
            "dangling_reference",
            "We have x + y = 5. We also know x - y = 1. (2) Adding these equations gives 2x = 6. So x = 3.",
            "We have x + y = 5. Adding these equations gives 2x = 6. So x = 3.",
        ),
        (
            "dangling_reference",
            "Case 1: if it rains, 14 + 3 = 17.\nCase 2: if not, 14 + 9 = 23.",
            "Case 2: if not, 14 + 9 = 23.",
        ),
        ("contradiction", f"{FIRST} {SECOND}", f"{FIRST} {SECOND}".replace("= 215", "= 216")),
        ("contradiction", f"{FIRST} {SECOND}", f"{FIRST} {SECOND} So the answer is 217."),
        ("contradiction", "So x = 5 follows. Then 2x = 10.", "So x = 7 follows. Then 2x = 10."),
        (
            "withdrawn_step",
            f"There are 14 * 17 = 248 pears. No, that's wrong. {FIRST} {SECOND}",
            f"There are 14 * 17 = 248 pears. {FIRST} {SECOND}",
        ),
        (
            "withdrawn_step",
            f"There are 14 + 17 = 31 pears. Wait. That doesn't make sense. {FIRST} {SECOND}",
            f"There are 14 + 17 = 31 pears. {FIRST} {SECOND}",
        ),
        ("hollow", f"{FIRST} {SECOND}", "The answer is 215."),
        ("hollow", f"{FIRST} {SECOND}", "Mia gives away 23 pears. $\\boxed{215}$"),
        # a unit, an operator, a sign and a carried value that are not the student's
        ("contradiction", f"{RUN} Hm. {REST}", f"{RUN.replace('24 minutes', '24 hours')} {REST}"),
        ("contradiction", f"{FIRST} Hm. {SECOND}", f"{FIRST} Left are 238 + 23 = 215 pears."),
        ("contradiction", "So x = 5 follows. Then 2x = 10.", "So x = -5 follows. Then 2x = 10."),
        (
            "contradiction",
            f"{FIRST} Hm. {SECOND}",
            f"{FIRST} {SECOND.replace('238 - 23 = 215', '283 - 23 = 260')}",
        ),
        ("contradiction", f"{FIRST} Hm. {SECOND}", f"{FIRST} {SECOND} All in all, this makes 251."),
        ("contradiction", f"{FIRST} Hm. {SECOND}", f"{FIRST} {SECOND} Thus the number asked for is 251."),
        # taken back in other words, or done again without any
        (
            "withdrawn_step",
            f"There are 14 + 17 = 31 pears. Hmm, I should not have added those. {FIRST} {SECOND}",
            f"There are 14 + 17 = 31 pears. {FIRST} {SECOND}",
        ),
        (
            "withdrawn_step",
            f"There are 14 + 17 = 31 pears. Really? On second thought, that is nonsense. {FIRST} {SECOND}",
            f"There are 14 + 17 = 31 pears. {FIRST} {SECOND}",
        ),
        (
            "withdrawn_step",
            f"{FIRST.replace('238', '228')} Once again: {FIRST} {SECOND}",
            f"{FIRST.replace('238', '228')} {SECOND}",
        ),
        (
            "withdrawn_step",
            f"{FIRST.replace('14 * 17 = 238', '14 + 17 = 31')} Slowly now. {FIRST} {SECOND}",
            f"{FIRST.replace('14 * 17 = 238', '14 + 17 = 31')} {FIRST} {SECOND}",
        ),
        # a beginning that points to nothing
        (
            "dangling_reference",
            f"{FIRST} This leaves 238 - 23 = 215 pears.",
            "This leaves 238 - 23 = 215 pears.",
        ),
        (
            "dangling_reference",
            "All of them are 14 * 17 = 238 pears. Taking 23 off that number, Mia has 215.",
            "Taking 23 off that number, Mia has 215.",
        ),
        (
            "dangling_reference",
            "Either it rains or not. In the first case, 14 + 3 = 17. In the second case, 14 + 9 = 23.",
            "In the first case, 14 + 3 = 17. In the second case, 14 + 9 = 23.",
        ),
        # plans, checks and talk
        (
            "hollow",
            f"{FIRST} {SECOND}",
            "I will work through each condition, since every detail matters. It is 215.",
        ),
        (
            "hollow",
            f"{FIRST} {SECOND}",
            "So we get 215. The check is fine, therefore the result must be right.",
        ),
        ("hollow", f"{FIRST} {SECOND}", f"We are asked the following. {QUESTION} Working it out yields 215."),
    ],
)
def test_planted_faults(kind: str, original: str, revision: str) -> None:
    assert kind in kinds(original, revision)


@pytest.mark.parametrize(
    ("original", "revision"),
    [
        # 216 is an intermediate value, not another answer
        (
            "First 200 + 16 = 216. Then 216 - 1 = 215. So the answer is 215.",
            "200 + 16 = 216. Then 216 - 1 = 215.",
        ),
        # a case takes another value of the same symbol
        ("If x = 2 then 2x = 4. If x = 5 then 2x = 10. Hm.", "If x = 2 then 2x = 4. If x = 5 then 2x = 10."),
        # the student affirms the step after doubting it
        (f"{FIRST} Wait, no, is that right? Yes: 14 * 17 = 238. {SECOND}", f"{FIRST} {SECOND}"),
        # "in this case" points to the question
        (
            f"If boxes are equal we multiply. In this case, {FIRST} {SECOND}",
            f"In this case, {FIRST} {SECOND}",
        ),
        # another unit where the student has both, another sign of another solution
        (f"{RUN} {REST} That is 2 hours. Hm.", f"{RUN} Five rounds take 120 minutes, that is 2 hours."),
        ("Then x = 5 or x = -5. But x is a length. Hm.", "Then x = 5 or x = -5. But x is a length."),
        # a percentage of the answer, and a number of the student's in a concluding sentence
        (
            f"{FIRST} {SECOND} So the answer is 215. Hm.",
            f"{FIRST} This makes 238. {SECOND} So the answer is 215.",
        ),
        # a remark, and a correction of something else
        (f"{FIRST} Hmm, is there a mistake? No, it is fine. {SECOND}", f"{FIRST} {SECOND}"),
        (f"{FIRST} Let me make sure that nothing is wrong. {SECOND}", f"{FIRST} {SECOND}"),
        # a calculation that is only asked for
        (
            "We have to see whether 14 * 17 = 240. Now 14 * 17 = 238, so no. Hm. Then 238 - 23 = 215.",
            "We have to see whether 14 * 17 = 240. Now 14 * 17 = 238, so no. Then 238 - 23 = 215.",
        ),
        # the same words about something else
        (
            "In round 1 she gets 4 * 3 = 12. In round 2 she gets 4 * 5 = 20. Together 12 + 20 = 32. Hm.",
            "In round 1 she gets 4 * 3 = 12. In round 2 she gets 4 * 5 = 20. Together 12 + 20 = 32.",
        ),
        # "this gives" after a remark, and pointing to the question
        (f"Okay. This gives 14 * 17 = 238 pears. {SECOND} Hm.", f"This gives 14 * 17 = 238 pears. {SECOND}"),
        # a derivation without an equation
        (
            "Since 14 is even, the product of boxes and pears is even. Hm. So the remainder is odd.",
            "Since 14 is even, the product of boxes and pears is even. So the remainder is odd.",
        ),
        # "Step 2" is only mentioned
        (f"{FIRST} Hm. {SECOND}", f"{FIRST} Step 2 is the same. {SECOND}"),
    ],
)
def test_similar_texts_that_have_no_fault(original: str, revision: str) -> None:
    assert kinds(original, revision) == []


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ("Mia keeps \\boxed{215} pears.", []),
        (f"{FIRST} So she keeps \\boxed{{215}}.", []),
        ("There are 238 pears in the boxes. So \\boxed{215} are left.", []),
        (f"{SECOND.replace('215', '251')} \\boxed{{215}}", ["contradiction"]),
        ("After giving some away, Mia has 251 pears. \\boxed{215}", ["contradiction"]),
        ("So the answer is 251. \\boxed{215}", ["contradiction"]),
        ("In the end, this gives 251. \\boxed{215}", ["contradiction"]),
    ],
)
@pytest.mark.parametrize("original", [f"{FIRST} {SECOND}", f"{FIRST} Hm. {SECOND}"])
def test_the_revised_response_agrees_with_the_thinking(
    original: str, response: str, expected: list[str]
) -> None:
    faults = derivation_faults(QUESTION, original, f"{FIRST} {SECOND}", SUMMARY, response)
    assert [fault.kind for fault in faults] == expected
    assert all(fault.start == fault.end == len(f"{FIRST} {SECOND}") for fault in faults)
    assert all(fault.detail.startswith("in the response") for fault in faults)


def test_hollow_is_relative_to_the_original() -> None:
    assert is_hollow(QUESTION, f"{FIRST} {SECOND}", "It is 215.")
    assert not is_hollow(QUESTION, "It is 215.", "215.")
    assert not is_hollow(QUESTION, f"{FIRST} {SECOND}", SECOND)


_SENTENCES = "Then we add {0} + 17 = {1}, so x = {1}. Wait, no. This equation gives case {0}. "


@pytest.mark.parametrize(
    ("text", "revision"),
    [
        ("".join(_SENTENCES.format(n, n + 17) for n in range(2600)), None),
        # every sentence with another value
        (
            "".join(_SENTENCES.format(n, n + 17) for n in range(2600)),
            "".join(_SENTENCES.format(n, n + 18) for n in range(2600)),
        ),
        # the same sentence again and again
        ("This gives 12. " * 14_000, None),
        # no spaces
        ("a" * 210_000, None),
        ("x=1=" * 53_000, None),
    ],
    ids=["sentences", "altered", "repeated", "one word", "one chain"],
)
def test_long_texts_take_linear_time(text: str, revision: str | None) -> None:
    assert len(text) > 200_000
    revision = revision or text[: len(text) // 2] + "2"
    start = time.process_time()
    derivation_faults(QUESTION, text, revision, SUMMARY, revision)
    assert time.process_time() - start < 5
