"""The Versions tab: history, differences, export."""
