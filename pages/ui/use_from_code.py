"""*Use from code*: the same question from a shell, Python and JavaScript."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from core.services.platform import api_keys, sign_in
from core.services.serving import from_code
from core.settings import get_settings
from pages.ui import components, navigation
from pages.ui.copying import copy_button
from pages.ui.format import md_code


def section(what: str, name: str, asked: Sequence[Mapping[str, str]]) -> None:
    """The examples, with the address that this browser would use.

    Args:
        what: that answers, such as `model`; `name` is what programs ask for.
        asked: the messages of the examples.
    """
    components.section_gap()
    components.heading("Use from code")
    url = from_code.base_url(st.context.url or "")
    found = from_code.examples(name, url, asked)
    with st.container(border=True, gap="small", key="use_from_code"):
        st.caption(f"The API answers every OpenAI client at {md_code(url)}. Ask this {what} as {md_code(name)}.")
        for tab, example in zip(st.tabs([one.title for one in found], key="languages"), found, strict=True):
            with tab, st.container(gap="xsmall"):
                st.code(example.text, language=example.language, wrap_lines=True)
                copy_button(example.text, f"the {example.title} example")
        _key(url)


def _key(url: str) -> None:
    settings = get_settings()
    with components.spread(gap="small"):
        host = url.partition("://")[2].partition(":")[0]
        if api_keys.is_required(sign_in.state(), settings.host, host):
            text = f"Set {md_code(from_code.KEY_VARIABLE)} to an API key that may *serve*."
        else:
            text = f"On this machine no key is needed yet. With one, set {md_code(from_code.KEY_VARIABLE)} to it."
        st.caption(text, width="stretch")
        navigation.button("API keys", "settings", icon=":material/key:", type="tertiary", key="to_keys")
