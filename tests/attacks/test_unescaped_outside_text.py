"""Text from outside that a screen forgets to escape: found by following it through the source of all screens."""

from __future__ import annotations

import textwrap
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.support import outside_text
from tests.support.outside_text import Pages

# Texts that the studio's own source contains, and values without text: "<file below pages>: <expression>". A text that
# a user, a file, a model or another server can write does not belong here; it is escaped at its place.
OURS = {
    "descriptions in the registries: templates, roles, shapes, formats, operations, methods, metrics, issues, kinds": [
        "data/_convert/setup.py: template.*",
        "data/_convert/setup.py: role.*",
        "data/_upload/choose.py: shape.*",
        "data/*: analysis.shape",
        "data/*: sources.format_labels()",
        "data/_convert/begin.py: sample.*",
        "data/_convert/reading.py: *choice.*",
        "data/_convert/reading.py: option.title",
        "data/_datasets/editing/operations.py: kind*",
        "data/_datasets/quality/worklist.py: action.text",
        "data/_datasets/versions/export.py: formats.get(name).title",
        "data/_datasets/versions/export.py: item.text",
        "data/_import_conversations/begin.py: log.*",
        "data/_import_conversations/left_out.py: explained.*",
        "training/_new_job/method_cards.py: method.*",
        "training/_new_job/step_model.py: method.id",
        "training/_new_job/method_cards.py: choices.recommended_method().title",
        "ui/methods.py: method.*",
        "ui/tasks/actions.py: ending.*",
        "training/_new_job/forecast.py: place.target*",
        "training/_job/cost.py: found.verdict",
        "training/_job/live.py: metric.*",
        "training/_job/run_curves.py: metric.axis",
        "training/_job/live.py: job.provider_title",
        "training/_job/failure.py: jobs.also_helps(cause)",
        "ui/tasks/words.py: known.*",
        "ui/states.py: look.*",
        "*: states.state_of(*",
    ],
    "titles and descriptions of typed settings": [
        "*: *.model_fields*",
        "*: field.title",
        "*: field.description",
        "ui/forms.py: field.json_schema_extra",
    ],
    "the explainer's own chapters, questions and figures": [
        "learn/_explainer/basics.py: advice.*",
        "learn/_explainer/basics.py: question.*",
        "learn/_explainer/basics.py: station.*",
        "learn/_explainer/basics.py: st.text_area('Instructions *",
        "learn/_explainer/data.py: found.code",
        "learn/_explainer/data.py: habit.*",
        "learn/_explainer/decision.py: question.*",
        "learn/_explainer/decision.py: item.*",
        "learn/_explainer/training.py: compare.*",
        "learn/_explainer/training.py: curves.SHAPES*",
        "learn/_explainer/training.py: reading.*",
        "learn/_explainer/training.py: row.about.*",
        "learn/_explainer/training.py: st.select_slider('Size of the model'*",
        "learn/explainer.py: after.word",
        "learn/explainer.py: before.word",
        "learn/explainer.py: chosen.title",
        "learn/explainer.py: *TOPICS*",
        "learn/_explainer/results.py: item.*",
        "learn/_explainer/results.py: reading.remedy",
        "learn/_explainer/results.py: saving.title",
        "learn/_explainer/results.py: step.*",
        "learn/_explainer/results.py: *symptom*",
        "learn/_explainer/results.py: tomllib*",
        "learn/_home/overview.py: step.title",
    ],
    "steps of the wizards and words of navigation": [
        "ui/wizard/__init__.py: *step*",
        "ui/wizard/__init__.py: now.*",
        "ui/wizard/__init__.py: wizard.name",
        "training/_new_job/drafts.py: {step.id: step.title*",
        "ui/components.py: titles.__getitem__",
        "ui/addressed.py: titles.__getitem__",
        "ui/listing/*: screen.*",
        "ui/listing/controls.py: one.title",
        "ui/tasks/actions.py: ending.*",
        "ui/navigation.py: *screen.name*",
        "ui/dialogs.py: title",
    ],
    "states, kinds and codes from a fixed list": [
        "data/_convert/analyze.py: column.type",
        "data/_datasets/cards.py: sources.format_label(format_id)",
        "ui/app.py: running.missing()",
        "data/_datasets/findings.py: item.code",
        "serving/_feedback/review.py: other.state",
        "serving/_evaluate/*: evaluation.split",
        "serving/_agents/talks.py: talks.rating_word(*",
        "serving/_evaluate/*: verdict.title",
        "serving/_evaluate/rows.py: evaluation.state",
        "serving/_evaluate/form.py: CUSTOM_KINDS.get(*",
        "serving/_chat/judging.py: REASONS.get(*",
        "data/_datasets/cards.py: dataset.*",
        "data/_import_conversations/roles.py: log.notes",
        "data/_shared/uploads.py: Counter(*",
        "data/_smart/rows.py: row.state",
        "learn/_explainer/results.py: worker.*",
        "platform/*: task.state",
        "platform/_settings/*: NOTICE_KINDS.get(*",
        "platform/_settings/notice_form.py: about.example",
        "ui/bell.py: kind.icon",
        "platform/_settings/machine.py: check.name",
        "*: item.state",
    ],
    "ids, hashes, counts and dates": [
        "*: task.id",
        "*: final_loss_text(*",
        "training/_job/live.py: job.final*",
        "ui/listing/controls.py: found.archived",
        "ui/tasks/workers.py: worker.title",
        "*: item.id",
        "*: draft.id",
        "data/_datasets/versions/panel.py: version.sha256",
        "data/_smart/run.py: WrittenResult.of(task).version_id*",
        "data/_smart/cost.py: estimate.*",
        "learn/_explainer/teaches.py: figure.*",
        "learn/_explainer/teaches.py: *part.figures*",
        "learn/_explainer/data.py: tokens.trained",
        "ui/answers/by_*.py: figure.*",
        "ui/answers/scores.py: score.*.text",
        "ui/answers/scores.py: asked.*",
        "learn/_home/overview.py: overview.*",
        "training/_job/facts.py: jobs.track_record().text",
        "training/_new_job/forecast.py: jobs.track_record().text",
        "training/_job/live.py: point*.value(metric.id)",
        "training/_new_job/forecast.py: forecast.training.num_epochs",
        "learn/_demo/steps.py: math.ceil(*",
        "data/_datasets/quality/pictures.py: *.score",
        "training/_models/merge.py: one.dtype",
        "training/_job/live.py: validation*.part",
        "training/_jobs/compare.py: figure_.values",
        "training/_models/*: model.version",
        "serving/_arena/standing.py: rate.value",
        "training/_models/versions.py: model.state",
        "ui/use_from_code.py: one.title",
        "*: usd(*",
        "*: range_usd(*",
        "serving/_evaluate/judge.py: found.*",
        "data/_import_conversations/review.py: item.quality.score",
        "serving/_agents/form.py: agent.*",
        "serving/_evaluate/board.py: row.score.text",
        "serving/_evaluate/rows.py: best.text",
        "*: day(*",  # of core.text: digits and the name of a month
        "*: moment(*",
        "*: clock(*",
    ],
    "a record of which only such values are shown, or keys of elements": [
        "data/_convert/setup.py: column.name",
        "data/_import_conversations/review.py: plan.examples",
        "data/_convert/setup.py: preview.examples",
        "data/_shared/sample_rows.py: conversion.sample(*",
        "data/_shared/sample_rows.py: random.randint(*",
        "data/datasets.py: examples",
        "data/datasets.py: findings",
        "data/datasets.py: provenance",
        "data/datasets.py: statistics",
        "serving/chat.py: conversation.last",
        "learn/demo.py: demo.*",
        "learn/home.py: home.unused_real_model()",
        "learn/_demo/introduction.py: *demo.bases()*",
        "learn/demo.py: st.query_params",
        "serving/feedback.py: st.query_params",
        "training/models.py: models.get_model(chosen)",
        "training/_job/losses.py: found.*",
        "training/_job/losses.py: st.tabs(*",
        "training/_new_job/step_model.py: draft.state",
        "training/_new_job/bases.py: jobs.catalog()",
        "ui/wizard/draft_state.py: st.session_state",
    ],
    "escaped where it is put together": [
        "data/_import_conversations/review.py: Counter((word for message in items *",
        "training/_job/facts.py: re.sub(*",
        "ui/components.py: item.*",
        "serving/_chat/correcting.py: st.text_area(*",
        "serving/_chat/correcting.py: turn.content",
        "serving/_evaluate/board.py: evaluating.leaderboard(*",
        "ui/listing/menu.py: found.agents",
        "serving/_feedback/review.py: one.snapshot.answer",
        "serving/_feedback/review.py: one.text",
        "serving/_feedback/review.py: st.text_area(*",
    ],
    "not an element": ["ui/server.py: sign_in.state(*"],
}


def test_every_outside_text_is_escaped() -> None:
    patterns = [pattern for group in OURS.values() for pattern in group]
    found = [item for item in Pages().outside() if not any(fnmatchcase(item.key, pattern) for pattern in patterns)]
    assert found == [], "escape these with pages.ui.escaping:\n" + "\n".join(map(str, found))


def test_the_list_of_our_own_texts_has_no_entry_too_many() -> None:
    keys = {item.key for item in Pages().outside()}
    unused = [pattern for group in OURS.values() for pattern in group if not any(fnmatchcase(k, pattern) for k in keys)]
    assert unused == []


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The search, over a file with these lines as a screen of its own."""

    def search(source: str) -> list[str]:
        folder = tmp_path / "pages"
        folder.mkdir(exist_ok=True)
        (folder / "screen.py").write_text("import streamlit as st\n" + textwrap.dedent(source))
        monkeypatch.setattr(outside_text, "ROOT", tmp_path)
        return [item.text for item in Pages(folder).outside()]

    return search


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("st.markdown(dataset.name)", ["dataset.name"]),
        ("st.caption(f'{dataset.name}')", ["dataset.name"]),
        ("st.button('Delete ' + dataset.name)", ["dataset.name"]),
        ("place.markdown(dataset.name)", ["dataset.name"]),
        ("st.toggle('x', help=dataset.name)", ["dataset.name"]),
        ("st.metric('x', dataset.name)", ["dataset.name"]),
        ("st.radio('x', [1], format_func=lambda one: dataset.name)", ["dataset.name"]),
        ("st.expander(dataset.name if dataset else 'x')", ["dataset.name"]),
        ("st.toast(str(error))", ["error"]),
        ("st.error('%s' % error)", ["error"]),
        ("st.markdown(' '.join(item.name for item in items))", ["item.name"]),
        ("st.markdown('{}'.format(error))", ["error"]),
        ("st.markdown(load())", ["load()"]),
        ("st.markdown(md(dataset.name))", []),
        ("st.markdown(f'{dataset.share:.1%} {len(dataset.name)} {plural(dataset.rows, \"row\")}')", []),
        ("st.selectbox('x', names, format_func=lambda one: dataset.name)", []),
        ("st.text(dataset.name)", []),
        ("log.error(dataset.name)", []),
    ],
)
def test_the_search_finds_it(line: str, found: list[str], page) -> None:
    assert page(f"def draw(dataset, items, error, names):\n    {line}\n".replace("error)", "load.error)")) == [
        text.replace("error", "load.error") for text in found
    ]


def test_the_search_follows_functions_and_names(page) -> None:
    source = """
        def card(title, count: int):
            words = title + ": "
            st.markdown(f"**{words}** {count}")

        def name_of(dataset):
            return dataset.name

        card(md(name_of(load())), 1)
        card("ours", load().count)
        card(name_of(load()), 1)
        for title in [load().first, "x"]:
            card(title=title, count=2)
    """
    assert page(source) == ["dataset.name", "load().first"]
