"""How shapes read names, cells, turns and tool calls."""
