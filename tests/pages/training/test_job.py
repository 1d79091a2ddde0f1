"""One job: live while it runs, honest when it failed, and measured against its forecast when it is done."""

from __future__ import annotations

from pathlib import Path

from core.data.samples import load_sample
from core.services.data import datasets
from core.services.platform import drafts
from core.services.training import jobs
from tests.support import runs


def test_without_an_id_it_leads_to_the_list(open_screen, read) -> None:
    assert "No job chosen" in read(open_screen("job"))


def test_an_unknown_id_is_a_message(open_screen, read) -> None:
    said = read(open_screen("job", id="job_none"))
    assert "There is no job" in said


def test_a_running_job_shows_progress_figures_and_events(open_screen, read) -> None:
    job = runs.launch(runs.dataset(), "Live")
    runs.begin(job, 70)
    app = open_screen("job", id=job.id)
    said = read(app)
    assert "step 70 of 1,400" in said
    assert "Epoch 6 of 100" in said
    assert "Checkpoint saved at step 70" in said
    tiles = {tile.label: tile.value for tile in app.metric}
    assert set(tiles) == {
        "Training loss", "Validation loss", "Token accuracy", "Tokens per second", "Memory", "Time left",
    }  # fmt: skip
    assert tiles["Tokens per second"] == "9,000"
    assert len(app.get("plotly_chart")) == 6  # loss, accuracy, gradient, learning rate, speed, memory
    assert "GPU utilisation" not in said  # no panel of a card that is not there


def test_without_validation_examples_an_ended_run_keeps_no_place_for_their_loss(open_screen, tmp_path: Path) -> None:
    job = runs.launch(datasets.create_dataset("No validation", load_sample().train))
    context = runs.begin(job, 1)  # before the first evaluation
    assert "Validation loss" in [tile.label for tile in open_screen("job", id=job.id).metric]
    runs.finish(context, job, tmp_path / "model")
    assert "Validation loss" not in [tile.label for tile in open_screen("job", id=job.id).metric]


def test_pause_is_asked_of_the_worker_and_then_not_offered_again(open_screen, read) -> None:
    job = runs.launch(runs.dataset())
    runs.begin(job, 10)
    app = open_screen("job", id=job.id)
    app.button(key="job_pause").click().run()
    assert jobs.get_job(job.id).command == "pause"
    assert "Pausing at the next step" in read(app)
    assert "job_pause" not in [button.key for button in app.button]


def test_what_was_told_to_stop_has_no_time_left_to_its_last_step(open_screen, read) -> None:
    job = runs.launch(runs.dataset())
    runs.begin(job, 140)
    app = open_screen("job", id=job.id)
    assert "Time left" in [tile.label for tile in app.metric]
    assert "done about" in read(app)
    jobs.request(job.id, "stop")
    app = open_screen("job", id=job.id)
    assert "the model is kept" in read(app)
    assert "Time left" not in [tile.label for tile in app.metric]
    assert "done about" not in read(app)


def test_a_job_whose_dataset_was_deleted_leads_to_another_one(open_screen, read) -> None:
    data = runs.dataset()
    job = runs.launch(data)
    runs.fail(runs.begin(job, 10), "There is no dataset version dv_1.", "Open Datasets.", cause="data")
    assert "Open the dataset" in read(open_screen("job", id=job.id))
    datasets.delete(data.id, data.name)
    app = open_screen("job", id=job.id)
    said = read(app)
    assert "The dataset “Support” was deleted" in said
    assert "dv_1" not in said.partition("Loss")[0]
    assert not {"job_retry", "job_keep"} & {button.key for button in app.button}
    app.button(key="mend_no_dataset").click().run()
    assert "Choose labeled examples" in read(app)


def test_stop_says_what_it_costs_before_it_is_pressed(open_screen, read) -> None:
    job = runs.launch(runs.dataset())
    runs.begin(job, 10)
    app = open_screen("job", id=job.id)
    said = read(app)
    assert "registers what has been learnt so far" in said
    assert "No model is made" in said
    app.button(key="job_cancel").click().run()
    assert jobs.get_job(job.id).command == "cancel"
    offered = {button.key for button in open_screen("job", id=job.id).button}
    assert not {"job_stop", "job_cancel", "job_pause"} & offered  # nothing overwrites a cancel


def test_a_second_press_on_stop_and_keep_cannot_cancel(open_screen, read) -> None:
    """Cancel comes to stand where Stop and keep stood: the menu of before must be gone by then, and with it its place
    under the pointer. A menu with another identity begins closed."""
    job = runs.launch(runs.dataset())
    runs.begin(job, 10)
    app = open_screen("job", id=job.id)
    before = [menu.proto.id for menu in app.get("popover")]
    app.button(key="job_stop").click().run()
    read(app)
    after = [menu.proto.id for menu in app.get("popover")]
    assert jobs.get_job(job.id).command == "stop"
    assert app.button(key="job_cancel")
    assert not set(before) & set(after)


def test_a_waiting_job_says_why(open_screen, read) -> None:
    job = runs.launch(runs.dataset())
    said = read(open_screen("job", id=job.id))
    assert "Waiting in queue" in said
    assert "No gpu worker is running" in said
    assert "The curve begins with the first step" in said


def test_a_failed_job_names_cause_and_next_step_and_can_be_retried(open_screen, read) -> None:
    job = runs.launch(runs.dataset())
    runs.fail(runs.begin(job, 20), "The process was killed at step 20.", "Look at the log, then retry.", cause="killed")
    app = open_screen("job", id=job.id)
    said = read(app)
    assert "The process was killed at step 20" in said
    assert "Look at the log, then retry" in said
    assert "Cause: killed" in said
    app.button(key="job_retry").click().run()
    assert jobs.get_job(job.id).state == "pending"


def test_settings_that_would_help_stand_once_and_not_in_other_words_too(open_screen, read) -> None:
    job = runs.launch(runs.dataset())
    runs.fail(runs.begin(job, 20), "Memory ran out at step 20.", "Start a new job with less: halve the batch size.")
    app = open_screen("job", id=job.id)
    said = read(app)
    assert "Memory ran out at step 20" in said
    assert "Cause: out of memory" in said
    assert "A smaller base model" in said
    assert "Batch size" in said
    assert "halve the batch size" not in said
    app.button(key="job_retry").click().run()
    assert jobs.get_job(job.id).state == "pending"


def test_a_run_that_ended_before_its_first_step_has_no_empty_figures(open_screen, read) -> None:
    job = runs.launch(runs.dataset())
    runs.fail(runs.begin(job, 0), "Line 17: the output is empty.", "Fill it in.", cause="data")
    app = open_screen("job", id=job.id)
    assert "Line 17" in read(app)
    assert "ended before its first step" in read(app)
    assert list(app.metric) == []


def test_one_press_opens_a_new_job_with_what_would_help(open_screen, read) -> None:
    job = runs.launch(runs.dataset())
    runs.fail(runs.begin(job, 12), "Memory ran out.", "Start a new job with less.")
    app = open_screen("job", id=job.id)
    said = read(app)
    now = job.spec.training.per_device_batch_size
    assert f"{now} →] **{now // 2}**" in said
    app.button(key="mend").click().run()
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
    assert "The checkpoint of step 12" in read(app)
    assert "mend" not in [button.key for button in app.button], "no setting helps against a full disk"
    app.button(key="job_keep").click().run()
    asked = jobs.get_job(job.id)
    assert (asked.state, asked.command) == ("pending", "keep")
    assert "Its last checkpoint is to be kept as a model" in read(app)


def test_a_finished_job_shows_forecast_beside_measured_and_every_setting(open_screen, read, tmp_path) -> None:
    job = runs.launch(runs.dataset(), learning_rate=0.001)
    runs.succeed(job, tmp_path / "adapter")
    app = open_screen("job", id=job.id)
    said = read(app)
    assert "Forecast and measured" in said
    assert "Peak memory" in said
    assert "0.001" in said
    assert "chosen by you" in said
    assert "preset of LoRA on models of a few million parameters" in said
    assert app.button(key="to_compare")


def test_train_again_opens_the_same_choices_as_a_draft_that_names_its_parent(open_screen, read) -> None:
    job = runs.launch(runs.dataset(), learning_rate=0.001)
    read(open_screen("new_job", again=job.id))
    (draft,) = drafts.list_open("job")
    assert draft.state["parent_job_id"] == job.id
    assert draft.state["training"] == {"learning_rate": 0.001}


def test_the_first_batch_is_shown_once_there_is_one(open_screen, read) -> None:
    from core.services.training.jobs import first_batch

    job = runs.launch(runs.dataset())
    assert "First batch" not in [expander.label for expander in open_screen("job", id=job.id).expander]
    example = [["<|user|>Who? & <b>", 0, 0, 4], ["Marta.", 1, 4, 2]]
    counts = {"examples": 2, "tokens": 12, "learnt": 4, "micro_batches": 1, "left_out": 0}
    first_batch.keep(job.id, {**counts, "rows": [[example, example]]})
    app = open_screen("job", id=job.id)
    assert "First batch, as the model read it" in [expander.label for expander in app.expander]
    said = read(app)
    assert "2 examples in 1 row at once: 12 tokens, 4 of them learnt" in said
    assert '<span class="seen-loss seen-odd" title="positions 4 to 5">Marta.</span>' in said
    assert "<b>" not in said


def test_a_gpu_has_its_own_panel_and_the_share_of_its_peak(open_screen, read) -> None:
    job = runs.launch(runs.dataset())
    runs.begin(job, 10, mfu=0.41, gpu_utilization=97.0, gpu_temperature_c=61.0, gpu_power_w=410.0)
    app = open_screen("job", id=job.id)
    assert "Temperature (°C)" in read(app)
    assert {tile.label: tile.value for tile in app.metric}["MFU"] == "41.0%"


def test_sample_answers_stand_before_beside_now_and_an_earlier_step_can_be_chosen(open_screen, read) -> None:
    job = runs.launch(runs.dataset())
    runs.begin(job, 140)
    runs.answer(job, 0, "murmur")
    app = open_screen("job", id=job.id)
    assert "murmur" in read(app)
    assert [item.value for item in app.text].count("murmur") == 1, (
        "before the first evaluation there is nothing to hold it against"
    )
    runs.answer(job, 70, "Thirty days or so.")
    runs.answer(job, 140, "We refund within 30 days.")
    app = open_screen("job", id=job.id)
    said = read(app)
    assert "murmur" in said
    assert "We refund within 30 days." in said
    assert "exact" in said
    assert "held out from training" in said
    app.select_slider(key=f"sample_step_{job.id}_3_0").set_value(70).run()
    said = read(app)
    assert "Thirty days or so." in said
    assert "STEP 70" in said


def test_a_finished_run_shows_the_answers_of_the_step_that_is_kept(open_screen, read, tmp_path) -> None:
    job = runs.launch(runs.dataset(), keep_best=True)
    runs.answer(job, 0, "murmur")
    runs.answer(job, 70, "We refund within 30 days.")
    runs.answer(job, 140, "We refund. Within. Within.")
    runs.succeed(job, tmp_path / "adapter", kept_step=70)
    app = open_screen("job", id=job.id)
    said = read(app)
    assert "STEP 70 · KEPT" in said
    assert "We refund within 30 days." in said
    assert "Within. Within." not in said
    (slider,) = app.select_slider
    assert slider.options == ["Before training", "Step 70 · kept", "Step 140"]
    slider.set_value(140).run()
    said = read(app)
    assert "Within. Within." in said
    assert "STEP 140" in said


def test_a_running_job_shows_the_newest_answers_and_then_those_of_the_kept_step(open_screen, read, tmp_path) -> None:
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
    said = read(app)
    assert "Loss by example" in said
    assert "Example 8 · loss 2.500 · 50% of 10 tokens right" in said
    app.button(key="open_worst_7").click().run()
    assert app.query_params["example"] == "7"
    assert "The example you came for" in read(app)
    assert "edit_asked_7" in [button.key for button in app.button]


def test_trained_and_held_out_examples_have_lists_of_their_own(open_screen, read, tmp_path) -> None:
    from core.training.example_losses import FILE, LossRow, write

    job = runs.launch(runs.dataset())
    (tmp_path / "adapter").mkdir()
    trained = [LossRow(position, "train", 1.5 if position == 7 else 0.1, 10, 5) for position in range(56)]
    held = [LossRow(position, "validation", 4.0, 10, 1) for position in range(56, 114)]
    write(tmp_path / "adapter" / FILE, [*trained, *held])
    runs.succeed(job, tmp_path / "adapter")
    app = open_screen("job", id=job.id)
    said = read(app)
    assert [tab.label for tab in app.tabs] == ["Likely mistakes", "Does not generalize", "Best learnt"]
    assert "Half of the trained examples lie below 0.100, half of the held-out ones below 4.000." in said
    assert app.button(key="open_worst_7")
    keys = [button.key for button in app.button if button.key and button.key.startswith("open_")]
    places = {
        list_: {int(key.split("_")[2]) for key in keys if key.split("_")[1] == list_} for list_ in ("worst", "held")
    }
    assert max(places["worst"]) < 56 <= min(places["held"])


def test_a_smoothing_can_be_chosen(open_screen, read) -> None:
    job = runs.launch(runs.dataset())
    runs.begin(job, 40)
    app = open_screen("job", id=job.id)
    for strength in ("None", "Strong"):
        app.segmented_control(key="smoothing").set_value(strength).run()
        read(app)
