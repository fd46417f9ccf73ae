from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tau2.service.markdown import as_html


def test_headings_lists_and_emphasis():
    page = as_html(
        "# Rules\n\nBe **kind** and\nuse `tools`.\n\n- one\n  more\n  - two\n3. three\n\nEnd"
    )
    assert page.split("\n") == [
        "<h2>Rules</h2>",
        "<p>Be <b>kind</b> and use <code>tools</code>.</p>",
        '<ul><li class="deep0">one more</li><li class="deep1">two</li><li class="deep0">3. three</li></ul>',
        "<p>End</p>",
    ]


@given(st.text(alphabet="<>&\"'*`#- \nab1.", max_size=200))
def test_no_text_becomes_a_tag_of_its_own(text):
    page = as_html(text)
    for tag in ("h2", "h3", "h4", "h5", "h6", "p", "ul", "b", "code"):
        page = page.replace(f"<{tag}>", "").replace(f"</{tag}>", "")
    for depth in range(4):
        page = page.replace(f'<li class="deep{depth}">', "").replace("</li>", "")
    assert "<" not in page
    assert ">" not in page
