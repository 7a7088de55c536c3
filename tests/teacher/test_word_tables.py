"""A look for a word before a slow pattern must not hide a match of the pattern."""

import re
from collections.abc import Iterable

import pytest

from drp.teacher.heuristic import (
    compress,
    discourse,
    follow_summary,
    label_conditions,
    label_formulas,
    openers,
    signals,
)

SENTENCES = """
let me double-check that. verify it. it checks out. to make sure. to be safe. i confirm it. plug it back.
let me compute this again. the same result. work backwards. we work backward from 12. go over this. it
matches what we got. let's recalculate. let me see if that is consistent with it. not sure. i'm confused.
i wonder. maybe we should. perhaps i did. did i? i don't know. i might. wait, is it? hmm. probably.
missing something. sounds right. that might be. seems low. i made a mistake. this is wrong. we misread
it. i messed up. it contradicts that. perhaps. maybe. indeed. let's test x. let me try. yes. that is
correct. right! good. so, yes, it is. 3 + 4. 3 - 4. 3 * 4. 3 × 4. 3 · 4. 8 / 4. 8 ÷ 4. 8 − 4. 8 – 4. 3
times 4. 3 plus 4. 8 minus 4. 8 divided by 4. 3 multiplied by 4. 3 added to 4. 3 and add 4. 3 \\times 4.
3 \\cdot 4. 8 \\div 4. 3⋅4. 3∗4. 3^2. 3². 3³. 3**2. √9. sqrt(9). 3 squared. 3 cubed. the square root of
9. a perfect square. to the third power. the exponent. integrals. integrating. the antiderivative. \\int
x. ∫ x. the derivative. differentiate. complete the square. mod 7. pmod 7. x ≡ 3. \\equiv. substitute.
plug in. replacing. expand. distribute. foil. multiply it out. multiplying out. factored. factor: x.
factor out. both sides. isolate. solving. cross-multiply. move. rearrange. the quadratic formula. the
discriminant. each side. divide by 2. multiply through. add the two. subtract these. eliminate. the
equation gives. squaring all. rewrite.
standard form. simplify. combine. cancel. reduce. like terms. common denominator. a ∩ b. a
∪ b. ∅. subsets. disjoint. \\cap. \\cup. inclusion-exclusion. imaginary. conjugate. complex number. i² =
-1. i^2 = -1. 3i + 4i. the problem says. i need to find it. we are asked to compute. asked to find. we're
given. i'm supposed to. understand this problem. it is extraneous. that is invalid. we reject it. discard
it. no solution. it satisfies it. outside the range. that makes sense. it works. everything adds up. as i
found. as before. both agree. it holds. that is fine. so that's good. which is valid. they are satisfied.
we could use it. let me try to use it. we will use it. i'll try it. in this case. where x is it. that
vectors. the matrix. matrices. the determinant. dot product. sin x. cos x. \\tan x. probability. f(x) =
3. the function. log x. \\ln x. binom. c(5, 2). 5 c 2. 5 choose 2. 5! factorial. the sequence. series.
\\sum. first term. common ratio. common difference. a_n. a_{n}. triangle. the angle. radius. area.
perimeter. hypotenuse. volume. perpendicular. slope. coordinate. axis. parabola. vertex.
""".replace("\n", " ")
PHRASES = [phrase.strip() + "." for phrase in SENTENCES.split(". ")] + SENTENCES.split(". ")
OPENERS = (
    """
okay, x|ok, x|alright, x|all right, x|hmm, x|well, x|right, x|yeah, x|yes, x|yep, x|oh, x|ah, x|but wait, x
wait, x|hold on, x|good, x|great, x|perfect, x|sure, x|cool, x|got it, x|now, x|okay so|hm the|ah the|so let
so, x|let me see, x|let's think, x|i think that the x|i know that the x|i can write|we need to use|let me use
""".strip()
    .replace("\n", "|")
    .split("|")
)
TABLES: list[tuple[str, Iterable[str], re.Pattern[str]]] = [
    ("check", signals._CHECK_WORDS, signals.CHECK),
    ("doubt", signals._DOUBT_WORDS, signals.DOUBT),
    ("retraction", signals._RETRACTION_WORDS, signals.RETRACTION),
    ("verdict", signals._VERDICT_WORDS, signals.VERDICT),
    ("restating", signals._RESTATING_WORDS, signals.RESTATING),
    ("validity", signals._VALIDITY_WORDS, signals.VALIDITY),
    ("plans", discourse._PLAN_WORDS, discourse._PLANS),
    ("tentative", follow_summary._TENTATIVE_WORDS, follow_summary._TENTATIVE),
    ("operation", label_conditions.SIGNS, label_conditions.OPERATION),
    ("power", label_formulas._POWER_SIGNS, label_formulas._POWER),
    *((skill.name, stems, pattern) for skill, stems, pattern in label_formulas._ALGEBRA),
]


@pytest.mark.parametrize(("words", "pattern"), [t[1:] for t in TABLES], ids=[t[0] for t in TABLES])
def test_every_match_has_a_word_of_the_table(words: Iterable[str], pattern: re.Pattern[str]) -> None:
    matched = [phrase for phrase in PHRASES if pattern.search(phrase)]
    assert matched
    assert [phrase for phrase in matched if not any(word in phrase for word in words)] == []


def test_every_opener_begins_with_one_of_its_letters() -> None:
    for initials, pattern, _ in compress._OPENERS:
        matched = [opener for opener in OPENERS if pattern.match(opener)]
        assert matched
        assert {opener[0] for opener in matched} <= set(initials)


FIRST_WORDS = (
    """
**final answer|the answer|my answer|correct answer|the problem|original task|i'm given
we need to parse it|i've got these two equations|solve this hard problem|let's reread it|it says
maybe i misread|puzzle: x|[asy]|draw(x)|there is a figure|this is a tricky|i think the answer
that's the answer|i believe that it makes sense|does that make sense?|did i err?|just to be sure
whether we get the same|either way|x = 3|let's call it x|let the sum be x|denote it
we recall the formula|the product rule|area of it is s^2|remember it|we know it
by using the product rule|if we apply the law|according to the theorem|setting up an equation
our equation is:|multiplying both sides|we solve it|by cross-multiplying|we notice the pattern
### case 1|if x > 3|what if|suppose|for x = 3,|plugging in x = 3:|substituting it
let's think about it|how do we|perhaps we could|we could use it|one way|i'm wondering how
we want to go|we must find it|first, we need to|to find it|our goal|how many? |can we do it?
are they?|we're looking|is there a mistake|what about it|maybe they|let's consider if|possibly they
i missed it
""".strip()
    .replace("\n", "|")
    .split("|")
)


def test_every_function_is_found_by_the_first_character() -> None:
    found = 0
    for initials, pattern in (pair for *_, patterns in openers._OPENERS for pair in patterns):
        matched = [words for words in (*FIRST_WORDS, *PHRASES) if re.match(pattern, words)]
        found += bool(matched)
        assert {words[0] for words in matched} <= set(initials), pattern
    assert found > 50
