"""The entry point of the web app: sign-in, navigation, then the selected screen."""

from __future__ import annotations

import streamlit as st

from pages.ui import app, guard, navigation

guard.enter()
screen = navigation.register_pages()
st.set_page_config(page_title=f"{screen.title} · SFT Studio")
app.announcements()
screen.run()
