"""What a run would cost, for the terminal and as data."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from tau2.llm.prices import COMPILED_ON
from tau2.report.safe_text import one_line, plain
from tau2.report.terminal.tables import Listing, new_table
from tau2.runner.estimate import PACES, Estimate, RoleEstimate
from tau2.utils.text import plural

_NOTE = (
    "Estimated from the reference actions and the real prompts, for short, usual and long "
    "conversations. Retries, thinking tokens and discounts for cached prompts are not included."
)


def estimate_view(found: Estimate, max_cost: float | None) -> RenderableType:
    """Return one line per model and pace, and the total."""
    units = f"{plural(found.tasks, 'task')}, {plural(found.trials, 'trial')} each"
    head = plain(f"{plural(found.simulations, 'simulation')}: {units}", style="bold")
    if not found.roles:
        return Group(head, plain("no model is called: this run costs nothing"))
    note = plain(f"prices as of {COMPILED_ON}. {_NOTE}")
    parts: list[RenderableType] = [head, Text(""), _table(found), Text(""), note]
    unknown = [role.model for role in found.roles if role.price is None]
    if unknown:
        named = ", ".join(one_line(model, 80) for model in dict.fromkeys(unknown))
        how = "give input_cost_per_token and output_cost_per_token in the model's arguments"
        parts.append(plain(f"no price is known for {named}: {how}", style="yellow"))
    high = found.cost("high")
    if max_cost is not None and high is not None and high > max_cost:
        parts.append(
            plain(
                f"--max-cost {max_cost:g} may stop this run before it is complete", style="yellow"
            )
        )
    return Group(*parts)


def _table(found: Estimate) -> Listing:
    right = ("calls", "prompt tokens", "completion tokens", "US dollars")
    table = new_table("role", "model", "", *right, right=right, names=("role", "model"))
    first = next(iter(PACES))
    for role in found.roles:
        for pace in PACES:
            amount = role.amounts[pace]
            is_first = pace == first
            table.add_row(
                plain(role.role if is_first else ""),
                plain(one_line(role.model, 60) if is_first else ""),
                pace,
                f"{amount.calls:,}",
                f"{amount.prompt_tokens:,}",
                f"{amount.completion_tokens:,}",
                _dollars(role.cost(pace)),
            )
    for pace in PACES:
        label = Text("total" if pace == first else "", style="bold")
        cost = Text(_dollars(found.cost(pace)), style="bold")
        table.add_row(label, "", pace, "", "", "", cost)
    return table


def _dollars(cost: float | None) -> str:
    if cost is None:
        return "unknown"
    return f"{cost:,.4f}" if cost < 1 else f"{cost:,.2f}"


def estimate_data(found: Estimate) -> dict[str, object]:
    """Return the same as JSON data."""
    return {
        "simulations": found.simulations,
        "tasks": found.tasks,
        "trials": found.trials,
        "prices_as_of": COMPILED_ON,
        "cost": {pace: found.cost(pace) for pace in PACES},
        "models": [_role_data(role) for role in found.roles],
    }


def _role_data(role: RoleEstimate) -> dict[str, object]:
    return {
        "role": role.role,
        "model": role.model,
        **{
            pace: {
                "calls": role.amounts[pace].calls,
                "prompt_tokens": role.amounts[pace].prompt_tokens,
                "completion_tokens": role.amounts[pace].completion_tokens,
                "cost": role.cost(pace),
            }
            for pace in PACES
        },
    }
