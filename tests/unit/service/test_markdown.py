from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tau2.service.templating import as_html

_TAG = re.compile(
    r"</?(?:h[2-6]|p|ul|ol|li|strong|em|s|code|pre|blockquote|table|thead|tbody|tr)>"
    r'|<hr(?: /)?>|<br(?: /)?>|<ol start="\d+">|<t[hd](?: style="text-align:\w+")?>|</t[hd]>'
    r'|<a href="(?:https?://|mailto:|#)[^"<>]*"(?: title="[^"<>]*")?>|</a>'
    r'|<code class="language-[^"<>]*">'
)


def test_headings_lists_and_emphasis():
    page = as_html(
        "# Rules\n\nBe **kind** and\nuse `tools`.\n\n- one\n  more\n  - two\n\n3. three\n\nEnd"
    )
    assert page.split("\n") == [
        "<h2>Rules</h2>",
        "<p>Be <strong>kind</strong> and",
        "use <code>tools</code>.</p>",
        *["<ul>", "<li>one", "more", "<ul>", "<li>two</li>", "</ul>", "</li>", "</ul>"],
        *['<ol start="3">', "<li>three</li>", "</ol>"],
        "<p>End</p>",
        "",
    ]


def test_tables_are_tables_and_indented_text_is_no_code():
    assert "<td>1</td>" in as_html("| a |\n|---|\n| 1 |")
    assert as_html("    Args: none.") == "<p>Args: none.</p>\n"


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//evil.example"]
)
def test_only_web_and_mail_addresses_are_links(address):
    assert "<a" not in as_html(f"[x]({address})")
    assert '<a href="https://a.example/">' in as_html("[x](https://a.example/)")


def test_images_are_not_loaded():
    assert "<img" not in as_html("![x](https://evil.example/pixel.png)")


def test_html_stays_text():
    page = as_html('<script>x</script>\n\nA <b onclick="y">word</b>.')
    assert "<script" not in page
    assert "<b" not in page
    assert "&lt;b onclick" in page


@given(st.text(alphabet="<>&\"'*`#-~|!=_[]():/ \nab1.", max_size=200) | st.text(max_size=100))
def test_no_text_becomes_a_tag_of_its_own(text):
    page = _TAG.sub("", as_html(text))
    assert "<" not in page
    assert ">" not in page
