"""Conversion by columns and by rows returns the same examples, findings and rejects, in the same order."""

from __future__ import annotations

import random

import pytest

from core.data.conversion.columnar import plan
from core.data.conversion.labeling import Labeled, Labeler, Recipe
from core.data.conversion.templates import TEMPLATES, ColumnMapping
from core.data.examples.columns import ExampleBatch
from core.data.examples.identity import stored
from core.data.formats.parsing.batches import from_items
from core.data.issues import reject
from core.errors import DataError
from core.messages import Reject, Row

COLUMNS = ("name", "color", "size", "note")
RECIPES = [
    ("qa", {}, {}),
    ("qa", {}, {"question": "What is {{key}} ({{ size }})?", "system": "You know {{color}}."}),
    ("qa", {"target": None}, {}),
    ("qa", {}, {"questions": "per_column"}),
    ("qa", {"target": None}, {"questions": "per_column", "empty": "leave_out"}),
    ("qa", {}, {"questions": "multi_turn", "empty": "fill"}),
    ("qa", {}, {"answer": "It is {{target}}, {{size}}.", "empty": "leave_out", "system": "Be kind."}),
    ("qa", {}, {"empty": "fail"}),
    ("extraction", {}, {}),
    ("extraction", {}, {"questions": "multi_turn", "empty": "fill"}),
    ("extraction", {}, {"answer_format": "json"}),
    ("extraction", {}, {"empty": "leave_out", "system": "{{note}}"}),
    ("classification", {"include": []}, {}),
    ("classification", {"include": []}, {"prompt": "Classify: {{text}} {{text}}"}),
    ("classification", {}, {"empty": "leave_out"}),
    ("classification", {"key": None}, {}),
    ("custom", {}, {"user": "{{name}}?", "assistant": "{{note}}"}),
    ("custom", {}, {"user": "A {{name}}", "assistant": "B {{note}}", "follow_up_user": "{{size}}",
                    "follow_up_assistant": "always", "empty": "fill"}),
    ("custom", {}, {"user": "{{name}}", "assistant": "{{note}}", "conversation": "color"}),
]  # fmt: skip
CELLS = ["red", "a\nb", 'say "x"', "back\\slash", "{{name}}", "<|im_end|>", "[INST]", "a < b [1]", "zero\u200bwidth",
         "é日本🙂", "\x1b\x7f\u2028", "x" * 5_000, "\ue0f00\ue0f1", "00123"]  # fmt: skip
EMPTY = ["", " ", "\t\n", None, "\u3000"]


def rows(seed):
    rng = random.Random(seed)
    gaps = (0.0, 0.02, 0.3)[seed % 3]
    items = []
    for line in range(2, 302):
        if rng.random() < gaps / 4:
            items.append(reject("csv_ragged", "Too few.", line=line, raw="x,y"))
            continue
        cells = {name: rng.choice(EMPTY) if rng.random() < gaps else rng.choice(CELLS) for name in COLUMNS}
        if seed % 2:
            cells["size"] = rng.choice([3, 2.5, True, [1, "a"], {"a": 1}, 0, "big"])
        if seed == 5 and line % 50 == 0:
            del cells["note"]
        items.append(Row(line, cells))
    return items


def flat(made):
    """(examples, findings and rejects in order) of a labeler's output, in either form."""
    examples, noted, rejects = [], [], []
    for item in made:
        if isinstance(item, ExampleBatch):
            written = item.messages_json()
            made = [item.example(index) for index in range(len(item))]
            assert written.to_pylist() == [stored(example.messages) for example in made]
            examples += made
            noted += item.in_order()
            rejects += [found for _, found in item.rejects]
        elif isinstance(item, Reject):
            rejects.append(item)
            noted += item.findings
        else:
            assert isinstance(item, Labeled)
            examples.append(item.example)
            noted += item.findings
    return examples, noted, rejects


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("number", range(len(RECIPES)))
def test_in_columns_as_row_by_row(seed, number):
    template, mapping, options = RECIPES[number]
    mapping = {"key": "name", "target": "color", "include": ["size", "note"], **mapping}
    recipe = Recipe.of({"template": template, "mapping": mapping, "options": options})
    recipe.check(COLUMNS)
    slow, fast = Labeler(recipe, "src"), Labeler(recipe, "src")
    stopped = None
    try:
        expected = flat(slow.run(rows(seed)))
    except DataError as error:
        stopped = str(error)
    if stopped:
        with pytest.raises(DataError) as raised:
            flat(fast.run_batches(from_items(rows(seed), 70)))
        assert str(raised.value) == stopped
        return
    assert flat(fast.run_batches(from_items(rows(seed), 70))) == expected
    assert (fast.read, fast.accepted, fast.rejected, fast.examples) == (
        slow.read, slow.accepted, slow.rejected, slow.examples)  # fmt: skip


def test_every_template_is_asked_and_most_can_be_planned():
    assert {template for template, _, _ in RECIPES} == set(TEMPLATES.ids())
    made = plan(TEMPLATES.get("classification"), COLUMNS, ColumnMapping(key="name", target="color"),
                TEMPLATES.get("classification").make_options({"prompt": "Say: {{text}}!"}))  # fmt: skip
    assert made is not None
    assert made.roles == ("user", "assistant")
    assert made.columns == ("name", "color")
    assert made.texts[0][0].texts == ("Say: ", "!")
