"""The table of services in docs/hosted.md is the registry.

python -m tests.core.training.providers.test_hosted_docs      writes the table
"""

from __future__ import annotations

from pathlib import Path

from core.text import size
from core.training.providers.hosted import HostedService
from core.training.providers.hosted_services import HOSTED_SERVICES
from core.training.providers.hosted_wire.openai_shaped import OpenAiShaped

FILE = Path(__file__).parents[4] / "docs" / "hosted.md"
MARK = "<!-- services -->\n"
HEADS = (
    "service",
    "id",
    "address",
    "methods",
    "file",
    "learning rate",
    "pause",
    "adapter back",
    "found again by",
    "key",
)


def table() -> str:
    lines = [f"| {' | '.join(HEADS)} |", "|" + "---|" * len(HEADS)]
    lines += [f"| {' | '.join(_row(service))} |" for service in HOSTED_SERVICES]
    return "\n" + "\n".join(lines) + "\n"


def _row(service: HostedService) -> tuple[str, ...]:
    rules, names = service.file_rules, [setting.name for setting in service.hyperparameters]
    rates = ["multiplier"] * ("learning_rate_multiplier" in names)
    rates += ["rate"] * any(name in ("learning_rate", "learningRate") for name in names)
    metadata = isinstance(service, OpenAiShaped) and service.dialect.metadata
    found = "metadata" if metadata else "its id" if service.id == "fireworks" else "the suffix"
    return (
        service.title,
        f"`{service.id}`",
        service.default_url,
        ", ".join(service.capabilities.methods),
        f"from {rules.min_examples}, up to {size(rules.max_bytes)}",
        " or ".join(rates),
        "yes" if service.capabilities.pause else "no",
        "yes" if service.capabilities.adapter else "no",
        found,
        ", ".join(f"`{variable}`" for variable in service.key_hosts) or "stored, or `SFT_KEY_HOSTS`",
    )


def parts() -> tuple[str, str, str]:
    before, mark, rest = FILE.read_text(encoding="utf-8").partition(MARK)
    shown, _, after = rest.lstrip("\n").partition("\n\n")
    return before + mark, f"\n{shown}\n" if shown.startswith("|") else "", after if shown.startswith("|") else rest


def test_the_table_is_the_registry() -> None:
    assert parts()[1] == table(), "write it again: python -m tests.core.training.providers.test_hosted_docs"


if __name__ == "__main__":
    before, _, after = parts()
    FILE.write_text(f"{before}{table()}\n{after.lstrip()}", encoding="utf-8")
