"""The front door: the sign-in gate and the list of screens, nothing else."""

from __future__ import annotations

import streamlit as st

from pages.ui import frame, guard

guard.enter()
screen = frame.register_pages()
st.set_page_config(page_title=f"{screen.title} · SFT Studio")
frame.announcements()
screen.run()
