"""A series of SIGKILLs over one training run, from a seeded schedule, each logged with the moment it fell into.

The work process is a real one. Where a kill is meant to fall inside the writing of a checkpoint, the directory that a
checkpoint is written to (`.step-...`, renamed when it is whole) is watched, and the kill comes a drawn moment after it
appeared. Whether it fell inside is not assumed but looked at afterwards: the directory is still there.
"""

from __future__ import annotations

import os
import random
import signal
import time
from dataclasses import dataclass

from core.platform.tasks import store
from core.services.platform import tasks
from core.settings import get_settings
from tests.support.servers import wait_until
from tests.support.studio import horse_of, is_gone

LIMIT_S = 600.0  # importing torch and loading a model on busy cores
MOMENTS = ("loading", "steps", "checkpoint", "making")
MOST_BETWEEN = 2  # kills between two verified checkpoints; three crashes in a row end a task
WRITING_S = 0.02  # a checkpoint of the starter's adapter takes about 0.03 s to write


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill: the moment it was meant for, the one it fell into, and how far the run was."""

    number: int
    wanted: str
    phase: str
    step: int
    checkpoint: int
    between: int  # the how-many-eth since the last verified checkpoint


def schedule(kills: int, checkpoints: int, seed: int) -> list[str]:
    """The moments of a series: so many inside checkpoints, the rest while it loads or makes steps, the last while the
    model is made."""
    draw = random.Random(seed)
    rest = [draw.choice(("steps", "steps", "loading")) for _ in range(kills - checkpoints - 1)]
    moments = ["checkpoint"] * checkpoints + rest
    draw.shuffle(moments)
    return [*moments, "making"]


class Killer:
    """Carries a schedule out on one job's task, spread over the steps of its run."""

    def __init__(self, task_id: str, total_steps: int, seed: int) -> None:
        self.task_id, self.total_steps, self.draw = task_id, total_steps, random.Random(seed)
        self.root = get_settings().data_dir / "work" / task_id / "checkpoints"
        self.log: list[Kill] = []
        self._saved, self._between, self._begun = 0, 0, False

    def carry_out(self, moments: list[str]) -> list[Kill]:
        begins = sorted(self.draw.uniform(0, 0.9) * self.total_steps for _ in moments)
        for number, (moment, begin) in enumerate(zip(moments, begins, strict=True), start=1):
            wait_until(lambda begin=begin: self._reached(begin), 4 * LIMIT_S, f"step {begin:.0f}")
            self._room()
            pid = self._at(moment)
            self._begun = self._is_training()
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda pid=pid: is_gone(pid), LIMIT_S, "the end of the killed process")
            self._note(number, moment)
        return self.log

    def _room(self) -> None:
        """Not more than two kills between two verified checkpoints."""
        if self._between >= MOST_BETWEEN:
            wait_until(lambda: self._checkpoints() > self._saved, LIMIT_S, "the next verified checkpoint")
        if self._checkpoints() > self._saved:
            self._saved, self._between = self._checkpoints(), 0

    def _at(self, moment: str) -> int:
        """Wait for the moment; the work process to kill."""
        wait_until(self._is_held, LIMIT_S, f"a worker on {store.get(self.task_id)}")
        if moment == "loading":
            time.sleep(self.draw.uniform(0.0, 3.0))
        elif moment == "making":
            self._wait_for_making()
            time.sleep(self.draw.uniform(0.0, 0.1))
        else:
            self._wait_for_steps()
            if moment == "steps":
                time.sleep(self.draw.uniform(0.0, 1.0))
            else:
                self._wait_for_writing()
                time.sleep(self.draw.uniform(0.0, WRITING_S))
        assert self._is_held(), (store.get(self.task_id), tasks.log_tail(self.task_id))
        return horse_of(self.task_id)

    def _reached(self, step: float) -> bool:
        return max(self._whole(), default=0) >= step - 20 or step < 20

    def _is_training(self) -> bool:
        """Whether the present holder has begun: the row's phase may still be what the one before it wrote."""
        task = store.get(self.task_id)
        assert not task.is_terminal, (task, tasks.log_tail(self.task_id))
        events = store.events(task_id=self.task_id, limit=10_000)
        taken = max((event.id for event in events if event.data.get("epoch") == task.lease_epoch), default=0)
        return task.phase in ("Training", "Creating the model") and (
            task.lease_epoch == 1 or any(event.id > taken for event in events)
        )

    def _wait_for_steps(self) -> None:
        wait_until(self._is_training, LIMIT_S, f"steps of {store.get(self.task_id)}")

    def _wait_for_making(self) -> None:
        """Look a hundred times a second: a small model is made in a few tenths of one."""
        until = time.monotonic() + 4 * LIMIT_S
        while store.get(self.task_id).phase != "Creating the model":
            assert time.monotonic() < until, "the model was not made"
            time.sleep(0.01)

    def _wait_for_writing(self) -> None:
        """Look a thousand times a second: a checkpoint is written in a few hundredths of one."""
        until = time.monotonic() + LIMIT_S
        while not self._written():
            assert time.monotonic() < until, "no checkpoint was begun"
            time.sleep(0.001)

    def _written(self) -> list[str]:
        """Directories of checkpoints that are being written."""
        try:
            return [entry.name for entry in os.scandir(self.root) if entry.name.startswith(".step-")]
        except FileNotFoundError:
            return []

    def _is_held(self) -> bool:
        task = store.get(self.task_id)
        assert not task.is_terminal, (task, tasks.log_tail(self.task_id))
        owner = task.lease_owner
        return owner is not None and not is_gone(int(owner.rpartition(":")[2]))

    def _checkpoints(self) -> int:
        return len(store.events(task_id=self.task_id, kind="checkpoint"))

    def _note(self, number: int, wanted: str) -> None:
        self._room_after_kill()
        task = store.get(self.task_id)
        unfinished = self._written()
        phase = "loading" if not self._begun else f"{task.phase.lower()}: {task.message}"
        phase = "writing a checkpoint" if unfinished else phase
        whole = self._whole()
        step = int(unfinished[0][6:14]) if unfinished else (whole[-1] if whole else 0)
        self.log.append(Kill(number, wanted, phase, step, whole[-1] if whole else 0, self._between))
        for name in unfinished:  # so that the next kill does not count this one's left-over
            (self.root / name).rename(self.root / f"left-{number}-{name}")

    def _whole(self) -> list[int]:
        """Steps of the checkpoints that are there, the newest last."""
        return sorted(int(path.name[-8:]) for path in self.root.glob("step-*")) if self.root.is_dir() else []

    def _room_after_kill(self) -> None:
        if self._checkpoints() > self._saved:
            self._saved, self._between = self._checkpoints(), 0
        self._between += 1


def table(log: list[Kill]) -> str:
    """The log of kills for a person."""
    row = "{:>4}  {:<11}  {:<52}  {:>4}  {:>10}  {:>5}".format
    lines = [row("kill", "meant for", "fell into", "step", "last whole", "since")]
    lines += [row(k.number, k.wanted, k.phase[:52], k.step, k.checkpoint, k.between) for k in log]
    return "\n".join(lines)
