"""What verbs that start paid work share: an option to exceed a budget, and the estimate before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from core.cli._support.boundary import say
from core.cli._support.output import print_json
from core.text import size, time_range

if TYPE_CHECKING:
    from core.services.training.cost import CostEstimate
    from core.services.training.jobs import Forecast

OVER_BUDGET: Final[Any] = typer.Option(
    "--over-budget", metavar="REASON", help="Start it even if a budget does not cover it; the reason is recorded."
)
OverBudget = Annotated[str, OVER_BUDGET]


def print_hosted(found: CostEstimate, *, as_json: bool) -> None:
    """What a job at a service costs: the range on stdout, what it is the product of and what is left on stderr."""
    if as_json:
        return print_json(found.to_dict())
    print(found.text)
    say(" ".join(filter(None, (found.basis, found.remedy, found.service_text))))
    if found.can_ask:
        say("`sft spending estimate --ask-service` sends it; nothing is trained.")
    _say_left()


def print_local(found: Forecast, *, as_json: bool) -> None:
    """What a run on this machine takes and costs: the ranges on stdout, their basis and the warnings on stderr."""
    from core.services.training import jobs

    cost, rough = jobs.cost_range(found), jobs.rough_time(found)
    seconds = jobs.time_range(found)
    if as_json:
        facts = {**found.to_dict(), "rough_time_s": rough, "cost": cost, "training": found.training.model_dump()}
        return print_json(facts)
    print(time_range(*seconds) if seconds else "The time is not known.")
    if cost is not None:
        print(cost.text)
    say(_time_basis(found, rough))
    if cost is None and seconds:
        say("The price of an hour is not set (SFT_PRICE_PER_HOUR), so no cost is estimated.")
    say(f"Memory: {size(found.memory.low)} to {size(found.memory.high)} of {size(found.memory.free_bytes)} free.")
    for warning in found.warnings:
        say(f"Warning: {warning}")
    if cost is not None:
        _say_left()


def _time_basis(found: Forecast, rough: Any) -> str:
    work = f"{found.training.total_steps:,} steps, {found.total_tokens:,} tokens"
    if found.time.low_s is not None:
        return f"{work}, at the speed that was measured on this machine."
    if rough:
        return f"{work}, at a speed that is estimated from this processor. The first run measures it."
    return f"{work}. The speed of this device is not measured yet; the first run measures it."


def _say_left() -> None:
    from core.services.platform import budgets

    for budget in budgets.budgets_of(budgets.TRAINING):
        say(budget.left)
