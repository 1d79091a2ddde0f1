"""Tests of models are evaluations: earlier results become evaluations with their answers, unfinished tests too"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from core.errors import StudioError
from core.ids import new_id
from core.platform.db.creation import create_table
from core.platform.storage import get_storage

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

KINDS = ("exact_match", "test_split")
METRICS = ["exact_match", "valid_json", "field_accuracy", "all_fields"]
UNKNOWN = 1_000_000_000  # first position of answers whose examples are not found any more

Question = Mapping[str, str]  # split, question, expected, base, tuned, part


def upgrade() -> None:
    create_table(
        "evaluated_models",
        "id:int evaluation_id model_id",
        refers={"evaluation_id": "evaluations"},
        unique=["evaluation_id model_id"],
        index=["evaluation_id", "model_id"],
    )
    connection = op.get_bind()
    _known(connection)
    _carry_over(connection)


def _table(name: str, words: str) -> sa.TableClause:
    kinds: dict[str, type[sa.types.TypeEngine[Any]]] = {"json": sa.JSON, "": sa.String}
    pairs = (word.partition(":") for word in words.split())
    return sa.table(name, *(sa.column(column, kinds[kind]()) for column, _, kind in pairs))


EVALUATIONS = _table(
    "evaluations",
    "id task_id name dataset_id dataset_name dataset_version_id split models:json metrics:json settings:json "
    "summary:json created_at",
)
ANSWERS = _table(
    "evaluation_answers",
    "evaluation_id model_id suite position repeat answer error finish_reason prompt_tokens tokens seconds scores:json "
    "expected_tokens created_at",
)
EVALUATED = _table("evaluated_models", "evaluation_id model_id")
TASKS = _table("background_tasks", "id kind title state payload:json result:json created_at finished_at")
for _column in (
    EVALUATIONS.c.created_at, ANSWERS.c.created_at, ANSWERS.c.seconds, TASKS.c.created_at, TASKS.c.finished_at
):  # fmt: skip
    _column.type = sa.Float()
for _column in (ANSWERS.c[name] for name in ("position", "repeat", "prompt_tokens", "tokens", "expected_tokens")):
    _column.type = sa.Integer()


def _known(connection: sa.Connection) -> None:
    """The models of the evaluations that have ended."""
    for row in connection.execute(sa.select(EVALUATIONS.c.id, EVALUATIONS.c.summary)).all():
        _measured(connection, row.id, [model["model_id"] for model in (row.summary or {}).get("models", ())])


def _measured(connection: sa.Connection, evaluation_id: str, model_ids: Sequence[str]) -> None:
    own = dict.fromkeys(model_id.removesuffix(":merged") for model_id in model_ids)
    if own:
        connection.execute(EVALUATED.insert(), [{"evaluation_id": evaluation_id, "model_id": one} for one in own])


def _carry_over(connection: sa.Connection) -> None:
    query = sa.text(
        "SELECT jobs.id, jobs.name, jobs.base_model, jobs.dataset_id, data.name AS dataset_name, models.name AS model "
        "FROM fine_tuning_jobs jobs JOIN fine_tuning_datasets data ON data.id = jobs.dataset_id "
        "LEFT JOIN fine_tuned_models models ON models.job_id = jobs.id"
    )
    jobs = {row.id: row for row in connection.execute(query)}
    paths = {row.id: row.path for row in connection.execute(sa.text("SELECT id, path FROM dataset_versions"))}
    tests = connection.execute(sa.select(TASKS).where(TASKS.c.kind.in_(KINDS)).order_by(TASKS.c.created_at)).all()
    for test in tests:
        if (job := jobs.get(test.payload.get("job_id"))) is not None:
            _one(connection, test, job, paths.get(test.payload.get("dataset_version_id"), ""))


def _one(connection: sa.Connection, test: Any, job: Any, path: str) -> None:
    """Make a test an evaluation; its task remains."""
    tuned, split = f"fm_{job.id.removeprefix('job_')}", "test" if test.kind == "test_split" else ""
    version_id, evaluation_id = test.payload.get("dataset_version_id", ""), new_id("eval")
    models = [
        {"id": tuned, "title": job.model or job.name, "kind": "tuned"},
        {"id": job.base_model, "title": _title(job.base_model), "kind": "base"},
    ]
    ended = test.state == "succeeded" and bool(test.result)
    at = test.finished_at or test.created_at
    about = {
        "id": evaluation_id,
        "task_id": test.id,
        "name": f"Test of “{job.model or job.name}”",
        "dataset_id": job.dataset_id,
        "dataset_name": job.dataset_name,
        "dataset_version_id": version_id,
        "split": split,
        "models": models,
        "metrics": METRICS,
        "settings": {"limit": 400, "main": "" if split else "exact_match"},
        "summary": _summary(test, tuned, job.base_model) if ended else {},
        "created_at": at,
    }
    connection.execute(EVALUATIONS.insert(), [about])
    result: dict[str, Any] = test.result
    if ended:
        _measured(connection, evaluation_id, [tuned, job.base_model])
        asked = test.result.get("questions") or test.result.get("samples") or ()
        places, all_found = _positions(path, asked)
        rows = [
            row
            for at_place, question in zip(places, asked, strict=True)
            for model, answer in ((tuned, question["tuned"]), (job.base_model, question["base"]))
            for row in [_answer(evaluation_id, model, at_place, answer, question["expected"], at)]
        ]
        if rows:
            connection.execute(ANSWERS.insert(), rows)
        made = {"evaluation_id": evaluation_id, "dataset_id": job.dataset_id, "answers": len(rows), "decision": ""}
        result = made | {"schema_version": 1} | ({} if all_found else {"carried_over": test.result})
    payload = {
        "evaluation_id": evaluation_id, "dataset_id": job.dataset_id, "dataset_version_id": version_id,
        "model_ids": [tuned], "job_id": job.id,
    }  # fmt: skip
    changed = {"kind": "evaluation", "payload": payload, "result": result}
    connection.execute(sa.update(TASKS).where(TASKS.c.id == test.id).values(changed))


def _title(base_model: str) -> str:
    name = base_model.rpartition("/")[2]
    return name[:1].upper() + name[1:]


def _answer(
    evaluation_id: str, model: str, position: int, answer: str, expected: str, created_at: float
) -> dict[str, Any]:
    return {
        "evaluation_id": evaluation_id, "model_id": model, "suite": "", "position": position, "repeat": 0,
        "answer": answer, "error": "", "finish_reason": "", "prompt_tokens": 0, "tokens": 0, "seconds": 0.0,
        "scores": _values(expected, answer), "expected_tokens": 0, "created_at": created_at,
    }  # fmt: skip


def _positions(path: str, asked: Sequence[Question]) -> tuple[list[int], bool]:
    """Where the examples of the questions are in their version, and whether all were found: by split, input, output."""
    places: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for position, split, question, expected in _examples(path) if asked else ():
        places[split, question, expected].append(position)
    keys = [(question["split"], question["question"], question["expected"]) for question in asked]
    found = [places[key].pop(0) if places[key] else None for key in keys]
    all_found = None not in found
    return [UNKNOWN + number if at is None else at for number, at in enumerate(found)], all_found


def _examples(path: str) -> list[tuple[int, str, str, str]]:
    """Position, split, last input and last output of every example; none where the files were deleted."""
    import pyarrow.parquet as pq

    try:
        with get_storage().open_read(f"{path}/examples.parquet") as stream:
            rows = pq.read_table(stream, columns=["position", "split", "messages"]).to_pylist()
    except (StudioError, OSError):
        return []
    found = []
    for row in rows:
        messages = json.loads(row["messages"])
        ends = [at for at, message in enumerate(messages) if message["role"] == "assistant"]
        if ends and ends[-1]:
            question, answer = messages[ends[-1] - 1], messages[ends[-1]]
            found.append((row["position"], row["split"], question.get("content") or "", answer.get("content") or ""))
    return found


# ---- figures, as core.serving.evaluation defined them when this was written


def _summary(test: Any, tuned: str, base: str) -> dict[str, Any]:
    models = []
    main = "exact_match"
    for model_id, name in ((tuned, "tuned"), (base, "base")):
        if test.kind == "exact_match":
            scores, parts, asked = _shares(test.result, name)
        else:
            questions = test.result["questions"]
            pairs = [(question["expected"], question[name]) for question in questions]
            sources = dict.fromkeys(question.get("part", "") for question in questions)
            by_source = {
                source: [(one["expected"], one[name]) for one in questions if one.get("part", "") == source]
                for source in sources
            }
            scores, asked = _figures(pairs), len(pairs)
            parts = {of: _figures(some) for of, some in by_source.items()} if len(sources) > 1 else {}
            main = "all_fields" if any(score["metric"] == "all_fields" for score in scores) else "exact_match"
        models.append(
            {"model_id": model_id, "scores": scores, "suites": {}, "answered": asked, "failed": 0, "noise": None,
             "parts": parts}
        )  # fmt: skip
    return {"main": main, "models": models, "left_out": 0, "schema_version": 1}


def _shares(result: Mapping[str, Any], name: str) -> tuple[list[Any], dict[str, Any], int]:
    """Of a test that counted exact answers by split."""
    counts, parts = result["counts"], {}
    for split in ("train", "validation"):
        share, total = result[name].get(split), counts.get(split) or 0
        if total and share is not None:
            parts[split] = [_count("Exact match", round(share * total), total, "exact_match") | {"value": share}]
    right, total = (sum(scores[0][part] for scores in parts.values()) for part in ("right", "total"))
    return ([_count("Exact match", right, total, "exact_match")] if total else []), parts, total


def _count(title: str, right: int, total: int, metric: str) -> dict[str, Any]:
    value = right / total if total else 0.0
    return {"title": title, "value": value, "total": total, "unit": "share", "right": right, "direction": "higher",
            "metric": metric}  # fmt: skip


def _figures(pairs: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """Of expected outputs and answers."""
    values = [_values(*pair) for pair in pairs]
    total = len(pairs)
    figures = [_count("Exact match", sum(round(one["exact_match"]) for one in values), total, "exact_match")]
    if not pairs or not all(_parsed(expected) for expected, _ in pairs):
        return figures
    figures.append(_count("Valid JSON", sum(round(one["valid_json"]) for one in values), total, "valid_json"))
    for name in dict.fromkeys(name for expected, _ in pairs for name in _parsed(expected) or {}):
        graded = [_right(expected, answer)[name] for expected, answer in pairs if name in (_parsed(expected) or {})]
        figures.append(_count(f"Field: {name}", sum(graded), len(graded), "field_accuracy"))
    return [*figures, _count("All fields right", sum(round(one["all_fields"]) for one in values), total, "all_fields")]


def _values(expected: str, answer: str) -> dict[str, float]:
    found = {"exact_match": float(_shown(answer) == _shown(expected))}
    if wanted := _parsed(expected):
        given, right = _parsed(answer), _right(expected, answer)
        found |= {
            "valid_json": float(given is not None),
            "field_accuracy": sum(right.values()) / len(right),
            "all_fields": float(given is not None and _canonical(given) == _canonical(wanted)),
        }
    return found


def _right(expected: str, answer: str) -> dict[str, bool]:
    wanted, given = _parsed(expected) or {}, _parsed(answer) or {}
    return {name: name in given and _canonical(given[name]) == _canonical(value) for name, value in wanted.items()}


def _shown(text: str) -> str:
    """An answer without its thinking."""
    before, closed, after = text.partition("</think>")
    opened = before.lstrip().startswith("<think>")
    if closed and (opened or "<think>" not in before):
        return after.strip()
    return "" if opened else text.strip()


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
