from __future__ import annotations

from tests.unit.report.conftest import a_priced_run, a_run, some_results

from tau2.data_model.message import MultiToolMessage, ToolMessage
from tau2.data_model.simulation import TextRunConfig
from tau2.metrics.agent_metrics import compute_metrics
from tau2.utils.display import ConsoleDisplay, MarkdownDisplay


def test_the_console_shows_each_thing(capsys):
    results = some_results(a_priced_run(0.25, task_id="buy"))
    ConsoleDisplay.display_run(TextRunConfig(domain="shop"))
    ConsoleDisplay.display_task(results.tasks[0])
    ConsoleDisplay.display_simulation(results.simulations[0], show_details=False)
    ConsoleDisplay.display_simulation(results.simulations[0])
    ConsoleDisplay.display_messages(results.simulations[0].messages)
    ConsoleDisplay.display_agent_metrics(compute_metrics(results))
    shown = capsys.readouterr().out
    for text in ("domain", "Ask.", "reward: 1.00", "→ look(", "average reward", "$0.2500"):
        assert text in shown


def test_an_unknown_cost_is_unknown(capsys):
    ConsoleDisplay.display_agent_metrics(compute_metrics(some_results(a_priced_run(None))))
    assert "unknown" in capsys.readouterr().out


def test_markdown_is_text_to_paste():
    text = MarkdownDisplay.display_simulation(a_run("buy"))
    assert text.startswith("## Task buy, trial 0\n- ended: user_stop\n- reward: 1.00")
    assert "**user**: Help me" in text
    assert '- calls `look(order="#W1")`' in text
    assert '```\n{"status": "pending"}\n```' in text


def test_markdown_of_what_was_not_scored():
    assert "- reward: not scored" in MarkdownDisplay.display_simulation(a_run(reward=None))


def test_backticks_in_a_result_do_not_close_its_block():
    message = MultiToolMessage(
        tool_messages=[ToolMessage(id="1", content="```\nhi\n```", error=True)]
    )
    text = MarkdownDisplay.display_messages([message])
    assert text == "**tool error for assistant**:\n````\n```\nhi\n```\n````"


def test_markdown_of_reference_actions():
    from tau2.data_model.tasks import Action

    actions = [Action(action_id="1", name="look", arguments={"order": "#W1"})]
    assert MarkdownDisplay.display_actions(actions) == "- assistant: `look(order=#W1)`"
