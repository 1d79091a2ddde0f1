"""Language models that write: one client interface over Ollama, OpenAI-compatible servers and the studio itself."""
