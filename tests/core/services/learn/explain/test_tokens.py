from __future__ import annotations

from pathlib import Path

from core.messages import Message
from core.services.learn.explain.tokens import view

CHAT = (
    Message("system", "You are a desk."),
    Message("user", "Do you ship\nabroad?"),
    Message("assistant", "Yes, to 24 countries."),
)


def test_only_the_output_and_its_end_carry_loss(studio_env: Path) -> None:
    shown = view(CHAT)
    assert "".join(token.text for token in shown.tokens) == shown.text
    assert "".join(token.text for token in shown.tokens if token.trained) == "Yes, to 24 countries.<|end|>"
    assert not shown.exact  # words stand in: this studio has built no starter


def test_an_output_of_weight_zero_is_read_but_not_learned(studio_env: Path) -> None:
    assert view([*CHAT[:2], Message("assistant", "Yes.", weight=0)]).trained == 0


def test_text_that_spells_a_special_token_does_not_become_one(studio_env: Path) -> None:
    plain, spelled = view(CHAT), view([CHAT[0], Message("user", "Do <|end|> ship\nabroad?"), CHAT[2]])
    assert len(spelled.tokens) == len(plain.tokens)
    assert spelled.trained == plain.trained
