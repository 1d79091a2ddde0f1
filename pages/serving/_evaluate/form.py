"""The form that begins an evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import streamlit as st

from core.errors import BudgetReached, DataError, StudioError
from core.messages import SPLIT_TITLES
from core.services.data import datasets
from core.services.data.datasets import DatasetChoice
from core.services.serving import chat, connected, evaluating
from core.services.serving.evaluating import CUSTOM_KINDS, EVALUATION_METRICS, SUITES, EvaluationSettings
from pages.ui import components, dark_soon, first_steps, navigation, overrides
from pages.ui.errors import show_error
from pages.ui.format import md, plural, range_usd, sentence

NONE: Final = ""
LEAD = "Every model answers the same examples. Compare a tuned model with its base to get a verdict."


def show() -> None:
    """Models, examples, metrics; *Start* opens the evaluation."""
    components.page_header("New evaluation", LEAD, "Use / Evaluate")
    choices = [choice for choice in datasets.choices() if choice.parts]
    titles = {model.id: model.title for model in chat.available_models()}
    if not choices or not titles:
        first_steps.no_data(
            "balance", "Nothing to ask yet", "An evaluation needs a dataset and a model.", "no_questions"
        )
        return
    with st.container(border=True, gap="small", key="evaluation_models"):
        st.header("Models", anchor=False)
        models, against = _models(titles)
        elsewhere = _elsewhere()
    with st.container(border=True, gap="small", key="evaluation_questions"):
        st.header("Examples", anchor=False)
        version_id, split, limit, examples = _examples(choices, models)
    with st.container(border=True, gap="small", key="evaluation_metrics"):
        st.header("Metrics", anchor=False)
        said = " Guard suites are further questions: they show whether a model broke something else." if against else ""
        st.caption(f"Every figure that fits the outputs is measured.{said}")
        with st.expander("Choose metrics" + (" and guard suites" if against else ""), key="evaluation_choose"):
            metrics = _metrics()
            suites = _suites() if against else []
            custom = _custom()
    with st.expander("More settings", icon=":material/tune:", key="evaluation_more"):
        settings = replace(_more(against, limit, suites), custom=custom, judge=_judge(titles) if against else {})
    models += elsewhere
    _unasked(models, version_id, split, settings)
    with components.spread():
        st.caption(_account(models, against, settings, examples) + _cost(models, version_id, split, settings))
        with st.container(horizontal=True, width="content", gap="small"):
            navigation.button("Cancel", "evaluate", key="cancel_evaluation", type="tertiary")
            pressed = st.button(
                "Start evaluation", type="primary", icon=":material/play_arrow:", key="start_evaluation",
                disabled=not (models or against),
            )  # fmt: skip
    if overrides.pressed(pressed, "start_evaluation"):
        try:
            with overrides.start("start_evaluation"):
                started = evaluating.start(models, version_id, split=split, metrics=metrics, settings=settings)
        except BudgetReached as error:
            show_error(error)
            return
        except StudioError as error:
            st.error(f"{sentence(error.message)} {sentence(error.remedy)}", icon=":material/error:")
            return
        navigation.go("evaluate", {"id": started.id})


def _elsewhere() -> list[str]:
    """Models behind connections, where there is one."""
    if not any(connected.choices()):
        return []
    typed = st.text_area(
        "Models behind connections",
        key="evaluation_elsewhere",
        height=70,
        placeholder="My server/llama-3.2-3b",
        help="One a line: the name of a connection of Settings, a slash, and a model there.",
    )
    named = [line.strip() for line in (typed or "").splitlines() if line.strip()]
    _dark(named)
    return named


def _dark(named: Sequence[str]) -> None:
    """A line for each of these models that its provider switches off."""
    for name in named:
        try:
            found = evaluating.find_model(name)
        except StudioError:  # *Start* says what is wrong
            continue
        dark_soon.mark(found.id, found.id)


def _models(titles: Mapping[str, str]) -> tuple[list[str], str]:
    asked = [model for model in st.query_params.get_all("model") if model in titles]
    tuned = [model for model in titles if model.startswith("fm_")]
    models = st.multiselect(
        "Models",
        list(titles),
        default=asked or tuned[:1],
        format_func=titles.__getitem__,
        max_selections=8,
        key="evaluation_chosen",
        label_visibility="collapsed",
    )
    bases = {model.id: model.base_id for model in chat.available_models()}
    proposed = st.query_params.get("against") or (bases.get(models[0], NONE) if models else NONE)
    others = {NONE: "No model: only the figures"} | {
        model: title for model, title in titles.items() if model not in models
    }
    against = components.pick(
        "Compare with",
        others,
        f"evaluation_against_{'_'.join(models)}",
        proposed if proposed in others else NONE,
        help="The verdict says whether the models above may replace this one. It answers too, several times.",
    )
    return list(models), against


def _examples(choices: Sequence[DatasetChoice], models: Sequence[str]) -> tuple[str, str, int | None, int]:
    """The version, its split ("" for all), the limit, and how many examples that is."""
    by_version = {choice.version_id: choice for choice in choices}
    trained = next((chat.trained_on(model) for model in models if model.startswith("fm_")), None)
    asked = next((one.version_id for one in choices if one.id == st.query_params.get("dataset")), trained)
    version_id = components.pick(
        "Dataset",
        {version: f"{choice.name} (v{choice.number})" for version, choice in by_version.items()},
        "evaluation_dataset",
        asked if asked in by_version else None,
    )
    parts = by_version[version_id].parts
    splits: dict[str, str] = {
        split: f"{SPLIT_TITLES[split]} ({parts[split]:,})"
        for split in ("test", "validation", "train")
        if parts.get(split)
    }
    splits["all"] = f"All ({sum(parts.values()):,})"
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        split = components.switch("Split", splits, f"evaluation_split_{version_id}", labeled=True)
        limit = st.number_input(
            "Ask at most", min_value=1, value=None, placeholder="all", key="evaluation_limit", width=140
        )
    if split in ("train", "all"):
        st.caption(
            ":material/info: A model that was trained on these examples has seen the answers. "
            "Split off a part for testing under Datasets."
        )
    every = sum(count for part, count in parts.items() if split in (part, "all"))
    return version_id, "" if split == "all" else split, int(limit) if limit else None, min(limit or every, every)


def _metrics() -> list[str]:
    titles = {metric.id: metric.title for metric in EVALUATION_METRICS}
    usual = [metric.id for metric in EVALUATION_METRICS if metric.default]
    return st.multiselect(
        "Metrics",
        list(titles),
        default=usual,
        format_func=titles.__getitem__,
        key="evaluation_metric_ids",
        help="Those that do not fit the outputs, such as fields of JSON, are left out of the result.",
    )


def _suites() -> list[str]:
    titles = {suite.id: f"{suite.title} ({len(suite.items)})" for suite in SUITES}
    return st.multiselect(
        "Guard suites",
        list(titles),
        default=list(titles),
        format_func=titles.__getitem__,
        key="evaluation_suites",
        help="Questions that show whether a model broke something else. None may fall by more than 5 points.",
    )


def _custom() -> tuple[Mapping[str, Any], ...]:
    """One metric of the user's, where its name is filled in."""
    if not st.toggle("Add a custom metric", key="evaluation_custom"):
        return ()
    kinds = {kind.id: kind.title for kind in CUSTOM_KINDS}
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        name = st.text_input("Name", key="custom_name", max_chars=60, placeholder="Mentions an order number")
        kind = components.pick("Kind", kinds, "custom_kind", width=220)
    body = st.text_area("Definition", key="custom_body", height=120, help=CUSTOM_KINDS.get(kind).hint)
    st.caption(CUSTOM_KINDS.get(kind).hint)
    return ({"kind": kind, "name": name, "body": body},)


def _more(against: str, limit: int | None, suites: Sequence[str]) -> EvaluationSettings:
    mains = {NONE: "The one that fits the outputs"} | {metric.id: metric.title for metric in EVALUATION_METRICS}
    with st.grid(2, min_column_width=220):
        main = components.pick("Main metric", mains, "evaluation_main", help="The verdict is about it.")
        max_tokens = st.number_input(
            "Maximum answer length", min_value=1, max_value=4_096, value=None, key="evaluation_max_tokens",
            placeholder="half again the longest output", help="In tokens.",
        )  # fmt: skip
        temperature = st.number_input(
            "Temperature", min_value=0.0, max_value=2.0, value=0.0, step=0.1, key="evaluation_temperature",
            help="0 always takes the most likely token.",
        )  # fmt: skip
        repeats = st.number_input(
            "Runs of the model compared with", min_value=1, max_value=5, value=2, key="evaluation_repeats",
            disabled=not against, help="Further runs measure how much its answers vary by chance.",
        )  # fmt: skip
    return EvaluationSettings(
        limit=limit,
        max_tokens=int(max_tokens) if max_tokens else None,
        temperature=float(temperature),
        against=against,
        suites=tuple(suites),
        repeats=int(repeats) if against else 1,
        main=main,
    )


def _judge(titles: Mapping[str, str]) -> Mapping[str, str]:
    """A judge with its rubric; {} for none."""
    st.markdown("**Rubric judge**")
    others = {NONE: "No judge"} | dict(titles) | {"elsewhere": "A model behind a connection"}
    chosen = components.pick(
        "Judge", others, "evaluation_judge",
        help="A model that compares each pair of answers, twice with the sides swapped. Small models judge badly.",
    )  # fmt: skip
    if not chosen:
        return {}
    if chosen == "elsewhere":
        chosen = st.text_input("Judge behind a connection", key="evaluation_judge_name", placeholder="My server/model")
    rubric = st.text_area("Rubric", value=evaluating.judging.RUBRIC, key="evaluation_rubric", height=110)
    return {"model": chosen, "rubric": rubric}


def _unasked(models: Sequence[str], version_id: str, split: str, settings: EvaluationSettings) -> None:
    """Examples that these models cannot be asked, before it starts."""
    if not models:
        return
    try:
        text = evaluating.unasked(models, version_id, split=split, settings=settings)
    except DataError as error:
        text = str(error)
    except StudioError:  # a model that does not exist (any more): named when it starts
        return
    if text:
        st.warning(md(text), icon=":material/warning:")


def _cost(models: Sequence[str], version_id: str, split: str, settings: EvaluationSettings) -> str:
    """What models behind connections will cost, as a sentence; "" where nothing is paid or the choice is incomplete."""
    judge = str(settings.judge.get("model", ""))
    if not any("/" in model for model in (*models, judge)):
        return ""
    try:
        cost = evaluating.estimate(models, version_id, split=split, settings=settings)
    except StudioError:  # named when it starts
        return ""
    if not cost.calls or cost.high_usd == 0:
        return ""
    known = range_usd(cost.low_usd, cost.high_usd) if cost.high_usd is not None else "not known: enter its price"
    return md(f" Cost at {cost.provider}: {known}.")


def _account(models: Sequence[str], against: str, settings: EvaluationSettings, examples: int) -> str:
    """How much is asked, because answers take time."""
    count = len(models) + bool(against)
    if not count:
        return "Choose at least one model."
    items = sum(len(SUITES.get(suite).items) for suite in settings.suites)
    guards = f" and {plural(items, 'question')} of {plural(len(settings.suites), 'guard suite')}" if items else ""
    runs = len(models) + settings.repeats * bool(against)
    again = f", the one compared with {settings.repeats} times" if against and settings.repeats > 1 else ""
    total = plural(runs * (examples + items), "answer")
    verb = "answers" if count == 1 else "answer"
    return md(f"{plural(count, 'model')} {verb} {plural(examples, 'example')}{guards}{again}: {total}.")
