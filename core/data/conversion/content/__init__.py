"""What the cells of a column contain: questions, numbers of any country, identifiers, personal data, a language."""
