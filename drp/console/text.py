"""Text of models and providers, made safe for a terminal."""

_SPACES = {"\t": "    ", "\r\n": "\n", "\r": "\n", "\u2028": "\n", "\u2029": "\n"}


def printable(text: str) -> str:
    """Return `text` with its lines kept and everything that could control a terminal made visible.

    Escape sequences, other control characters, and characters that change the direction of text or have no
    width become escapes such as `\\x1b`. Tabs and unusual spaces become spaces.
    """
    for found, shown in _SPACES.items():
        text = text.replace(found, shown)
    return "".join(c if c == "\n" or c.isprintable() else _visible(c) for c in text)


def _visible(character: str) -> str:
    return (
        " "
        if character.isspace() and ord(character) > 0x7F and ord(character) != 0x85
        else ascii(character)[1:-1]
    )
