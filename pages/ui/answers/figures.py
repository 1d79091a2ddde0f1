"""Tokens and latency of an answer, and how it ended, in words."""

from __future__ import annotations

from typing import Final

from pages.ui.format import plural

LOADING_S: Final = 3.0  # if the first token takes longer, the model was being loaded
LOADING: Final = ":material/progress_activity: Loading the model. Only the first answer has to wait."
READING: Final = ":material/progress_activity: Reading the input"


def line(seconds: float, first_s: float | None, tokens: int, prompt_tokens: int) -> str:
    """`0.6 s · first token after 0.1 s · 17 tokens · input 42 tokens`; the time to load the model is not in the
    seconds, but shown separately."""
    waited = first_s or 0.0
    loading = waited > LOADING_S
    parts = [f"{seconds - waited if loading else seconds:.1f} s"]
    if first_s is not None and not loading:
        parts.append(f"first token after {first_s:.1f} s")
    if tokens:
        parts.append(plural(tokens, "token"))
    if prompt_tokens:
        parts.append(f"input {plural(prompt_tokens, 'token')}")
    if loading:
        parts.append(f"loaded in {waited:.0f} s")
    return " · ".join(parts)


def ending(state: str, finish_reason: str, max_tokens: int | None) -> str:
    """What an answer that is not complete is marked with; "" for a complete one."""
    if state == "stopped":
        return "Stopped. This is the part that arrived."
    if state == "interrupted":
        return "Interrupted: the studio was restarted. This is the part that arrived."
    if finish_reason == "length":
        limit = f" of {plural(max_tokens, 'token')}" if max_tokens else ""
        return f"Cut off at the maximum length{limit}. *Settings* allows longer answers."
    return ""


def waiting(waited_s: float) -> str:
    """The text before the first token."""
    return LOADING if waited_s > LOADING_S else READING
