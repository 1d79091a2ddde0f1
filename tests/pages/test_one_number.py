"""A figure of one run and of one dataset reads the same on every screen, in the command line and in every download."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from core.cli import main
from core.messages import SPLIT_TITLES
from core.platform.db.tables import TASKS, Draft
from core.platform.db.uow import UnitOfWork
from core.services.data import datasets, exports, sources, token_counts
from core.services.platform import drafts
from core.services.serving import model_card
from core.services.training import jobs, metrics, models, monitoring
from core.serving.model_formats import MODEL_FORMATS
from core.text import duration, format_loss, plural, share, size
from core.training.metrics import METRICS
from tests.support import evaluations as planted, figures, runs
from tests.support.figures import Figures
from tests.support.talking import finished, talking, tuned
from worker.run import execute

KEPT, TOOK = 700, 190.0  # the step of the best checkpoint, and the seconds of the run
LOSS = r"(?i)\bfinal loss:? (\d[\d.e-]*)"
ANY_LOSS = re.compile(r"(?i)([\w, ]*?)\bloss:? (\d[\d.e-]+)")
NAMED_RUN = {
    "Final loss": LOSS,
    "Duration": r"duration (\d[\w. ]*\w)",
    "Size": r"final loss [\d.e-]+ · (\d[\d.]* [KMG]B)",  # on a card
    "Training examples": r"([\d,]+ training examples?)",
    "Right, held out": r"Held-out examples: Exact match ([\d.]+%)",  # on a card, and in the lineage
}


class Screens:
    """The figures of each screen that was read, and what every screen has to agree on."""

    def __init__(self) -> None:
        self.of: dict[str, Figures] = {}
        self.texts: dict[str, str] = {}

    def values(self, name: str) -> dict[str, set[str]]:
        """What each screen shows under a name."""
        return {screen: found[name] for screen, found in self.of.items() if name in found}

    def agree(self, name: str, value: str, *screens: str) -> None:
        """Every screen shows this value under this name, and these screens do show it."""
        shown = self.values(name)
        assert shown.keys() >= set(screens), f"{name} is missing: {set(screens) - shown.keys()}"
        assert shown == {screen: {value} for screen in shown}, name


@pytest.fixture
def run(studio_env: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> jobs.JobRecord:
    """A finished run whose model is not from its last step, and which took longer than its steps."""
    monkeypatch.setenv("SFT_INFERENCE_PORT", "9")  # nothing answers there
    job = runs.launch(runs.dataset(), "Support - Starter - v1")
    context = runs.begin(job, job.total_steps)
    best = {(point.split, point.step): point for point in metrics.all_points(job.id)}
    losses = {"final_loss": best["train", KEPT].loss, "validation_loss": best["validation", KEPT].loss}
    times = {"train_seconds": 57.0, "total_seconds": 68.0, "tokens_per_s": 7_368.4}
    runs.finish(context, job, tmp_path / "adapter", **losses, **times, kept_step=KEPT)
    with UnitOfWork() as uow:
        ended = jobs.get_job(job.id)
        assert ended.finished_at
        uow.execute(update(TASKS).where(TASKS.c.id == job.task_id).values(started_at=ended.finished_at - TOOK))
        uow.session.add(Draft(id="demo_1", kind="demo", step="started", state=_demo(ended)))
        uow.commit()
    return jobs.get_job(job.id)


def _test(run: jobs.JobRecord) -> None:
    """The test of the run's model on all examples, ended."""
    tuned, base = planted.right_up_to(train=55, validation=42), planted.right_up_to(validation=1)
    planted.measured(models.get_model(run.model_id or ""), tuned, base, split="", main="exact_match")


def _demo(job: jobs.JobRecord) -> dict[str, str]:
    return {"job_id": job.id, "dataset_id": job.dataset_id, "sample": "support", "base_model": "starter"}


@pytest.fixture
def screens(run: jobs.JobRecord, open_screen, read, capsys: pytest.CaptureFixture[str]) -> Screens:
    """Every screen that shows the run or its model, and the command line."""
    _test(run)
    other = runs.launch(datasets.get_dataset(run.dataset_id), "Another run", seed=2)
    runs.begin(other, 3)
    found = Screens()
    opened = {
        "home": open_screen("home"),
        "job": open_screen("job", id=run.id),
        "jobs": open_screen("jobs", jobs=f"{run.id},{other.id}"),
        "models": open_screen("models"),
        "model": open_screen("models", id=run.model_id),
        "background_jobs": open_screen("background_jobs").selectbox(key="list_kind").set_value("training").run(),
        "demo": open_screen("demo", id="demo_1"),
        "lineage": open_screen("datasets", id=run.dataset_id, view="Provenance"),
        "chat": open_screen("chat", model=run.model_id),
    }
    for name, app in opened.items():
        read(app)
        found.texts[name] = figures.plain(app)
        found.of[name] = figures.of_screen(app, NAMED_RUN, run.name)
    for name, words in (
        ("sft jobs", ["jobs"]),
        ("sft models", ["models"]),
        ("sft jobs show", ["jobs", "show", run.id]),
    ):
        assert main(words) == 0
        found.texts[name] = capsys.readouterr().out
    return found


def test_a_finished_run_reads_the_same_everywhere(
    run: jobs.JobRecord, screens: Screens, capsys: pytest.CaptureFixture[str]
) -> None:
    loss(run, screens, capsys)
    accuracy_and_validation_loss(run, screens)
    speed_and_memory(run, screens)
    scores(run, screens, capsys)
    durations(run, screens)
    sizes(run, screens, capsys)
    examples(run, screens)


def loss(run: jobs.JobRecord, screens: Screens, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.model_id
    model = models.get_model(run.model_id)
    points = {(point.split, point.step): point for point in metrics.all_points(run.id)}
    at_the_end, kept = points["train", run.total_steps].loss, points["train", KEPT].loss
    assert format_loss(at_the_end) != format_loss(kept), "the test could not tell one from the other"
    screens.agree("Final loss", format_loss(kept), "home", "job", "jobs", "models", "model", "demo", "lineage")
    for name, text in screens.texts.items():
        for words, value in ANY_LOSS.findall(text):
            assert "final" in words.lower(), f"{name}: a loss without its name: {words!r} {value}"
            assert "validation" in words.lower() or value == format_loss(kept), name
    assert format_loss(kept) in screens.texts["sft jobs"].split()
    assert format_loss(kept) in screens.texts["sft models"].split()
    assert {line["loss"] for line in _json(["jobs", "--json"], capsys) if line["job"] == run.id} == {kept}
    assert {line["loss"] for line in _json(["models", "--json"], capsys)} == {kept}
    assert model.manifest["final_loss"] == model.final_loss == kept
    assert f",{kept!r}," in monitoring.metrics_csv(run.id).decode()


def accuracy_and_validation_loss(run: jobs.JobRecord, screens: Screens) -> None:
    points = {(point.split, point.step): point for point in metrics.all_points(run.id)}
    accuracy = METRICS.get("token_accuracy")
    screens.agree(accuracy.final_name, share(points["train", KEPT].value(accuracy.id)), "job", "jobs")
    screens.agree("Final validation loss", format_loss(points["validation", KEPT].loss), "job", "jobs")


def speed_and_memory(run: jobs.JobRecord, screens: Screens) -> None:
    screens.agree(METRICS.get("tokens_per_s").final_name, "7,368", "job", "jobs")
    screens.agree("Peak memory", size(run.measured["peak_memory_bytes"]), "job", "jobs")
    assert size(run.measured["peak_memory_bytes"]) in screens.texts["sft jobs show"]


def scores(run: jobs.JobRecord, screens: Screens, capsys: pytest.CaptureFixture[str]) -> None:
    model = models.get_model(run.model_id or "")
    held_out, trained, *_ = models.scores(model)
    assert (held_out.tuned.text, trained.tuned.text) == ("72.4%", "98.2%")
    screens.agree("Exact match", held_out.tuned.text, "model")
    screens.agree("Right, held out", held_out.tuned.text, "models", "lineage")
    assert f"Held-out examples: Exact match {held_out.tuned.text}" in screens.texts["sft models"]
    (line,) = _json(["models", "--json"], capsys)
    assert [score["tuned"] for score in line["scores"]][:2] == [held_out.tuned.value, trained.tuned.value]
    card = model_card.card(model, MODEL_FORMATS.get("adapter"))
    assert "- Held-out examples: Exact match: 72.4%, base 1.7%, of 58 answers." in card
    assert "- Training examples: Exact match: 98.2%, base 0.0%, of 56 answers." in card


def durations(run: jobs.JobRecord, screens: Screens) -> None:
    screens.agree("Duration", duration(TOOK), "job", "jobs", "background_jobs")
    screens.agree("Time in steps", duration(57), "jobs")
    for name, text in screens.texts.items():
        assert not re.search(r"\btook \d|[Ww]orking time", text), f"{name}: another name for the duration"
    assert screens.texts["job"].count(duration(TOOK)) > 1  # above the bar, and beside the forecast


def sizes(run: jobs.JobRecord, screens: Screens, capsys: pytest.CaptureFixture[str]) -> None:
    model = models.get_model(run.model_id or "")
    screens.agree("Size", size(model.size_bytes), "models", "model")
    assert {line["size_bytes"] for line in _json(["models", "--json"], capsys)} == {run.measured["model_bytes"]}
    assert model.size_bytes == run.measured["model_bytes"]


def examples(run: jobs.JobRecord, screens: Screens) -> None:
    version = datasets.get_version(run.dataset_version_id)
    assert run.examples == version.train_examples != version.examples
    screens.agree("Training examples", plural(version.train_examples, "training example"), "jobs")
    for name in ("jobs", "job", "demo", "chat", "sft jobs show"):
        assert plural(version.train_examples, "labeled example") not in screens.texts[name], name


ANSWER = {
    "Tokens": r"s · (?:first token after [\d.]+ s · )?(\d+ tokens?)",
    "Input": r"input (\d+ tokens?)",
    "First token": r"first token after ([\d.]+ s)",
}


def test_an_answer_reads_the_same_in_chat_and_compare(
    open_screen, read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with talking(monkeypatch):
        model, other = (tuned(tmp_path / name, name) for name in ("one", "two"))
        chat = open_screen("chat", model=model.id)
        chat.chat_input(key="question").set_value("Hello?").run()
        turn = finished(chat.query_params["conversation"]).turns[-1]
        compare = open_screen("compare", kind="typed", input="Hello?", models=[model.id, other.id])
        compare.button(key="ask_all").click().run()
        shown = Screens()
        for name, app in (
            ("chat", open_screen("chat", conversation=chat.query_params["conversation"])),
            ("compare", compare),
        ):
            read(app)
            shown.of[name] = figures.of_screen(app, ANSWER)
    shown.agree("Tokens", plural(turn.completion_tokens, "token"), "chat", "compare")
    shown.agree("Input", plural(turn.prompt_tokens, "token"), "chat", "compare")
    version = datasets.get_version(jobs.get_job(model.job_id).dataset_version_id)
    example = open_screen("compare", models=[model.id, other.id])
    (split,) = (control for control in example.get("button_group") if control.key.startswith("split_"))
    assert [option.content for option in split.proto.options] == [
        f"{SPLIT_TITLES['train']} ({version.train_examples:,})",
        f"{SPLIT_TITLES['validation']} ({version.validation_examples:,})",
    ]
    assert shown.of["chat"]["First token"] == {f"{turn.first_token_s:.1f} s"}


def _json(words: list[str], capsys: pytest.CaptureFixture[str]) -> Iterator[dict[str, object]]:
    capsys.readouterr()
    assert main(words) == 0
    return iter([json.loads(line) for line in capsys.readouterr().out.splitlines()])


NAMED_DATASET = {
    "Labeled Examples": r"Labeled Examples: ([\d,]+ pairs?)",
    "Left out": r"([\d,]+ of [\d,]+ rows) left out",
}


def test_a_dataset_reads_the_same_everywhere(
    open_screen, read, capsys: pytest.CaptureFixture[str], studio_env: Path
) -> None:
    dataset = _imported()
    version, found = dataset.version, Screens()
    opened = {
        "home": {"home": {}},
        "datasets": {"datasets": {}},
        "new_job": {"new_job": {"draft": drafts.create("job", {"dataset_id": dataset.id}, step="dataset").id}},
        **{view: {"datasets": {"id": dataset.id, "view": view}} for view in ("Findings", "Statistics", "Versions")},
    }
    for name, screen in opened.items():
        ((file, query),) = screen.items()
        app = open_screen(file, **query)
        read(app)
        found.texts[name] = figures.plain(app)
        found.of[name] = figures.of_screen(app, NAMED_DATASET)
    pairs, stats = plural(version.examples, "pair"), token_counts.statistics(version.id)
    found.agree("Labeled Examples", pairs, "datasets", "new_job", "Findings", "Statistics", "Versions")
    found.agree("Left out", "3 of 15 rows", "datasets", "new_job", "Versions")
    found.agree("Rows left out", "3", "Findings", "Statistics", "Versions")
    longest = {
        screen: {re.match(r"[\d,]+", value)[0] for value in shown} for screen, shown in found.values("Longest").items()
    }
    assert longest == {screen: {f"{stats.tokens_max:,}"} for screen in ("Findings", "Statistics", "Versions")}
    assert f"{stats.tokens_max:,} at most, {stats.counted}" in "".join(found.of["new_job"]["Length"])
    assert found.of["new_job"]["Total tokens"] == found.of["Statistics"]["Total tokens"]
    assert found.of["new_job"]["Size"] == {size(version.size_bytes)}
    for name in ("datasets", "Findings", "Versions"):
        assert size(version.size_bytes) in found.texts[name], name
    total = sum(datasets.findings_by_severity(version.id).values())
    assert found.of["Findings"]["Findings"] == {str(total)}
    assert plural(total, "finding") in found.texts["Findings"]
    assert plural(version.examples, "labeled example") in found.texts["home"]
    (line,) = _json(["datasets", "--json"], capsys)
    assert (line["examples"], version.manifest.counts.examples) == (version.examples, version.examples)
    assert len(b"".join(exports.export(version.id, "jsonl")).splitlines()) == version.examples
    assert len(b"".join(datasets.rejects(version.id)).splitlines()) == version.rows_left_out


def _imported() -> datasets.DatasetRecord:
    """12 examples of a file with 15 rows."""
    rows = [[("user", f"Question {n}?"), ("assistant", f"Answer {n}" if n < 12 else "")] for n in range(15)]
    lines = [{"messages": [{"role": role, "content": text} for role, text in row]} for row in rows]
    source = sources.ingest(io.BytesIO("\n".join(map(json.dumps, lines)).encode()), "support.jsonl")
    ended = execute(datasets.create_from_source(source.id, "Support").id, owner="test")
    return datasets.get_dataset(ended.result["dataset_id"])
