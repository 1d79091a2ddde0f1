"""*Try the demo*: the introduction, and the steps once it has started."""

from __future__ import annotations

from core.data.samples import SAMPLES
from core.services.learn import demo
from core.services.learn.demo_time import Countdown
from core.services.platform import tasks
from core.services.serving import chat, evaluating
from core.services.training import jobs
from pages.learn._demo.steps import LATE, clock_left
from pages.ui.format import md
from tests.pages.conftest import keys
from tests.support import evaluations as planted, runs
from tests.support.jobs import finish


def test_the_introduction_starts_nothing(open_screen, read) -> None:
    app = open_screen("demo")
    assert SAMPLES.get(demo.SAMPLE).size_text in read(app)
    app.radio(key="demo_base").set_value(demo.REAL).run()
    assert SAMPLES.get(demo.SAMPLE).size_text in read(app)
    assert "is not on this machine yet" in read(app)
    assert app.button(key="start").disabled
    assert "start" in keys(app)
    assert demo.current() is None


def test_one_click_starts_it_and_a_second_visit_shows_the_same_run(open_screen, read) -> None:
    app = open_screen("demo")
    app.button(key="start").click().run()
    said = read(app)
    first = demo.current()
    assert first is not None
    assert all(md(step.title) in said for step in first.steps)
    read(open_screen("demo", start="1"))
    assert demo.current().id == first.id


def test_your_turn_says_that_the_answer_is_json(open_screen, read) -> None:
    app = open_screen("demo")
    app.button(key="start").click().run()
    said = read(app)
    assert chat.json_fields([item.messages[-1].content for item in SAMPLES.get(demo.SAMPLE).test]) == (
        "team",
        "urgent",
        "product",
    )
    assert "JSON object with team, urgent and product" in said


def test_fields_are_named_only_where_every_output_is_an_object() -> None:
    assert chat.json_fields(['{"a": 1}', '{"b": 2, "a": 3}']) == ("a", "b")
    assert chat.json_fields(['{"a": 1}', "Hello"]) == chat.json_fields(['["a"]']) == chat.json_fields([]) == ()


def test_a_countdown_that_is_over_says_that_it_is_late() -> None:
    assert [clock_left(Countdown(seconds)) for seconds in (201.0, 61.0, 4.0)] == [
        "About 3:25 min left",
        "About 1:05 min left",
        "About 5 s left",
    ]
    assert clock_left(Countdown(0.0)) == clock_left(Countdown(-90.0, late=True)) == LATE
    assert "8:20 min more" in clock_left(Countdown(500.0, late=True))


def test_home_leads_back_to_a_demo_that_runs(open_screen, read) -> None:
    assert "running_demo" not in keys(open_screen("home"))
    first = demo.start()
    app = open_screen("home")
    assert md(first.steps[1].title) in read(app)
    assert {"running_demo", "watch_demo"} <= keys(app)


def test_the_ways_on_appear_when_the_test_has_ended(open_screen, tmp_path) -> None:
    first = demo.start(sample_id="support")
    job = jobs.get_job(first.job_id)
    finish(tasks.get_task(job.task_id).after_task_id)
    runs.succeed(job, tmp_path / "adapter")
    ways = {"own", "another", "compare"}
    assert demo.current().model_id
    assert not ways & keys(open_screen("demo"))  # the test still holds both models
    (test,) = tasks.list_about("evaluation", job_id=first.job_id)
    begun = evaluating.get(test.payload["evaluation_id"])
    answers = (planted.right_up_to(train=28, validation=3), planted.wrong)
    planted.answered(begun, dict(zip((one.id for one in begun.models), answers, strict=True)))
    finish(test.id)
    app = open_screen("demo")
    assert ways <= keys(app)
    assert {"demo_chart", "sample_0", "sample_2"} <= keys(app)


def test_a_demo_that_failed_offers_another_one(open_screen) -> None:
    first = demo.start()
    jobs.request(first.job_id, "cancel")
    assert demo.current().state == "failed"
    assert {"own", "another"} <= keys(app := open_screen("demo"))
    assert "compare" not in keys(app)
