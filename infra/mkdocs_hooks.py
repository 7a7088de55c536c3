"""Hooks of the documentation site (mkdocs.yml): pages that are made of files outside docs/, and their links.

- README, CONTRIBUTING, CHANGELOG and the programs in examples/ become pages.
- Each package of drp/ gets a page of the reference, made of its front door.
- Links between all of them work; a link to another file of the repository becomes plain text.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
PAGES = {"README.md": "readme.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
"""Files at the root of the repository, and the pages that they become."""
EXAMPLES = "examples.md"
PACKAGES = "reference/packages"

_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)#\s]+)(#[^)\s]*)?\)")
_CODE = re.compile(r"(^```.*?^```$|`[^`\n]+`)", re.MULTILINE | re.DOTALL)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Append the pages of the packages to the reference."""
    pages = [f"{PACKAGES}/{package}.md" for package in _packages()]
    for section in config.nav or []:
        if "Reference" in section:
            section["Reference"].append({"Packages": pages})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made of files outside docs/."""
    texts = {page: (ROOT / file).read_text(encoding="utf-8") for file, page in PAGES.items()}
    texts[EXAMPLES] = _examples()
    texts |= {f"{PACKAGES}/{package}.md": _package_page(package) for package in _packages()}
    for uri, text in texts.items():
        files.append(File.generated(config, uri, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Make the links of a page lead to pages."""
    uri = page.file.src_uri
    source = next((file for file, made in PAGES.items() if made == uri), f"docs/{uri}")

    def link(match: re.Match[str]) -> str:
        image, text, target, anchor = match.groups()
        if "://" in target or target.startswith("mailto:"):
            return match[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        found = _page_of(path)
        if found is None:
            return str(text)
        relative = posixpath.relpath(found, posixpath.dirname(uri) or ".")
        return f"{image}[{text}]({relative}{anchor or ''})"

    pieces = _CODE.split(markdown)  # every second one is code
    return "".join(piece if number % 2 else _LINK.sub(link, piece) for number, piece in enumerate(pieces))


def _page_of(path: str) -> str | None:
    """The page or file of the site that shows a file of the repository; None if there is none."""
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    if path.startswith("examples"):
        return EXAMPLES
    return PAGES.get(path)


def _packages() -> list[str]:
    return sorted(path.parent.name for path in ROOT.glob("drp/*/__init__.py"))


def _package_page(package: str) -> str:
    """A page with the front door of a package and those of the packages in it."""
    inits = [ROOT / "drp" / package / "__init__.py", *sorted(ROOT.glob(f"drp/{package}/*/**/__init__.py"))]
    names = [
        ".".join(path.parent.relative_to(ROOT).parts) for path in inits if "migrations" not in path.parts
    ]
    return "\n\n".join(["---\ntitle: drp." + package + "\n---", *(f"::: {name}" for name in names)]) + "\n"


def _examples() -> str:
    """A page with the programs in examples/."""
    sections = ["# Examples\n\nShort programs in the folder `examples/` of the repository."]
    for path in sorted(ROOT.glob("examples/*.py")):
        sections.append(f"## {path.name}\n\n```python\n{path.read_text(encoding='utf-8').strip()}\n```")
    return "\n\n".join(sections) + "\n"
