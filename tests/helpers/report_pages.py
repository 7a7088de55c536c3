"""Parses a report page into its tags, its text and its commands."""

from html.parser import HTMLParser


class Page(HTMLParser):
    """Tags with their attributes, the text between them, and the text of each <pre>."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.commands: list[str] = []
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.text += " "
        if tag in ("pre", "style"):
            self._inside = tag
        if tag == "pre":
            self.commands.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside != "style":
            self.text += data
        if self._inside == "pre":
            self.commands[-1] += data

    @property
    def words(self) -> str:
        return " ".join(self.text.split())
