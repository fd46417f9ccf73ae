"""Sphinx's settings for the documentation site; see build.py."""

from pathlib import Path

project = "tau2"
author = "the tau2 authors"
extensions = ["myst_parser", "sphinx_copybutton"]
root_doc = "index"
language = "en"
smartquotes = False

myst_heading_anchors = 4
myst_enable_extensions = ["strikethrough"]
add_module_names = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = "tau2"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_search_scorer = str(Path(__file__).with_name("scorer.js"))
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
copybutton_exclude = ".linenos, .gp"
