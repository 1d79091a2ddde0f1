"""The studio over HTTP: its use cases under /api/v1, and the shapes of OpenAI's API under /v1."""
