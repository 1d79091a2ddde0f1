"""*Try the demo*: the invitation, and the steps once it has begun."""

from __future__ import annotations

from core.services.learn import demo


def test_the_invitation_says_what_happens_and_what_the_starter_is(open_screen, read) -> None:
    said = read(open_screen("demo"))
    assert "56 labeled examples" in said
    assert "knows little until it is taught" in said
    assert demo.current() is None


def test_one_click_begins_it_and_a_second_visit_shows_the_same(open_screen, read) -> None:
    app = open_screen("demo")
    app.button(key="start").click().run()
    said = read(app)
    assert "Build the starter model" in said
    assert "Waits for" in said
    first = demo.current()
    assert first is not None
    read(open_screen("demo", start="1"))
    assert demo.current().id == first.id
