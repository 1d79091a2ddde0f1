"""The front door: the sign-in gate and the list of screens, nothing else."""

from __future__ import annotations

import streamlit as st

from pages.ui import app, guard, navigation

guard.enter()
screen = navigation.register_pages()
st.set_page_config(page_title=f"{screen.title} · SFT Studio")
app.announcements()
screen.run()
