"""Sound revisions: as they are, or changed faithfully, also in ways that look like faults."""

import itertools
import random
import re
from collections.abc import Callable

from benchmarks.planting import text
from benchmarks.planting.fault import Fault, Planter, cut, put
from benchmarks.planting.sources import Revision
from benchmarks.planting.thinking_aloud import Role, spoken_parts
from benchmarks.planting.withdrawn_step import misread, redone, slip, wrong_operation

_CHECK = re.compile(
    r"\s*(?:\*\*)?(?:To verify|Verification|Verifying|We can verify|To check|Check(?:ing)?[:,]"
    r"|To confirm|Alternatively, (?:since|we))"
)
_NOTE = re.compile(r" ?\((?:Note|Recall|Notice|Remember|Alternatively|In fact|This)[^()]{15,250}\)(?=\s|$)")
_LEAD = re.compile(
    r"(?:First, |Next, |Then, |Now, |Therefore, |Thus, |Hence, |So, |Finally, |Note that "
    r"|Notice that |We know that |We see that "
    r"|We have that |It follows that |Recall that |We note that |Observe that |We can see that "
    r"|Clearly, |Of course, )(?=[A-Za-z$])"
)
_STEM = re.compile(
    r"To (?:determine|find|solve|calculate|compute)\b[^.:]{10,200}?, (?=we |let's |start|use"
    r"|note|observe|consider)"
)


def unchanged(rng: random.Random, revision: Revision) -> Fault | None:
    """The revision as it is."""
    return Fault(revision.revised, "nothing", (0, 0))


def _without_parts(rng: random.Random, revision: Revision, role: Role) -> Fault | None:
    """Take all asides or all checks out of a solution that is thought aloud; the rest stays."""
    parts = spoken_parts(rng, revision.revised, revision.question)
    if all(kind != role for kind, _ in parts):
        return None
    gap = rng.choice(("\n", "\n\n"))
    original = gap.join(part for _, part in parts)
    revised = gap.join(part for kind, part in parts if kind != role)
    return Fault(revised, f"needless parts taken out: {role}", (0, 0), original)


def aside_removed(rng: random.Random, revision: Revision) -> Fault | None:
    """A note in brackets taken out, or what is said around the solution."""
    found = _NOTE.search(revision.revised)
    if found and not (revision.form == "math" and "=" in found.group()):
        return cut(revision.revised, found.start(), found.end(), "needless note taken out")
    return _without_parts(rng, revision, "aside")


def check_removed(rng: random.Random, revision: Revision) -> Fault | None:
    """Checks of what is known taken out: a paragraph, or what is said around the solution."""
    paragraphs = list(re.finditer(r"(?:(?!\n\n).)+(?:\n\n|$)", revision.revised, re.S))
    for paragraph in paragraphs[1:-1]:
        before, after = revision.revised[: paragraph.start()], revision.revised[paragraph.end() :]
        if not _CHECK.match(paragraph.group()) or paragraph.group().rstrip().endswith(":"):
            continue
        new = set(text.numbers(paragraph.group())) - set(text.numbers(before + revision.question))
        pointing = re.match(r"\s*(?:This|These|Both|\\\[|\$\$|[-*\d])", after)
        if not pointing and "confirm" not in after and not new & set(text.numbers(after)):
            return cut(revision.revised, paragraph.start(), paragraph.end(), "needless check taken out")
    return _without_parts(rng, revision, "check")


def lead_in_cut(rng: random.Random, revision: Revision) -> Fault | None:
    """A connective or a lead-in taken off a sentence."""
    options = [u for u in text.units(revision.revised) if _LEAD.match(u.text)]
    if not options:
        return None
    unit = rng.choice(options)
    rest = unit.text[_LEAD.match(unit.text).end() :]  # type: ignore[union-attr]
    return put(revision.revised, unit.start, unit.end, rest[0].upper() + rest[1:], "shortened")


def purpose_cut(rng: random.Random, revision: Revision) -> Fault | None:
    """`To find …, we do` becomes `We do`; the question says what is to be found."""
    found = _STEM.match(revision.revised)
    if not found:
        return None
    rest = revision.revised[found.end() :]
    return put(
        revision.revised, 0, found.end() + 1, rest[0].upper(), "opening that restates the question taken off"
    )


def merged(rng: random.Random, revision: Revision) -> Fault | None:
    """Two sentences in a row as one."""
    sentences = text.units(revision.revised)
    options = []
    for first, second in itertools.pairwise(sentences):
        plain = (
            re.search(r"[a-z0-9)$]\.\s+$", first.text)
            and "\n\n" not in first.text
            and not re.match(r"\s*[-*#\d]", first.text)
        )
        starts = re.match(
            r"(?:The|There|This|It|He|She|They|We|In|After|Each|So|Then|Next|Now) ", second.text
        )
        if plain and starts and len(first.text) + len(second.text) < 260 and "\\[" not in first.text:
            options.append((first, second))
    if not options:
        return None
    first, second = rng.choice(options)
    link = rng.choice(("; ", ", and ")) if not re.match(r"So|Then|Now|Next", second.text) else ", and "
    joined = first.text.rstrip()[:-1] + link + text.lowered(second.text, revision.question)
    return put(revision.revised, first.start, second.end, joined, "two sentences merged")


def rewritten_numbers(rng: random.Random, revision: Revision) -> Fault | None:
    """Numbers and signs written another way everywhere."""
    before = revision.revised
    ways: list[Callable[[str], str]] = [
        lambda t: re.sub(r"(?<=\d) ?\* ?(?=\d)", " × ", t),
        lambda t: t.replace("\\dfrac", "\\frac"),
        lambda t: re.sub(r"(?<=\d)/(?=\d)", " ÷ ", t) if "frac" not in t and revision.form == "gsm8k" else t,
        lambda t: re.sub(r"(?<![\d.,])(\d)(\d{3})(?![\d.,])", r"\1,\2", t) if _quantities(revision) else t,
        lambda t: re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", t) if not re.search(r"\{\d|\(\d", t) else t,
        lambda t: re.sub(r"(?<=\d) \\times (?=\d)", r" \\cdot ", t),
        lambda t: re.sub(r"(\$\d+)\.00\b", r"\1", t),
    ]
    rng.shuffle(ways)
    for way in ways:
        after = way(before)
        if after != before:
            return Fault(after, "numbers or signs written another way", (0, len(after)))
    return None


def _quantities(revision: Revision) -> bool:
    """Whether numbers of four digits are amounts, and not years or strings of digits."""
    return revision.form in {"gsm8k", "generated"} and not re.search(r"\b(?:19|20)\d\d\b", revision.revised)


def withdrawn_removed(rng: random.Random, revision: Revision) -> Fault | None:
    """The original takes a step back or does it again; the revision has only the right step."""
    plant = rng.choice((slip, wrong_operation, misread, redone))
    fault = plant(rng, revision)
    return fault and Fault(
        revision.revised, "wrong step and its taking back taken out", (0, 0), fault.original
    )


def renumbered(rng: random.Random, revision: Revision) -> Fault | None:
    """Steps that are numbered, in the original with a first step that only reads the question."""
    if revision.form not in {"gsm8k", "generated"}:
        return None
    lines = [unit.text.strip() for unit in text.units(revision.revised)]
    mark = rng.choice(("Step {0}: ", "{0}. ", "({0}) ", "**Step {0}.** "))
    first = rng.choice(
        ("Read the problem and note what is given.", "Understand what is asked.", "Collect the facts.")
    )
    original = "\n".join(mark.format(n) + line for n, line in enumerate([first, *lines], 1))
    revised = "\n".join(mark.format(n) + line for n, line in enumerate(lines, 1))
    return Fault(revised, "empty first step taken out, the others renumbered", (0, 0), original)


def summary_with_steps(rng: random.Random, revision: Revision) -> Fault | None:
    """The summary restates a step of the thinking as it is."""
    options = [
        u
        for u in text.units(revision.revised)
        if next(text.true_equations(u.text), None) and len(u.text) < 200
    ]
    if not options or revision.form == "math":
        return None
    response = f"{rng.choice(options).text.strip()} {revision.revised_response}"
    return Fault(revision.revised, "summary restates a step", (0, 0), response=response)


PLANTERS: dict[str, Planter] = {
    "unchanged": unchanged,
    "aside_removed": aside_removed,
    "check_removed": check_removed,
    "lead_in_cut": lead_in_cut,
    "purpose_cut": purpose_cut,
    "merged": merged,
    "rewritten_numbers": rewritten_numbers,
    "withdrawn_removed": withdrawn_removed,
    "renumbered": renumbered,
    "summary_with_steps": summary_with_steps,
}
