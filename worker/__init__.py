"""The processes that compute: task workers, training and inference."""
