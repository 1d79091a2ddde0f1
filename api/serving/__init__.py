"""Models that answer: their list, chat and completions in OpenAI's shapes."""
