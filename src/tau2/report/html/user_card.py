"""The report card of a simulated user as one HTML file that loads nothing from elsewhere."""

from __future__ import annotations

from tau2.metrics.user_card import UserCard
from tau2.report.cleaner import Cleaner
from tau2.report.html.page import page_policy, static_text
from tau2.report.html.templating import new_environment


def user_card_page(card: UserCard, clean: Cleaner | None = None) -> str:
    """Return the card as one HTML page; the same card gives the same page."""
    style = static_text("style.css")
    page: str = (
        new_environment(clean or Cleaner())
        .get_template("user_card.html")
        .render(card=card, style=style, policy=page_policy(style))
    )
    return page
