"""Exported chat logs -> conversations with roles, ready to be reviewed and imported."""
