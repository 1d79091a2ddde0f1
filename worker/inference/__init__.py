"""The process that answers: base and tuned models behind an OpenAI-compatible address on this machine."""
