"""The writers of model formats (`core.serving.model_formats`): `write(source, directory, kind, progress)` each."""
