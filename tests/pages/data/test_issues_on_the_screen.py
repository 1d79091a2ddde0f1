"""A dummy issue and a dummy editing operation appear on the screen of a dataset."""

from __future__ import annotations

import pytest

from core.data.editing import OPERATIONS
from core.data.issues import ISSUES
from core.services.data import datasets
from tests.core.data.test_issues_one_file_one_line import SHOUTING, Shout
from tests.support.quality import clean, pair
from tests.support.registry import registered


class OfferedShout(Shout):
    """The operation with what a screen needs to offer it."""

    lead = "Every answer in capital letters."
    icon = "campaign"


@pytest.mark.usefixtures("studio_env")
def test_a_new_issue_has_its_sentence_and_its_fix_on_the_worklist(open_screen, read) -> None:
    loud = pair("What should I do with this parcel here?", "SEND IT BACK TO US TODAY, PLEASE, AND WRITE A NOTE.")
    dataset = datasets.create_dataset("Loud", [*clean(), loud])
    with registered(ISSUES, SHOUTING):
        app = open_screen("datasets", id=dataset.id, view="Quality")
        said = read(app)
        assert SHOUTING.title in said
        assert "1 example shouts" in said
        app.button(key="fix_shouting_drop").click().run()
        assert datasets.get_dataset(dataset.id).examples == 120


@pytest.mark.usefixtures("studio_env")
def test_a_new_operation_is_offered_above_the_examples(open_screen, read) -> None:
    dataset = datasets.create_dataset("Quiet", clean(60))
    with registered(OPERATIONS, OfferedShout):
        app = open_screen("datasets", id=dataset.id)
        assert app.button(key="op_shout").label == Shout.title
        app.button(key="op_shout").click().run()
        assert "Every answer in capital letters" in read(app)
