"""How Sphinx makes the documentation of `docs/` into a site.

    python -m sphinx -W --keep-going -c tools/site docs site

Nothing is fetched, neither when it is made nor when it is read: search, fonts and drawings are
local. A page that nobody lists, a link that leads nowhere, and a name of the code that does not
exist are errors.
"""

import importlib.util
import sys
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path

# The packages of this checkout.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

project = "order-lifecycle"
author = "the authors of order-lifecycle"
copyright = author  # noqa: A001
try:
    release = installed_version("order-lifecycle")
except PackageNotFoundError:
    release = "from a checkout"

extensions = ["myst_parser", "sphinx.ext.autodoc", "tools.site.directives"]
source_suffix = {".md": "markdown"}
language = "en_GB"

# Markdown.
myst_heading_anchors = 3
myst_fence_as_directive = ["mermaid"]

# Docstrings: what stands between backticks is code.
default_role = "literal"
autodoc_default_options = {"members": True, "undoc-members": True}
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
# What drop-ins stand in for need not be there to read about them.
autodoc_mock_imports = [
    name
    for name in ("aiohttp", "ccxt", "eth_account", "hummingbot", "hyperliquid", "nautilus_trader")
    if importlib.util.find_spec(name) is None
]
python_use_unqualified_type_names = True
# The contents beside a page would else list two thousand names, on every page.
toc_object_entries = False
python_maximum_signature_line_length = 88

# Looks.
html_theme = "furo"
html_title = f"order-lifecycle {release}"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
