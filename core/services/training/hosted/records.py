"""Frozen records of what a hosted service says about a job."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint at a service; `model` answers there, if it is not ""."""

    id: str
    step: int
    model: str = ""


@dataclass(frozen=True, slots=True)
class HostedFacts:
    """How a job is doing at its service, as of the last visit.

    `remote_status` is the service's own word, `known` whether it is one of those that it documents. `trouble` is why
    the last visit failed, "" if it did not. `model` is the tuned model there.
    """

    service: str
    service_title: str
    connection_id: str
    connection: str
    host: str
    remote_id: str = ""
    remote_status: str = ""
    known: bool = True
    model: str = ""
    checkpoints: tuple[Checkpoint, ...] = ()
    total_steps: int = 0
    trained_tokens: int | None = None
    finish_at: float | None = None
    estimated_usd: float | None = None
    billed_usd: float | None = None
    poll_count: int = 0
    trouble: str = ""

    @property
    def status(self) -> str:
        """The service's word as screens show it: `running`, or `running (provider says “warming_up”)`."""
        if not self.remote_status or self.known:
            return self.remote_status
        return f"running (provider says “{self.remote_status}”)"
