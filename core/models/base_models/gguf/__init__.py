"""GGUF files: read and checked, their tokenizers, and which models the studio writes as such."""
