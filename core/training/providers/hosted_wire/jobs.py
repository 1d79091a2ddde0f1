"""Jobs at a service, whatever its API: failures of listing, creating and acting on them, and the ids of new ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from core.models.llm.failures import LlmError
from core.training.providers.hosted import RemoteAction, RemoteState

ENDED: Final[frozenset[RemoteState]] = frozenset({"succeeded", "failed", "cancelled"})
_LEADS_TO: Final[Mapping[RemoteAction, RemoteState]] = {"pause": "paused", "resume": "running"}
_REFUSALS: Final = (400, 409, 422)


@contextmanager
def listing() -> Iterator[None]:
    """A request to the list of jobs: an address without one has no fine-tuning."""
    try:
        yield
    except LlmError as error:
        raise _no_training(error) from None


@contextmanager
def creating() -> Iterator[None]:
    """A request that creates a job."""
    try:
        yield
    except LlmError as error:
        raise _not_accepted(error) from None


@contextmanager
def acting(action: RemoteAction, state: Callable[[], RemoteState]) -> Iterator[None]:
    """An action on a job: that it is refused is not an error where the job has ended, or is as it should be already.

    Args:
        state: asks the service how the job is.
    """
    try:
        yield
    except LlmError as error:
        if error.status not in _REFUSALS:
            raise
        now = state()
        if now not in ENDED and now != _LEADS_TO.get(action):
            raise


def _no_training(error: LlmError) -> LlmError:
    """The failure of a request to the list of jobs: an address without it has no fine-tuning."""
    if error.cause != "gone":
        return error
    return LlmError(
        "The server at this address does not offer fine-tuning.",
        "Correct the address, or choose where the connection trains.",
        cause="not_offered",
        status=error.status,
        detail=error.detail,
    )


def _not_accepted(error: LlmError) -> LlmError:
    """The failure of a request that creates a job: what it names may be unknown there."""
    if error.cause != "gone" or not error.detail:
        return _no_training(error)
    return LlmError(
        f"The service does not accept the job: {error.detail}",
        "Choose a base model that the service lists, and files that are there.",
        cause="refused",
        status=error.status,
        detail=error.detail,
    )


def identity(created: Mapping[str, Any]) -> str:
    """The id of what was created. Raises LlmError where the answer has none."""
    found = str(created.get("id") or "")
    if not found:
        raise LlmError("The service answers without an id.", cause="broken")
    return found
