"""What the terminal shows of reviews; texts of models stay text."""

from __future__ import annotations

import io

from rich.console import Console
from tests.cast import play, says

from tau2.data_model.review import Review, ReviewError
from tau2.evaluator.review import with_review
from tau2.report.terminal.review import review_panels, reviews_view
from tau2.runner.reviews import Reviewed

RUN = play("create_task_1", says("Done."), says("Please."))
NASTY = "[red]It lied\x1b[2J[/red]"


def found(**error):
    review = Review(summary=NASTY, errors=[ReviewError(**error)] if error else [], cost=0.01)
    return Reviewed(with_review(RUN, review), review)


def shown(*reviewed, details=False, written_to=None) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(reviews_view(reviewed, "first", details=details, written_to=written_to))
    return console.file.getvalue()


def test_counts_by_side_and_severity_and_the_cost():
    text = shown(found(source="agent", error_type="critical"), found())
    assert "2 of 2 simulations reviewed" in text
    assert (
        "mistakes of the agent: 1 critical, 0 minor; mistakes of the user: 0 critical, 0 minor"
        in text
    )
    assert "cost of the reviews: $0.0200" in text


def test_only_simulations_with_mistakes_are_listed():
    assert "summary" not in shown(found())
    assert "1 minor" in shown(found(source="user"))


def test_details_say_where_why_and_what_would_be_right():
    text = shown(
        found(
            source="user",
            error_type="critical",
            turn_idx=3,
            reasoning=NASTY,
            correct_behavior="Tell the truth.",
        ),
        details=True,
    )
    assert "• user, critical, turn 3: [red]It lied[/red]" in text
    assert "better: Tell the truth." in text
    assert "\x1b" not in text


def test_what_was_not_reviewed_says_why():
    text = shown(Reviewed(RUN, problem="the reviewer is away"), written_to="there")
    assert "0 of 1 simulation reviewed" in text
    assert "not reviewed: sim: the reviewer is away" in text
    assert "written to there" in text


def test_a_conversation_shows_its_reviews():
    assert len(review_panels(found().run)) == 1
    assert review_panels(RUN) == []
