"""Changes to a dataset: each operation turns one version's examples into the next version's."""
