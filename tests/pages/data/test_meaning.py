"""Examples by meaning on the Quality tab: offered, followed, and removed one decision at a time."""

from __future__ import annotations

from pathlib import Path

from core.messages import Example, Message
from core.services.data import datasets, meaning
from core.services.platform import tasks
from tests.pages.conftest import keys
from worker.run import execute

ASKED = ["My tomato plant has yellow leaves", "The leaves of my tomato plant are yellow", "How do I sharpen a spade?"]


def dataset() -> datasets.DatasetRecord:
    return datasets.create_dataset(
        "Plants",
        [Example((Message("user", text), Message("assistant", f"Answer {n}"))) for n, text in enumerate(ASKED)],
    )


def test_a_look_is_offered_and_started(open_screen, read, studio_env: Path) -> None:
    found = dataset()
    app = open_screen("datasets", id=found.id, view="Quality")
    read(app)
    app.button(key="look_by_meaning").click().run()
    (task,) = tasks.list_about(meaning.KIND, version_id=found.version.id)
    execute(task.id, "test")
    again = open_screen("datasets", id=found.id, view="Quality")
    read(again)
    assert "look_by_meaning" not in keys(again)
    assert "alike_remove" in keys(again)


def test_only_what_was_chosen_on_the_screen_is_removed(open_screen, read, studio_env: Path) -> None:
    found = dataset()
    meaning.compute(found.version.id)
    app = open_screen("datasets", id=found.id, view="Quality")
    shown = read(app)
    assert "different outputs" in shown
    assert app.button(key="alike_remove").disabled
    choice = next(one for one in app.get("button_group") if one.key.startswith("decide_alike_"))
    choice.set_value("Remove the second").run()
    app.button(key="alike_remove").click().run()
    read(app)
    newest = datasets.get_dataset(found.id).version
    assert newest.number == 2
    left = [item.example.messages[0].content for item in datasets.examples(newest.id, 0, 10).items]
    assert left == [ASKED[0], ASKED[2]]
