"""The entry point of the web app: sign-in, navigation, then the selected screen."""

from __future__ import annotations

if __name__ == "__main__":  # Streamlit runs this file for each browser session
    import streamlit as st

    from pages.ui import app as surroundings, guard, navigation

    guard.enter()
    screen = navigation.register_pages()
    st.set_page_config(page_title=f"{screen.title} · SFT Studio")
    surroundings.announcements()
    surroundings.low_disk()
    surroundings.not_running()
    screen.run()
else:  # the web process imports it; `streamlit run Home.py` finds this app too, and its front door with it
    from streamlit.starlette import App

    from pages.ui import server

    app = App(server.HOME, routes=server.ROUTES, middleware=server.MIDDLEWARE, lifespan=server.lifespan)
