"""Smart mode, shared by Convert data (a dataset from rows) and Datasets (the Variations tab): model, wording, preview,
and the run row by row."""
