"""Examples that a language model writes from a row: prompts, checked answers, and flags.

recipe     what a user chooses             prompts    what is sent: cells as delimited data, never as instructions
answers    the schema, and the check       grounding  numbers and names of an answer that are not in its row
proposal   question patterns and a system message from columns and sample rows
"""
