"""One job: live while it runs, with its cause when it failed, and compared with its forecast when it is done."""

from __future__ import annotations

import json
from functools import partial
from html import escape
from typing import Any

import plotly.graph_objects as go
import pytest
from streamlit.testing.v1 import AppTest

from core.data.samples import load_sample
from core.services.data import datasets
from core.services.platform import drafts, tasks
from core.services.training import jobs, metrics
from core.training.metrics import METRICS, Point
from pages.training._job import live, losses, samples
from pages.training._job.facts import CHOSEN
from pages.ui.charts import runs as run_charts
from pages.ui.charts.runs import SMOOTHING
from pages.ui.errors import NOT_FOUND
from pages.ui.format import md
from pages.ui.tasks import words as task_words
from pages.ui.tasks.actions import endings
from tests.pages.conftest import keys, shows
from tests.support import runs


def test_without_an_id_it_links_to_the_list(open_screen, read) -> None:
    app = open_screen("job")
    read(app)
    assert "empty_btn_no_job" in keys(app)


def test_an_unknown_id_is_not_found(open_screen, read) -> None:
    app = open_screen("job", id="job_none")
    assert NOT_FOUND in read(app)
    assert "way_out" in keys(app)


def test_a_running_job_shows_progress_figures_and_events(open_screen, read) -> None:
    job = runs.launch(runs.dataset(), "Live")
    runs.begin(job, 70)
    app = open_screen("job", id=job.id)
    shown = read(app)
    assert "70 of 1,400" in shown
    assert "6 of 100" in shown
    assert "Checkpoint saved at step 70" in shown
    tiles = {tile.label: tile.value for tile in app.metric}
    measured = {metric.now_name for metric in METRICS if metric.tile and metric.panel != "gpu"}
    assert set(tiles) == {live.TRAINING_LOSS, live.VALIDATION_LOSS, live.TIME_LEFT, *measured}
    assert tiles[METRICS.get("tokens_per_s").tile] == "9,000"
    assert len(app.get("plotly_chart")) == 6  # loss, accuracy, gradient, learning rate, speed, memory
    assert METRICS.get("gpu_utilization").axis not in shown  # there is no GPU


def test_a_poll_that_finds_no_new_point_makes_no_chart(open_screen, monkeypatch: pytest.MonkeyPatch) -> None:
    job = runs.launch(runs.dataset(), "Watched")
    context = runs.begin(job, 70)
    app = open_screen("job", id=job.id)
    before = [chart.proto.spec for chart in app.get("plotly_chart")]
    made: list[str] = []
    for name in ("loss_figure", "value_figure"):

        def noted(real: Any, *args: Any, **more: Any) -> go.Figure:
            made.append(real.__name__)
            return real(*args, **more)

        monkeypatch.setattr(run_charts, name, partial(noted, getattr(run_charts, name)))
    assert [chart.proto.spec for chart in app.run().get("plotly_chart")] == before
    assert [chart.proto.spec for chart in open_screen("job", id=job.id).get("plotly_chart")] == before  # another person
    assert made == []
    with context.lease.fenced() as uow:
        metrics.write(uow, job.id, [Point.of("train", 71, {"epoch": 5.1, "loss": 0.7})])
        uow.commit()
    assert [chart.proto.spec for chart in app.run().get("plotly_chart")] != before
    assert made.count("loss_figure") == 1


@pytest.mark.parametrize("validates", [True, False])
def test_only_a_run_with_validation_examples_has_a_tile_for_their_loss(open_screen, validates: bool) -> None:
    sample = load_sample()
    data = datasets.create_dataset("Help desk", sample.train, sample.validation if validates else ())
    job = runs.launch(data)
    runs.begin(job, 1)  # before the first evaluation
    shown = [tile.label for tile in open_screen("job", id=job.id).metric]
    assert (live.VALIDATION_LOSS in shown) is validates


def test_a_job_whose_base_is_built_first_says_so_everywhere(open_screen, read) -> None:
    job = jobs.create(
        name="Early", dataset_id=runs.dataset().id, base_model="starter", method="lora", draft_key=None, training={}
    )
    first = jobs.first_task(job)
    assert first is not None
    assert first.left_s  # expected by the processor until its own pace is known
    assert "starts in about" in read(open_screen("job", id=job.id))
    (event,) = tasks.events(job.task_id)
    app = open_screen("job", id=job.id)
    shown = read(app)
    assert live.needed(first) in shown
    assert first.title in event.message
    assert live.IN_QUEUE not in shown
    assert "again" not in keys(app)  # nothing has run yet that could be changed
    assert jobs.first_task(runs.launch(runs.dataset("Ready"), "Ready")) is None


def test_pause_is_requested_once(open_screen, read) -> None:
    job = runs.launch(runs.dataset())
    runs.begin(job, 10)
    app = open_screen("job", id=job.id)
    app.button(key="job_pause").click().run()
    assert jobs.get_job(job.id).command == "pause"
    assert task_words.command("pause") in read(app)
    assert "job_pause" not in keys(app)


def test_a_job_that_is_stopping_shows_no_time_to_its_last_step(open_screen, read) -> None:
    job = runs.launch(runs.dataset())
    runs.begin(job, 140)
    app = open_screen("job", id=job.id)
    assert live.TIME_LEFT in [tile.label for tile in app.metric]
    jobs.request(job.id, "stop")
    app = open_screen("job", id=job.id)
    assert task_words.command("stop") in read(app)
    assert live.TIME_LEFT not in [tile.label for tile in app.metric]


def test_a_job_whose_dataset_was_deleted_offers_another_one(open_screen, read) -> None:
    data = runs.dataset()
    job = runs.launch(data)
    runs.fail(runs.begin(job, 10), "There is no dataset version dv_1.", "Open Datasets.", cause="data")
    assert "open_dataset" in keys(open_screen("job", id=job.id))
    datasets.delete(data.id, data.name)
    app = open_screen("job", id=job.id)
    assert "dv_1" not in read(app).partition("Loss")[0]
    assert not {"job_retry", "job_keep", "open_dataset"} & keys(app)
    app.button(key="choose_dataset").click().run()
    read(app)
    (draft,) = drafts.list_open("job")
    assert (draft.step, draft.state["parent_job_id"]) == ("dataset", job.id)


def test_stop_shows_its_consequences_before_it_is_pressed(open_screen, read) -> None:
    job = runs.launch(runs.dataset())
    runs.begin(job, 10)
    app = open_screen("job", id=job.id)
    shown = read(app)
    for ending in endings("training").values():
        assert ending.consequence in shown
    app.button(key="job_cancel").click().run()
    assert jobs.get_job(job.id).command == "cancel"
    assert not {"job_stop", "job_cancel", "job_pause"} & keys(open_screen("job", id=job.id))  # a cancel is final


def test_a_second_press_on_stop_and_keep_cannot_cancel(open_screen, read) -> None:
    """Cancel takes the place of Stop and keep in the menu; a menu with a new identity starts closed."""
    job = runs.launch(runs.dataset())
    runs.begin(job, 10)
    app = open_screen("job", id=job.id)

    def menus() -> set[str]:  # the bell is in the bar of every page
        return {menu.proto.id for menu in app.get("popover") if not menu.proto.id.endswith("-bell_panel")}

    before = menus()
    app.button(key="job_stop").click().run()
    read(app)
    after = menus()
    assert jobs.get_job(job.id).command == "stop"
    assert app.button(key="job_cancel")
    assert before
    assert after
    assert not before & after


def test_a_waiting_job_shows_the_reason(open_screen, read) -> None:
    job = runs.launch(runs.dataset())
    app = open_screen("job", id=job.id)
    assert job.waiting_reason
    assert shows(task_words.why(job.waiting_reason), read(app))
    assert not app.get("plotly_chart")


def test_a_failed_job_shows_message_remedy_and_cause_and_can_be_retried(open_screen, read) -> None:
    job = runs.launch(runs.dataset())
    runs.fail(runs.begin(job, 20), "The process was killed at step 20.", "Look at the log, then retry.", cause="killed")
    app = open_screen("job", id=job.id)
    shown = read(app)
    assert "The process was killed at step 20" in shown
    assert "Look at the log, then retry" in shown
    assert "killed" in shown.replace("The process was killed at step 20", "")
    app.button(key="job_retry").click().run()
    assert jobs.get_job(job.id).state == "pending"


def test_settings_that_would_help_replace_the_remedy(open_screen, read) -> None:
    job = runs.launch(runs.dataset())
    runs.fail(runs.begin(job, 20), "Memory ran out at step 20.", "Start a new job with less: halve the batch size.")
    app = open_screen("job", id=job.id)
    shown = read(app)
    assert "Memory ran out at step 20" in shown
    assert "out of memory" in shown
    assert shows(jobs.also_helps("out_of_memory"), shown)
    assert all(change.title in shown for change in jobs.remedies(jobs.get_job(job.id)))
    assert "halve the batch size" not in shown
    app.button(key="job_retry").click().run()
    assert jobs.get_job(job.id).state == "pending"


def test_a_run_that_ended_before_its_first_step_has_no_tiles(open_screen, read) -> None:
    job = runs.launch(runs.dataset())
    runs.fail(runs.begin(job, 0), "Line 17: the output is empty.", "Fill it in.", cause="data")
    app = open_screen("job", id=job.id)
    assert "Line 17" in read(app)
    assert list(app.metric) == []
    assert not app.get("plotly_chart")


def test_one_press_opens_a_new_job_with_the_settings_that_would_help(open_screen, read) -> None:
    job = runs.launch(runs.dataset())
    runs.fail(runs.begin(job, 12), "Memory ran out.", "Start a new job with less.")
    app = open_screen("job", id=job.id)
    shown = read(app)
    now = job.spec.training.per_device_batch_size
    assert f"{now} →] **{now // 2}**" in shown
    app.button(key="new_with_remedies").click().run()
    (draft,) = drafts.list_open("job")
    assert draft.step == "review"
    assert draft.state["parent_job_id"] == job.id
    assert draft.state["training"]["per_device_batch_size"] == now // 2
    review = read(open_screen("new_job", draft=draft.id))
    assert job.name in review
    assert draft.state["name"] in review


def test_a_failed_job_offers_its_last_checkpoint_as_a_model(open_screen, read) -> None:
    job = runs.launch(runs.dataset())
    runs.fail(runs.begin(job, 12), "The disk is full.", "Free some space.", cause="storage")
    app = open_screen("job", id=job.id)
    assert "step 12" in read(app)
    assert "new_with_remedies" not in keys(app), "no setting helps against a full disk"
    app.button(key="job_keep").click().run()
    asked = jobs.get_job(job.id)
    assert (asked.state, asked.command) == ("pending", "keep")
    assert asked.waiting_reason
    assert shows(task_words.why(asked.waiting_reason), read(app))


def test_a_finished_job_shows_forecast_and_measurement_and_every_setting(open_screen, read, tmp_path) -> None:
    job = runs.launch(runs.dataset(), learning_rate=0.001)
    runs.succeed(job, tmp_path / "adapter")
    app = open_screen("job", id=job.id)
    shown = read(app)
    assert {"measured", "to_compare", "to_chat", "again"} <= keys(app)
    assert all(md(row.name) in shown for row in jobs.forecast_and_measured(jobs.get_job(job.id)))
    assert f"0.001  ·  {CHOSEN}" in shown
    assert all(escape(source) in shown for source in job.spec.training_sources.values())


def test_train_again_opens_a_draft_with_the_same_choices_and_its_parent(open_screen, read) -> None:
    job = runs.launch(runs.dataset(), learning_rate=0.001)
    read(open_screen("new_job", again=job.id))
    (draft,) = drafts.list_open("job")
    assert draft.state["parent_job_id"] == job.id
    assert draft.state["training"] == {"learning_rate": 0.001}


def test_the_first_batch_is_shown_once_there_is_one(open_screen, read) -> None:
    from core.services.training.jobs import first_batch

    job = runs.launch(runs.dataset())
    before = len(open_screen("job", id=job.id).expander)
    example = [["<|user|>Who? & <b>", 0, 0, 4], ["Marta.", 1, 4, 2]]
    counts = {"examples": 2, "tokens": 12, "learnt": 4, "micro_batches": 1, "left_out": 0}
    first_batch.keep(job.id, {**counts, "rows": [[example, example]]})
    app = open_screen("job", id=job.id)
    assert len(app.expander) == before + 1
    shown = read(app)
    batch = first_batch.first_batch(job.id)
    assert batch is not None
    assert shows(batch.summary, shown)
    assert '<span class="seen-loss seen-odd" title="positions 4 to 5">Marta.</span>' in shown
    assert "<b>" not in shown


def test_a_gpu_has_a_panel_and_a_tile_for_mfu(open_screen, read) -> None:
    job = runs.launch(runs.dataset())
    runs.begin(job, 10, mfu=0.41, gpu_utilization=97.0, gpu_temperature_c=61.0, gpu_power_w=410.0)
    app = open_screen("job", id=job.id)
    assert METRICS.get("gpu_temperature_c").axis in read(app)
    assert {tile.label: tile.value for tile in app.metric}[METRICS.get("mfu").tile] == "41.0%"


def test_sample_answers_are_compared_with_those_before_training_at_any_step(open_screen, read) -> None:
    job = runs.launch(runs.dataset())
    runs.begin(job, 140)
    runs.answer(job, 0, "murmur")
    app = open_screen("job", id=job.id)
    assert "murmur" in read(app)
    assert [item.value for item in app.text].count("murmur") == 1, (
        "before the first evaluation there is nothing to compare with"
    )
    runs.answer(job, 70, "Thirty days or so.")
    runs.answer(job, 140, "We refund within 30 days.")
    app = open_screen("job", id=job.id)
    shown = read(app)
    assert "murmur" in shown
    assert "We refund within 30 days." in shown
    assert "badge[:material/check:" in shown  # the answer is exact
    app.select_slider(key=f"sample_step_{job.id}_3_0").set_value(70).run()
    shown = read(app)
    assert "Thirty days or so." in shown
    assert f":blue[{samples.step_name(70, 0)}]" in shown


def test_a_finished_run_shows_the_answers_of_the_step_that_became_the_model(open_screen, read, tmp_path) -> None:
    job = runs.launch(runs.dataset(), keep_best=True)
    runs.answer(job, 0, "murmur")
    runs.answer(job, 70, "We refund within 30 days.")
    runs.answer(job, 140, "We refund. Within. Within.")
    runs.succeed(job, tmp_path / "adapter", kept_step=70)
    app = open_screen("job", id=job.id)
    shown = read(app)
    assert f":blue[{samples.step_name(70, 70)}]" in shown
    assert "We refund within 30 days." in shown
    assert "Within. Within." not in shown
    (slider,) = app.select_slider
    assert slider.options == [samples.step_name(step, 70) for step in (0, 70, 140)]
    slider.set_value(140).run()
    shown = read(app)
    assert "Within. Within." in shown
    assert f":blue[{samples.step_name(140, 70)}]" in shown


def test_a_running_job_shows_the_newest_answers_and_then_those_of_the_model(open_screen, read, tmp_path) -> None:
    job = runs.launch(runs.dataset(), keep_best=True)
    context = runs.begin(job, 140)
    for step, text in ((0, "murmur"), (70, "Thirty days."), (140, "Forty days.")):
        runs.answer(job, step, text)
    app = open_screen("job", id=job.id)
    assert "Forty days." in read(app)
    runs.finish(context, job, tmp_path / "adapter", kept_step=70)
    app.run()
    assert "Thirty days." in read(app)


def test_the_worst_example_opens_in_the_dataset(open_screen, read, tmp_path) -> None:
    from core.training.example_losses import FILE, LossRow, write

    job = runs.launch(runs.dataset())
    (tmp_path / "adapter").mkdir()
    rows = [LossRow(position, "train", 2.5 if position == 7 else 0.1, 10, 5) for position in range(56)]
    write(tmp_path / "adapter" / FILE, rows)
    runs.succeed(job, tmp_path / "adapter")
    app = open_screen("job", id=job.id)
    shown = read(app)
    assert "example_losses" in keys(app)
    assert "Example 8 · loss 2.500 · 50%" in shown
    app.button(key="open_worst_7").click().run()
    assert app.query_params["example"] == "7"
    read(app)
    assert "edit_linked_7" in keys(app)


def test_training_and_held_out_examples_have_separate_lists(open_screen, read, tmp_path) -> None:
    from core.training.example_losses import FILE, LossRow, write

    job = runs.launch(runs.dataset())
    (tmp_path / "adapter").mkdir()
    trained = [LossRow(position, "train", 1.5 if position == 7 else 0.1, 10, 5) for position in range(56)]
    held = [LossRow(position, "validation", 4.0, 10, 1) for position in range(56, 114)]
    write(tmp_path / "adapter" / FILE, [*trained, *held])
    runs.succeed(job, tmp_path / "adapter")
    app = open_screen("job", id=job.id)
    shown = read(app)
    assert len(app.tabs) == 3
    assert "0.100" in shown
    assert "4.000" in shown
    assert app.button(key="open_worst_7")
    keys = [button.key for button in app.button if button.key and button.key.startswith("open_")]
    places = {
        list_: {int(key.split("_")[2]) for key in keys if key.split("_")[1] == list_} for list_ in ("worst", "held")
    }
    assert max(places["worst"]) < 56 <= min(places["held"])


def test_without_a_likely_mistake_the_list_says_so(open_screen, read, tmp_path) -> None:
    from core.training.example_losses import FILE, LossRow, write

    (tmp_path / "adapter").mkdir()
    write(tmp_path / "adapter" / FILE, [LossRow(position, "train", 0.1, 10, 10) for position in range(56)])
    job = runs.launch(runs.dataset())
    runs.succeed(job, tmp_path / "adapter")
    app = open_screen("job", id=job.id)
    assert losses.NO_MISTAKES in read(app)
    assert not [button.key for button in app.button if (button.key or "").startswith("open_worst_")]


def test_a_smoothing_can_be_chosen(open_screen, read) -> None:
    job = runs.launch(runs.dataset())
    runs.begin(job, 40)
    app = open_screen("job", id=job.id)
    curves = {strength: training_curve(app, strength) for strength in SMOOTHING}
    raw = [point.loss for point in metrics.since(job.id) if point.split == "train"]
    assert curves["None"] == pytest.approx(raw)
    assert curves["Strong"][-1] > curves["Normal"][-1] > raw[-1]  # the loss falls, and a mean lags behind


def training_curve(app: AppTest, smoothing: str) -> tuple[float, ...]:
    """The y values of the training curve with this smoothing."""
    app.segmented_control(key="smoothing").set_value(smoothing).run()
    figure = json.loads(app.get("plotly_chart")[0].proto.spec)
    return go.Figure(data=figure["data"]).data[1].y
