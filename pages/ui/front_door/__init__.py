"""The front door of the web process: what every request passes before Streamlit sees it."""
