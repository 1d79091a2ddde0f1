"""The words of task states on the screens."""

from __future__ import annotations

from core.services.platform import tasks
from pages.ui import states
from pages.ui.tasks import words


def test_each_state_of_a_task_has_its_badge() -> None:
    assert set(tasks.STATES) <= set(states.STATES)


def test_a_paused_task_is_polled_because_another_user_may_resume_it() -> None:
    assert "paused" in words.MOVING
    assert not words.MOVING & tasks.TERMINAL


def test_each_progress_has_a_phase() -> None:
    phases = [words.phase_of(progress) for progress in (0, 9.9, 10, 20, 94.9, 95, 100)]
    assert len(set(phases)) == 4
    assert phases[0] == phases[1]
    assert phases[-2] == phases[-1]
