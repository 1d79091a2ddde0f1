"""The wizard of a new job: three steps, kept in the database, launched once."""

from __future__ import annotations

from core.data.editing import DropRows
from core.data.samples import load_sample
from core.services.data import datasets
from core.services.data.datasets import edits as dataset_edits
from core.services.platform import drafts, tasks
from core.services.training import downloads, jobs
from tests.support import runs
from tests.support.jobs import example
from tests.support.random_model import make_model


def test_without_a_dataset_it_says_what_to_bring(open_screen, read) -> None:
    said = read(open_screen("new_job"))
    assert "Supervised fine-tuning requires labeled examples" in said
    assert "Upload Labeled Examples" in said


def test_three_steps_from_a_dataset_to_a_launched_job(open_screen, read) -> None:
    data = runs.dataset()
    app = open_screen("new_job")
    said = read(app)
    assert "Choose labeled examples for supervised learning" in said
    assert "Labeled Examples: 114 pairs" in said
    assert drafts.list_open("job") == []  # looking around leaves nothing behind

    app.button(key=f"pick_ds_{data.id}").click().run()
    assert "What's the refund policy?" in read(app)
    app.button(key="to_model").click().run()
    said = read(app)
    assert "Low-Rank Adaptation - Fast & memory efficient" in said
    assert "Updates all model parameters" in said
    assert "knows little until it is trained" in said
    assert "Not measured yet" in said
    (draft,) = drafts.list_open("job")
    assert (draft.step, draft.state["base_model"], draft.state["method"]) == ("model", "starter", "lora")

    app.button(key="to_review").click().run()
    said = read(app)
    assert "Review & Launch" in said
    assert "preset of LoRA on models of a few million parameters" in said
    app.button(key="launch").click().run()
    (job,) = jobs.list_jobs()
    assert job.dataset_id == data.id
    assert drafts.get(draft.id).result_id == job.id


def test_a_setting_is_kept_in_the_draft_and_seen_in_another_browser(open_screen, read) -> None:
    draft = drafts.create("job", {"dataset_id": runs.dataset().id}, step="model")
    app = open_screen("new_job", draft=draft.id)
    read(app)
    rank = next(item for item in app.number_input if item.label == "Rank")
    rank.set_value(32).run()
    assert drafts.get(draft.id).state["method_config"]["rank"] == 32
    other = open_screen("new_job", draft=draft.id)
    read(other)
    assert next(item for item in other.number_input if item.label == "Rank").value == 32


def test_a_base_that_is_away_is_downloaded_from_its_card(open_screen, read, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    draft = drafts.create("job", {"dataset_id": runs.dataset().id}, step="model")
    app = open_screen("new_job", draft=draft.id)
    said = read(app)
    assert "licence to accept on the Hub" in said
    assert "hf auth login && hf download google/gemma-3-1b-it" in said
    app.button(key="download_Qwen/Qwen3-0.6B").click().run()
    task = downloads.latest("Qwen/Qwen3-0.6B")
    assert task is not None
    assert task.payload["hub_id"] == "Qwen/Qwen3-0.6B"
    read(app)
    app.button(key=f"stop_{task.id}").click().run()
    assert tasks.get_task(task.id).state == "cancelled"


def test_a_directory_that_cannot_be_used_says_why_and_offers_no_download(open_screen, read) -> None:
    from core.models.base_models import named_directory

    (named_directory() / "Half copied").mkdir(parents=True)
    draft = drafts.create("job", {"dataset_id": runs.dataset().id}, step="model")
    app = open_screen("new_job", draft=draft.id)
    said = read(app)
    assert "Half copied" in said
    assert "config\\.json" in said  # escaped once
    assert not [button.key for button in app.button if "Half copied" in str(button.key)]


def test_a_broken_model_of_the_hub_says_which_file_and_is_fetched_again(
    open_screen, read, monkeypatch, tmp_path
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    commit = "a1" * 20
    repo = tmp_path / "models--Qwen--Qwen3-0.6B"
    make_model(repo / "snapshots" / commit)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(commit)
    weights = repo / "snapshots" / commit / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    draft = drafts.create("job", {"dataset_id": runs.dataset().id}, step="model")
    app = open_screen("new_job", draft=draft.id)
    said = read(app)
    assert "model\\.safetensors is cut off: 100 bytes are missing" in said
    assert "hf download Qwen/Qwen3-0.6B --force-download" in said
    assert commit not in said
    assert "1 model here that cannot be used" in [item.label for item in app.expander]
    app.button(key="download_Qwen/Qwen3-0.6B").click().run()
    assert downloads.latest("Qwen/Qwen3-0.6B") is not None


def test_the_review_shows_what_was_chosen_before_what_is_as_shipped(open_screen, read) -> None:
    state = {"dataset_id": runs.dataset().id, "base_model": "starter", "method": "lora"}
    draft = drafts.create("job", state | {"training": {"warmup_ratio": 0.2}}, step="review")
    app = open_screen("new_job", draft=draft.id)
    said = read(app)
    lists = [element.proto.body for element in app.get("html") if "<dt>" in element.proto.body]
    first, rest = (next(body for body in lists if f"<dt>{name}</dt>" in body) for name in ("Epochs", "Seed"))
    assert "0.2  ·  chosen by you" in first
    assert "Warm-up" not in rest
    assert "<dt>Learning rate</dt>" in first
    assert "<dd>off" in rest  # early stopping
    assert "Minimum improvement" not in said  # means nothing without early stopping
    assert "Support - Starter - v1" in said  # the name that it will get


def test_a_step_begins_at_its_top(open_screen, read) -> None:
    draft = drafts.create("job", {"dataset_id": runs.dataset().id}, step="model")
    app = open_screen("new_job", draft=draft.id)
    assert "scrollTo" not in read(app)  # nobody came from anywhere
    app.button(key="to_review").click().run()
    assert "scrollTo" in read(app)
    app.button(key="back").click().run()
    assert "scrollTo(0, 0); // job 2" in read(app)


def test_what_does_not_fit_is_said_once(open_screen, read, monkeypatch) -> None:
    from core.training.forecast.device import Device

    free = 400_000_000
    monkeypatch.setattr("core.training.forecast.device.detect", lambda: Device("cpu", "CPU", free, free))
    draft = drafts.create("job", {"dataset_id": runs.dataset().id}, step="model")
    app = open_screen("new_job", draft=draft.id)
    assert "Too large" in read(app)
    assert len([item for item in app.caption if "Does not fit in the" in item.value]) == 1


def test_where_a_method_can_be_served_stands_on_its_card(open_screen, read) -> None:
    draft = drafts.create("job", {"dataset_id": runs.dataset().id}, step="model")
    said = read(open_screen("new_job", draft=draft.id))
    assert "Served in SFT Studio, vLLM" in said  # LoRA
    assert "Served in SFT Studio only" in said  # a prefix


def test_the_engine_is_chosen_by_auto_with_its_reason(open_screen, read) -> None:
    draft = drafts.create("job", {"dataset_id": runs.dataset().id}, step="model")
    app = open_screen("new_job", draft=draft.id)
    assert "with every method\\. Unsloth" in read(app)  # escaped once
    next(item for item in app.selectbox if item.label == "Engine").set_value("trl").run()
    assert drafts.get(draft.id).state["engine"] == "trl"
    app.button(key="to_review").click().run()
    assert "chosen by you" in read(app)


def test_a_launch_that_is_refused_says_so_and_speaks_of_no_file(open_screen, read) -> None:
    long = [example(number, answer="word " * 300) for number in range(12)]
    data = datasets.create_dataset("Long", long)
    state = {"dataset_id": data.id, "base_model": "starter", "method": "lora"}
    draft = drafts.create("job", state | {"training": {"max_seq_length": 64, "over_length": "stop"}}, step="review")
    app = open_screen("new_job", draft=draft.id)
    app.button(key="launch").click().run()
    said = read(app)
    assert "This needs a change" in said
    assert "The file" not in said
    assert jobs.list_jobs() == []


def test_the_number_behind_auto_is_shown(open_screen, read) -> None:
    draft = drafts.create("job", {"dataset_id": runs.dataset().id}, step="model")
    app = open_screen("new_job", draft=draft.id)
    read(app)
    shown = {item.label: item.value for item in app.text_input if item.disabled}
    assert "100" in shown["Epochs"] or "100" in next(v for k, v in shown.items() if k.startswith("Epochs"))
    assert "0.002" in shown["Learning rate"]


def test_another_method_changes_forecast_and_form(open_screen, read) -> None:
    draft = drafts.create("job", {"dataset_id": runs.dataset().id}, step="model")
    app = open_screen("new_job", draft=draft.id)
    app.button(key="pick_method_full").click().run()
    read(app)
    assert drafts.get(draft.id).state["method"] == "full"
    assert "Rank" not in [item.label for item in app.number_input]
    general = " ".join(item.label for item in app.text_input if item.disabled)  # also without settings of its own
    assert all(title in general for title in ("Epochs", "Learning rate", "Batch size"))


def test_stopping_early_is_offered_where_there_is_a_validation_loss(open_screen, read) -> None:
    held_out, without = runs.dataset(), datasets.create_dataset("Plain", load_sample().train)
    for data, offered in ((held_out, True), (without, False)):
        app = open_screen("new_job", dataset=data.id)
        labels = [slider.label for slider in app.slider] + [toggle.label for toggle in app.toggle]
        assert ("Keep the best checkpoint" in labels) == offered
        assert "Stop when the loss diverges" in labels
        assert ("Hold some out under Datasets to use them" in read(app)) != offered


def test_measuring_is_a_background_task_that_the_panel_watches(open_screen, read) -> None:
    draft = drafts.create("job", {"dataset_id": runs.dataset().id}, step="model")
    app = open_screen("new_job", draft=draft.id)
    app.button(key="measure").click().run()
    said = read(app)
    assert "Measure a few steps" not in said
    assert drafts.get(draft.id).state["calibration_task_id"]


def test_two_browsers_on_one_draft_launch_one_job(open_screen, read) -> None:
    state = {"dataset_id": runs.dataset().id, "base_model": "starter", "method": "lora", "name": "Once"}
    draft = drafts.create("job", state, step="review")
    first, second = open_screen("new_job", draft=draft.id), open_screen("new_job", draft=draft.id)
    first.button(key="launch").click().run()
    second.button(key="launch").click().run()
    assert [job.name for job in jobs.list_jobs()] == ["Once"]
    assert "is launched" in read(open_screen("new_job", draft=draft.id))


def test_a_draft_whose_dataset_is_gone_goes_back_to_choosing(open_screen, read) -> None:
    data = runs.dataset()
    draft = drafts.create("job", {"dataset_id": data.id, "method": "full"}, step="model")
    datasets.delete(data.id, data.name)
    app = open_screen("new_job", draft=draft.id)
    read(app)
    assert "is gone" in app.toast[0].value
    after = drafts.get(draft.id)
    assert (after.step, after.state["dataset_id"], after.state["method"]) == ("dataset", None, "full")


def test_two_windows_of_one_draft_show_the_newest_choices_and_say_so(open_screen, read) -> None:
    draft = drafts.create("job", {"dataset_id": runs.dataset().id}, step="model")
    first = open_screen("new_job", draft=draft.id)
    read(first)
    second = open_screen("new_job", draft=draft.id)
    read(second)
    next(item for item in second.number_input if item.label == "Rank").set_value(64).run()
    assert drafts.get(draft.id).state["method_config"]["rank"] == 64

    next(item for item in first.number_input if item.label == "Alpha").set_value(8).run()
    assert any("changed in another window" in toast.value for toast in first.toast)
    assert next(item for item in first.number_input if item.label == "Rank").value == 64
    assert drafts.get(draft.id).state["method_config"]["rank"] == 64  # the older window overwrote nothing
    next(item for item in first.number_input if item.label == "Alpha").set_value(8).run()
    assert (
        drafts.get(draft.id).state["method_config"] | {"rank": 64, "alpha": 8}
        == (drafts.get(draft.id).state["method_config"])
    )


def test_a_draft_begun_earlier_can_be_gone_on_with_or_discarded(open_screen, read) -> None:
    data = runs.dataset()
    kept = drafts.create("job", {"dataset_id": data.id, "name": "Support, second try"}, step="model")
    other = drafts.create("job", {"dataset_id": data.id, "name": "Not needed"}, step="model")
    app = open_screen("new_job")
    said = read(app)
    assert "Begun earlier" in said
    assert "Support, second try" in said
    app.button(key=f"discard_{other.id}").click().run()
    assert "Not needed" not in read(app)
    app.button(key=f"resume_{kept.id}").click().run()
    assert "Configure Model" in read(app)


def test_a_job_that_follows_another_says_when_the_dataset_has_a_newer_version(open_screen, read) -> None:
    data = runs.dataset()
    parent = jobs.create(
        name="First",
        dataset_id=data.id,
        base_model="starter",
        method="lora",
        method_config={},
        training={},
        draft_key=None,
    )
    assert "was trained on version" not in read(open_screen("new_job", again=parent.id))
    dataset_edits.apply(data.id, DropRows(positions=[0]), base_version_id=data.version.id)
    assert "First was trained on version 1; this job takes version 2, the newest." in read(
        open_screen("new_job", again=parent.id)
    )


def test_what_another_window_chose_is_looked_at_before_it_is_launched(open_screen, read) -> None:
    draft = drafts.create("job", {"dataset_id": runs.dataset().id}, step="model")
    app = open_screen("new_job", draft=draft.id)
    app.button(key="to_review").click().run()
    read(app)
    drafts.update(draft.id, None, {"training": {"num_epochs": 77}})
    said = read(app.button(key="launch").click().run())
    assert jobs.list_jobs() == []
    assert any("changed in another window" in toast.value for toast in app.toast)
    assert "77" in said
    app.button(key="launch").click().run()
    (job,) = jobs.list_jobs()
    assert job.num_epochs == 77


def test_back_is_for_the_step_that_was_seen(open_screen, read) -> None:
    draft = drafts.create("job", {"dataset_id": runs.dataset().id}, step="model")
    app = open_screen("new_job", draft=draft.id)
    app.button(key="to_review").click().run()
    drafts.update(draft.id, None, {}, "model")  # what a double click's first half does, or another window
    read(app.button(key="back").click().run())
    assert drafts.get(draft.id).step == "model"
    app.button(key="back").click().run()
    assert drafts.get(draft.id).step == "dataset"
