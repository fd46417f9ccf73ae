"""Build the documentation site into build/docs/html, with llms.txt and the markdown of every page.

    python tools/site/build.py

A warning of Sphinx is an error: a link or reference that leads nowhere fails the build.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from api import write_reference
from llms import write_llms_files
from pages import ROOT, write_pages

HERE = Path(__file__).resolve().parent
BUILD = ROOT / "build" / "docs"


def main() -> int:
    """Write the pages, run Sphinx, and add what language models read; return the exit code."""
    source = BUILD / "source"
    html = BUILD / "html"
    shutil.rmtree(BUILD, ignore_errors=True)
    source.mkdir(parents=True)
    write_pages(source)
    write_reference(ROOT / "src", source / "api")
    shutil.copy(HERE / "conf.py", source)
    shutil.copy(HERE / "scorer.js", source)
    shutil.copytree(HERE / "static", source / "_static")
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q"]
    built = subprocess.run([*command, str(source), str(html)], check=False)
    if built.returncode == 0:
        write_llms_files(source, html)
        print(f"open {html.relative_to(ROOT)}/index.html")
    return built.returncode


if __name__ == "__main__":
    sys.exit(main())
