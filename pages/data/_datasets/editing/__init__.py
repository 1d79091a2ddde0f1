"""Editing a dataset: the toolbar above the examples, its dialogs, the edit grid, examples written by hand."""
