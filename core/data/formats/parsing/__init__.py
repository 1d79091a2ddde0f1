"""How the formats read: blocks, records, encodings, containers. The formats themselves are one level up."""
