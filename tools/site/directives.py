"""An extension of Sphinx: what the pages may say beyond Markdown.

`mermaid` draws a state diagram while the site is made; `modules` is the API of those modules of a
package that are there; `promises` lists what is checked, in its own words; and a
`toctree` may name patterns that no page fits yet.
"""

import importlib
import pkgutil
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.directives.other import TocTree
from sphinx.util.docutils import SphinxDirective
from sphinx.util.matching import patfilter

from tools.site.chart import svg


class Drawn(SphinxDirective):
    """A block whose text is a state diagram."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the drawing; an error of the diagram is one of the page."""
        try:
            drawing = svg("\n".join(self.content))
        except ValueError as error:
            raise self.error(str(error)) from error
        return [nodes.raw("", f"<p>{drawing}</p>", format="html")]


class Modules(SphinxDirective):
    """Documents modules of the package that is its argument: those of its lines that are there."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the documentation of the modules, in the order of the lines."""
        package = importlib.import_module(self.arguments[0])
        there = {found.name for found in pkgutil.iter_modules(package.__path__)}
        names = [line.strip() for line in self.content]
        wanted = [f"{package.__name__}.{name}" for name in names if name in there]
        lines = [line for name in wanted for line in (f".. automodule:: {name}", "")]
        return _parsed(self, lines)


class Promises(SphinxDirective):
    """Lists the promises by which every state and every journal is judged."""

    def run(self) -> list[nodes.Node]:
        """Return them as a list."""
        from lifecycle.check.verdict import PROMISES

        return _parsed(self, [f"* **{name}** {words}" for name, words in PROMISES.items()])


class Contents(TocTree):
    """A `toctree` from which patterns without a page are left out."""

    def run(self) -> list[nodes.Node]:
        """Return the tree of what there is."""
        pages = self.env.found_docs
        there = [
            line for line in self.content if "*" not in line or list(patfilter(pages, line.strip()))
        ]
        self.content = StringList(there, source=self.env.docname)
        return super().run()


def _parsed(directive: SphinxDirective, lines: list[str]) -> list[nodes.Node]:
    parent = nodes.container()
    source = StringList(lines, source=directive.env.docname)
    directive.state.nested_parse(source, directive.content_offset, parent)
    return parent.children


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directives."""
    app.add_directive("mermaid", Drawn)
    app.add_directive("modules", Modules)
    app.add_directive("promises", Promises)
    app.add_directive("toctree", Contents, override=True)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
