"""Revisions next to their originals in a terminal, and the keys by which a person judges them.

On a terminal a pair is shown page by page and a key is read without Enter. Without one, the whole pair is
printed and answers are read from the lines of standard input, so that it also works in a pipe.
"""

import os
import select
import shutil
import termios
import tty
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, TextIO

from rich.console import Console, Group, RenderableType
from rich.rule import Rule
from rich.segment import Segments
from rich.table import Table
from rich.text import Text

from drp.console import printable
from drp.core import BadInputError
from drp.reviews import FAULTS, VERDICTS, Judgement, PairStep, RevisionPair, judge

SKIP, QUIT, BACK, HELP, MORE = "skip", "quit", "back", "help", "more"
COMMANDS = {"s": SKIP, "b": BACK, "q": QUIT, "?": HELP}
VERDICT_KEYS = {str(number): name for number, name in enumerate(VERDICTS)}
FAULT_KEYS = {str(number): name for number, name in enumerate(FAULTS, start=1)}

WIDTH = 120
"""Width without a terminal."""
SIDE_BY_SIDE = 140
"""Width from which the revision stands beside the original, and not below it."""
_ACTIONS = {
    "KEEP": ("✓", "green", ""),
    "DELETE": ("✕", "red", "dim strike"),
    "SINGLE-STEP COMPRESS": ("▸◂", "blue", "dim"),
    "MULTI-STEP COMPRESS": ("▸▸◂◂", "magenta", "dim"),
}
"""The sign of an action, its colour, and the style of the original text."""


class Terminal:
    """Where pairs are shown and answers are read."""

    def __init__(self, stdin: TextIO, stdout: TextIO) -> None:
        self._stdin = stdin
        self._is_paged = stdin.isatty() and stdout.isatty()
        self.console = Console(file=stdout, width=None if stdout.isatty() else WIDTH, highlight=False)

    def show(self, content: RenderableType, keys: Mapping[str, str]) -> str | None:
        """Show something, page by page on a terminal. Return the answer if a key of `keys` ends it early."""
        if not self._is_paged:
            self.console.print(content)
            return None
        lines = self.console.render_lines(content, pad=False, new_lines=True)
        size = max(shutil.get_terminal_size().lines - 2, 1)
        for start in range(0, len(lines), size):
            page = [segment for line in lines[start : start + size] for segment in line]
            self.console.print(Segments(page), end="")
            if start + size < len(lines):
                answer = self.ask(f"{100 * (start + size) // len(lines)} % · space more", {" ": MORE, **keys})
                if answer != MORE:
                    return answer
        return None

    def ask(self, prompt: str, keys: Mapping[str, str]) -> str:
        """Ask until the answer is a key of `keys`, or the word behind it, and return the word.

        Raises:
            EOFError: there is no more input.
        """
        answers = {**keys, **{word: word for word in keys.values()}}
        while True:
            self.console.print(Text(f"{prompt}: ", style="bold"), end="")
            answer = self._answer()
            if answer in answers:
                return answers[answer]
            listed = ", ".join(f"{key} {word}" for key, word in keys.items() if key.strip())
            self.console.print(Text(f"use one of: {listed}", style="yellow"))

    def ask_text(self, prompt: str) -> str:
        """Ask for a line of text; it may be empty."""
        self.console.print(Text(f"{prompt}: ", style="bold"), end="")
        return self._line()

    def _answer(self) -> str:
        if not self._is_paged:
            return self._line().strip().lower()
        key = _read_key(self._stdin.fileno()).lower()
        key = " " if key in ("\r", "\n") else key  # Enter does what space does, where that is offered
        self.console.print(Text(printable(key) if key.strip() else ""))
        return key

    def _line(self) -> str:
        line = self._stdin.readline()
        if not line:
            raise EOFError
        return line.rstrip("\n")


def _read_key(descriptor: int) -> str:
    """Return the next key of a terminal, without waiting for Enter. What was typed ahead is kept.

    Raises:
        EOFError: the key is Ctrl-D.
    """
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor, termios.TCSADRAIN)
        key = os.read(descriptor, 1)
        if key == b"\x1b" or key >= b"\x80":  # an arrow key, or a letter of several bytes
            while select.select([descriptor], [], [], 0.01)[0]:
                key += os.read(descriptor, 1)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
    if key in (b"", b"\x04"):
        raise EOFError
    return key.decode("utf-8", "replace")


def read_through(
    terminal: Terminal, pairs: Sequence[RevisionPair]
) -> Iterator[tuple[RevisionPair, Judgement]]:
    """Show the pairs in order, and yield each with the person's judgement.

    Quitting, the end of the input and Ctrl-C end it. A pair can be judged again by going back.
    """
    number = 0
    try:
        while number < len(pairs):
            answer = _judged(terminal, pairs[number], f"{number + 1} of {len(pairs)}")
            if answer == QUIT:
                return
            if isinstance(answer, Judgement):
                yield pairs[number], answer
            number = max(number - 1, 0) if answer == BACK else number + 1
    except (EOFError, KeyboardInterrupt):
        terminal.console.print()


def _judged(terminal: Terminal, pair: RevisionPair, place: str) -> Judgement | str:
    """Show one pair and return the judgement, or what the person wants instead."""
    keys = {**VERDICT_KEYS, **COMMANDS}
    answer = terminal.show(render_pair(pair, place, terminal.console.width), keys)
    while True:
        answer = answer or terminal.ask(_prompt(keys), keys)
        if answer == HELP:
            terminal.console.print(_meanings())
        elif answer == "sound":
            return judge(answer)
        elif answer not in VERDICTS:
            return answer
        else:
            fault = terminal.ask(_prompt(FAULT_KEYS), FAULT_KEYS)
            note = terminal.ask_text("note" if fault == "other" else "note (Enter for none)")
            try:
                return judge(answer, fault, note)
            except BadInputError as error:
                terminal.console.print(Text(printable(error.problem), style="yellow"))
        answer = None


def render_pair(pair: RevisionPair, place: str, width: int) -> RenderableType:
    """Return the question, the original with the decision on each step, and the revision."""
    saved = "" if pair.saving is None else f" ({-pair.saving:+.0%})"
    after = "no revision" if pair.tokens_after is None else f"{pair.tokens_after:,}"
    lines: list[RenderableType] = [
        Rule(Text(f"{place} · {pair.revision_id}", style="bold")),
        _text(
            f"{pair.dataset} · {pair.student} · {pair.tokens_before:,} → {after} {pair.counter_before}{saved}"
        ),
        _text(f"QUESTION  {pair.question}"),
        _text(f"GOLD ANSWER  {pair.gold_answer}"),
    ]
    if pair.reject_reasons:
        detail = f" · {pair.reject_detail}" if pair.reject_detail else ""
        lines.append(_text(f"REJECTED  {', '.join(pair.reject_reasons)}{detail}", "red"))
    before, revised = Group(*_original(pair)), Group(*_revision(pair))
    if width < SIDE_BY_SIDE:
        return Group(*lines, before, revised)
    sides = Table.grid(padding=(0, 3), expand=True)
    sides.add_column(ratio=1)
    sides.add_column(ratio=1)
    sides.add_row(before, revised)
    return Group(*lines, sides)


def _original(pair: RevisionPair) -> Iterator[RenderableType]:
    yield Rule(Text(f"original: {pair.n_steps} steps" if pair.steps else "original"), align="left")
    if not pair.steps:
        yield _text(pair.original_thinking or "")
    for step in pair.steps:
        yield from _step(step)
    yield _text(f"ANSWER  {pair.original_response or ''}")


def _step(step: PairStep) -> Iterator[RenderableType]:
    sign, colour, style = _ACTIONS.get(step.action, ("?", "", ""))
    others = f" with {', '.join(str(other + 1) for other in step.merged_with)}" if step.merged_with else ""
    about = " · ".join(part for part in (f"{step.index + 1}{others}", step.skill, step.reason) if part)
    yield Text.assemble((f"{sign} {printable(step.action)} ", f"bold {colour}"), (printable(about), "dim"))
    yield _text(step.original.strip(), style)
    if step.revised_text is not None and step.action != "KEEP":
        yield _text(f"→ {step.revised_text.strip()}", colour)


def _revision(pair: RevisionPair) -> Iterator[RenderableType]:
    yield Rule(Text("revision"), align="left")
    if pair.thinking is None:
        yield _text("there is none: it was rejected before the teacher wrote one", "dim")
        return
    yield _text(pair.thinking)
    yield _text(f"ANSWER  {pair.response or ''}")


def _text(text: str, style: str = "") -> Text:
    return Text(printable(text), style=style)


def _prompt(keys: Mapping[str, str]) -> str:
    return "  ".join(f"{key} {word}" for key, word in keys.items())


def _meanings() -> Table:
    table = Table.grid(padding=(0, 2))
    for key, verdict in VERDICT_KEYS.items():
        table.add_row(key, verdict, VERDICTS[verdict])
    table.add_row()
    for key, fault in FAULT_KEYS.items():
        table.add_row(key, fault, FAULTS[fault])
    return table


def pair_document(pair: RevisionPair) -> dict[str, Any]:
    """Return a pair as JSON has it: whole texts, and the decision on each step."""
    document = asdict(pair)
    reference = document.pop("ref")
    steps = document.pop("steps")
    return {**reference, **document, "saving": pair.saving, "steps": steps}
