"""Examples that a language model writes from a row: what it is asked, what is taken from its answer, what is flagged.

recipe     what a person chooses           prompts    what is sent: cells as delimited data, never as instructions
answers    the schema, and the check       grounding  numbers and names of an answer that do not stand in its row
proposal   question patterns and a system message from columns and sample rows
"""
