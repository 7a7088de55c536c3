"""Ways to state a final answer that is wrong for the gold answer, and beside each the same way done right.

The templates are filled with numbers of a problem: `@v` is its answer, `@n` is v + 1, `@w` another
number of as many digits, `@a` < `@b` are digits that occur in neither, `@vc` and `@wc` are v and w with
commas, `@vw` and `@ww` in words. What else is asked (`ask`) is added to the question, so that gold is its
answer.
"""

import string
from collections.abc import Sequence
from typing import NamedTuple


class Form(NamedTuple):
    """Templates of one kind of wrong answer.

    Attributes:
        kind: what is wrong.
        gold: the gold answer.
        wrong: responses whose final answer differs from gold, or is none.
        right: responses of the same kinds of words whose final answer is gold.
        ask: what the question asks besides, of the number n that is the answer of the problem.
        low, high: the answers of problems for which every template is true to its kind.
    """

    kind: str
    gold: str
    wrong: Sequence[str]
    right: Sequence[str]
    ask: str = ""
    low: int = 10
    high: int = 10**7


class Template(string.Template):
    """Text with places `@name` or `@{name}`, since LaTeX uses the dollar sign."""

    delimiter = "@"


_BOX = (r"The result is $\boxed{@v}$.", "**Final Answer**\n\n\\boxed{@v}", r"So it is \(\boxed{@v}\).")
_PLAIN = ("The result is $@v$.", "The answer is @v.", "That makes @v.")


def _found(kind: str, *wrong: str, right: Sequence[str] = _PLAIN, low: int = 10, high: int = 10**7) -> Form:
    """A form about how an answer is found in a response; gold is the answer of the problem."""
    return Form(kind, "@v", wrong, right, low=low, high=high)


FOUND = (
    _found(
        "right box, then another statement",
        r"The result is $\boxed{@v}$. Wait, actually it should be @w.",
        "\\boxed{@v}\n\nFinal answer: @w",
        r"\boxed{@v}. So the answer is @w.",
        "\\[\\boxed{@v}\\]\n\n**@w**",
        "\\boxed{@v}\n\n#### @w",
        "<answer>@v</answer>\n\nHmm, that gives @w.",
        r"\boxed{@v} 更正：应该是 @w",
        right=_BOX,
    ),
    _found(
        "wrong box, then the gold",
        r"The result is $\boxed{@w}$. Wait, actually it should be @v.",
        "\\boxed{@w}\n\nFinal answer: @v",
        r"\boxed{@w}. So the answer is @v.",
        "\\[\\boxed{@w}\\]\n\n**@v**",
        "<answer>@w</answer>\n\n#### @v",
        "#### @w\n\nThe total is @v.",
        right=(r"\boxed{@v}. So the answer is @v.", "\\boxed{@v}\n\nFinal answer: @v"),
    ),
    _found(
        "several boxes, the last wrong",
        r"First we get \boxed{@v}. In total this makes \boxed{@w}.",
        "\\boxed{@v}\n\nBut the others count too:\n\n\\boxed{@w}",
        r"Step 1: \boxed{@a}. Step 2: \boxed{@v}. Step 3: \boxed{@w}.",
        "**Part 1:** $\\boxed{@v}$\n\n**Part 2:** $\\boxed{@w}$",
        right=(r"First we get \boxed{@a}. In total this makes \boxed{@v}.",),
    ),
    _found(
        "several boxes or a choice",
        r"Either $\boxed{@w}$ or $\boxed{@v}$.",
        r"I am not sure: \boxed{@w}, \boxed{@v}",
        r"The answer is $\boxed{@v}$ \boxed{@w}",
        "It is @v or @w.",
        "The answer is @v or @w.",
        right=_BOX,
    ),
    _found(
        "last number of an expression",
        "The result is $@a + @v$.",
        r"The answer is $@a \times @v$.",
        r"We find $@a x - @v$.",
        "So it is @w - @v.",
        r"\boxed{@a\cdot @v}",
        "The answer is @a * @v",
    ),
    _found(
        "first number of an expression",
        r"The result is $@v\pi$.",
        r"\boxed{@v x}",
        r"The answer is $@v + @a\sqrt{3}$.",
        r"We find $@v^{@a}$.",
        "The answer is $@v!$.",
        r"It comes to $@v \times @a$.",
    ),
    _found(
        "lower half of a fraction",
        r"The share is $\frac{@a}{@v}$.",
        r"\boxed{\dfrac{@a}{@v}}",
        "That is @a/@v of all.",
        r"The answer is $\tfrac{@a}{@v}$.",
        r"<answer>\frac{@a}{@v}</answer>",
        "So it is @a / @v.",
        r"The answer is $@a\frac{@b}{@v}$.",
    ),
    _found(
        "upper half of a fraction",
        r"The share is $\frac{@v}{@a}$.",
        r"\boxed{\frac{@v}{@a}}",
        "That is @v/@b of it.",
        r"So we get $\dfrac{@v}{@b}$.",
        r"The answer is @v 1/@a.",
    ),
    _found(
        "exponent",
        r"So we get $x^{@v}$.",
        r"The answer is $2^{@v}$.",
        r"\boxed{@a^{@v}}",
        "That is 2^@v.",
        r"The number is $10^{@v}$ in all.",
        r"So it is $@a \times 10^{@v}$.",
    ),
    _found(
        "minutes of a clock time",
        "The train leaves at @a:@v.",
        "The answer is @a:@v p.m.",
        r"It ends at $1@a:@v$.",
        r"\boxed{@a{:}@v}",
        "So it is over at @a:@v am",
        high=59,
    ),
    _found(
        "part of a ratio",
        "The ratio is @a:@v.",
        r"The answer is $@v:@a$.",
        "So they stand @a to @v, that is @a : @v.",
        r"\boxed{@a:@v}",
    ),
    _found(
        "argument of a function",
        r"The result is $f(@v)$.",
        r"The answer is $\log(@v)$.",
        r"\boxed{\sqrt{@v}}",
        r"So it is $\sin @v^\circ$.",
        r"We get $\ln @v$.",
        r"The answer is $\binom{@v}{@a}$.",
        "So it is √@v.",
        low=20,
    ),
    _found(
        "last item of a list",
        "The numbers are @a, @b and @v.",
        r"The answer is $(@a, @v)$.",
        "x = @a or x = @v",
        r"\boxed{@a, @v}",
        "We find: @a, @w, @v",
        r"The answer is $\{@a, @v\}$.",
        "The solutions are @a and @v.",
    ),
    _found(
        "a bound",
        "So $x < @v$.",
        r"\boxed{n \ge @v}",
        r"The answer is $x > @v$.",
        r"We find $x \le @v$.",
        r"The answer is $x \ne @v$.",
        "So x > @v.",
        "The answer is more than @v.",
        "So there are fewer than @v.",
        "n ≥ @v",
    ),
    _found(
        "unit with an exponent, and another number",
        "There are @w m² of carpet, in @v rooms.",
        "The area is $@w$ cm^2 (page @v).",
        r"\boxed{@w \text{ m}^2} (see line @v)",
        "The volume is @w cubic metres. (Updated @v)",
        r"The answer is @w ft², from @v tiles.",
        right=("The answer is @v.", r"\boxed{@v} (see line @a)"),
    ),
    _found(
        "e-notation",
        "The mass is @{a}e@v.",
        r"\boxed{@a.@{b}e@v}",
        "The answer is @{v}e@a.",
        "The answer is @{v}e-@a",
        r"The result is $@{a}E+@v$.",
        high=300,
    ),
    _found(
        "thousands, only the last three digits right",
        "The total is @a,@v.",
        "The answer is @a @v.",
        r"\boxed{@a{,}@v}",
        r"The answer is $@a\,@v$.",
        "The answer is @a'@v.",
        "It costs $@a,@v.",
        low=100,
        high=999,
    ),
    _found(
        "thousands, another digit",
        "The total is @wc.",
        r"\boxed{\$@wc}",
        "The answer is $@wc dollars.",
        right=("The total is @vc.", r"\boxed{\$@vc}", "The answer is @vc dollars."),
        low=1_000,
        high=999_999,
    ),
    _found(
        "number words",
        "The answer is @ww.",
        "So there are @ww of them, not @vw.\n\nThe answer is @ww.",
        r"\boxed{\text{@ww}}",
        "Final answer: @ww (that is @a more than before)",
        "**Answer:** @ww",
        right=("The answer is @vw.", r"\boxed{\text{@vw}}", "**Answer:** @vw"),
        high=99,
    ),
    _found(
        "final phrase, English",
        "Final answer: @w (not @v)",
        "The answer is @w, not @v.",
        "The answer is @w, rather than @v.",
        "**Final Answer**\n@w\n\n(@v was the first guess.)",
        "The final value is @w because @v of them are gone.",
        "The answer is $@w$, as @v would be too much.",
        right=("Final answer: @v (not @w)", "The answer is @v, not @w.", "**Final Answer**\n@v"),
    ),
    _found(
        "final phrase, Chinese",
        "最终答案：@w",
        "答案是 @w，不是 @v。",
        "所以答案为 $@w$。",
        "答：@w",
        "因此最终结果是 **@w**。",
        right=("最终答案：@v", "答案是 @v。", "所以答案为 $@v$。", "因此最终结果是 **@v**。"),
    ),
    _found(
        "tag, hash or JSON with a wrong value",
        "<answer>@w</answer> (I checked this in @v ways.)",
        "We have @v.\n#### @w",
        '{"answer": @w, "steps": @v}',
        "<final_answer>@w</final_answer>\n(from @v)",
        right=("<answer>@v</answer>", "#### @v", '{"answer": @v}'),
    ),
    _found(
        "a remark with the gold",
        "It costs $@w. (Updated @v)",
        r"\boxed{@w} (see example @v)",
        "The total is @w (of at most @v).",
        r"The result is $@w$ (rounded from @v).",
        right=("It costs $@v. (Updated 2024)", r"\boxed{@v} (see example @a)"),
    ),
    _found(
        "empty or unfinished box",
        r"I give up. \boxed{} We had @v tries.",
        r"So \boxed{\frac{@v}{",
        "The answer is in the box: \\boxed{}\n\nThere are @v of them.",
        r"\boxed{ } @v",
        right=_BOX,
    ),
    _found(
        "denied",
        "The answer is not @v.",
        "It can't be @v.",
        r"The result is certainly not $@v$.",
        "@v is wrong.",
        "I don't think that it is @v.",
        r"The answer is not \boxed{@v}.",
        r"\boxed{@v} is not the answer.",
        "\\boxed{@v}\n\nWait, that can't be right.",
        "答案不是 @v。",
    ),
    _found(
        "words around the gold",
        "The answer is half of @v.",
        "So it is twice @v.",
        "It is the square root of @v.",
        "The answer is @a percent of @v.",
        "So it comes to @v squared.",
        "The answer is one less than @v.",
        "The answer is @a hundred @v.",
    ),
    _found(
        "equation of something else",
        "So @a x = @v",
        r"\boxed{@a x = @v}",
        "We get x² = @v.",
        "This means |x| = @v.",
        "Then x + @a = @v.",
        r"The answer is $\frac{x}{@a} = @v$.",
    ),
    _found(
        "sign",
        "The answer is -@v.",
        r"\boxed{-@v}",
        "x = −@v",
        "The balance is minus @v.",
        "So the change is $-@v$.",
    ),
    _found(
        "scale",
        "The answer is @{v}0.",
        "The answer is 0.@v",
        "The answer is .@v",
        r"\boxed{@{v}00}",
        "The answer is @v million.",
        "It is @v thousand.",
        "The answer is @v dozen.",
    ),
)
