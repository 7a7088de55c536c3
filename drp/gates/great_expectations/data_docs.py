"""Data Docs: Great Expectations' report of a run as a static site that works without a network.

The original pages load styles, scripts and a logo from half a dozen hosts, and the index is empty without
them. External references are therefore removed, and the index is replaced by a list of the failures with a
link to the page of every suite. Importing this module imports Great Expectations: import it inside functions.
"""

import re
import shutil
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import great_expectations
from great_expectations.core.run_identifier import RunIdentifier

from drp.gates.great_expectations.suites import Suite

if TYPE_CHECKING:
    import pandas as pd

_SITE = "night"

_STYLE = """<style>
body { font: 15px/1.5 sans-serif; margin: 2em; max-width: 75em }
table { border-collapse: collapse } td, th { border: 1px solid #ccc; padding: .2em .6em; text-align: left }
</style>"""

# A script, which would not work without external libraries.
_SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL)
# An external style sheet or image.
_EXTERNAL = re.compile(r"<(?:link|img)\b[^>]*\s(?:href|src)=\"https?://[^>]*>")


class DataDocs:
    """A Great Expectations context and its pages in a folder, which replace those of an earlier check."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        for pages in ("validations", "expectations"):
            shutil.rmtree(self._folder / pages, ignore_errors=True)
        context = great_expectations.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        for name in list(context.config.data_docs_sites or {}):
            context.delete_data_docs_site(name)
        context.add_data_docs_site(
            _SITE,
            {
                "class_name": "SiteBuilder",
                "show_how_to_buttons": False,
                "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
                "store_backend": {
                    "class_name": "TupleFilesystemStoreBackend",
                    "base_directory": str(self._folder),
                },
            },
        )
        self._context = context
        self._source = context.data_sources.add_pandas(_SITE)
        self._definitions: dict[str, Any] = {}

    def validate(self, suite: Suite, frame: "pd.DataFrame", name: str, max_examples: int) -> list[Any]:
        """Return the outcomes of the suite's expectations on one frame and add a page for them.

        The page names up to `max_examples` unexpected rows per expectation.
        """
        outcome = self._definition(suite).run(
            batch_parameters={"dataframe": frame},
            result_format={
                "result_format": "SUMMARY",
                "unexpected_index_column_names": [suite.key],
                "partial_unexpected_count": max_examples,
            },
            run_id=RunIdentifier(run_name=name),
        )
        return list(outcome.results)

    def _definition(self, suite: Suite) -> Any:
        if suite.name not in self._definitions:
            stored = self._context.suites.add(
                great_expectations.ExpectationSuite(suite.name, expectations=list(suite.expectations))
            )
            asset = self._source.add_dataframe_asset(suite.name)
            self._definitions[suite.name] = self._context.validation_definitions.add(
                great_expectations.ValidationDefinition(
                    name=suite.name, data=asset.add_batch_definition_whole_dataframe("rows"), suite=stored
                )
            )
        return self._definitions[suite.name]

    def build(self, failures: Sequence[str]) -> None:
        """Write the pages and an index that starts with `failures`."""
        self._context.build_data_docs()
        for page in self._folder.rglob("*.html"):
            text = _EXTERNAL.sub("", _SCRIPT.sub("", page.read_text(encoding="utf-8")))
            page.write_text(text.replace("</head>", f"{_STYLE}</head>", 1), encoding="utf-8")
        self._folder.joinpath("index.html").write_text(self._index(failures), encoding="utf-8")

    def _index(self, failures: Sequence[str]) -> str:
        verdict = f"Failed expectations: {len(failures)}" if failures else "All expectations hold"
        items = "".join(f"<li>{escape(failure)}</li>" for failure in failures)
        pages = [
            (f"{suite}, {page.parts[-3]}", quote(str(page.relative_to(self._folder))))
            for suite in self._definitions
            for page in sorted(self._folder.glob(f"validations/{suite}/*/*/*.html"))
        ]
        links = "".join(f'<li><a href="{link}">{escape(name)}</a></li>' for name, link in pages)
        return (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{verdict}</title>{_STYLE}'
            f"</head><body><h1>{verdict}</h1><ul>{items}</ul><h2>Suites</h2><ul>{links}</ul></body></html>\n"
        )
