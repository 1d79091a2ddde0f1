"""What can be wrong on the way from rows and chats to examples, and with the messages of one example.

`core.data.quality.structure` finds what is wrong with messages.
"""

from __future__ import annotations

from functools import partial

from core.data.issues.issue import ISSUES, Issue

_row = partial(Issue, subject="From rows to examples", scope="row")
_example = partial(Issue, subject="One example", scope="example")
_written = partial(Issue, subject="Examples written by a model", scope="row")

# fmt: off
ISSUES.add(_row("shape_unknown", "Unknown chat shape", "error",
    "The table is not in a known chat shape; which column is the input and which the output is not chosen yet.",
    "Convert it: choose a template, an input column and a target column.", scope="file"))
ISSUES.add(_row("columns_unused", "Unused columns", "info",
    "Fields of the rows do not reach the examples; they change nothing about what an example means.",
    "Choose a template that includes them, if the model should see them.", scope="file"))
ISSUES.add(_row("placeholder_input", "Placeholders read as empty", "info",
    "Cells of an optional column say that there is nothing (<noinput>, N/A, nan, null, none, -): read as empty.",
    "Put the text into a required column if it is meant as it is.", scope="file"))
ISSUES.add(_row("fields_left_out", "Fields that change the meaning", "warning",
    "Fields that change what an example means would not reach the dataset.",
    "Choose *Continue without it*, or on the command line `--without NAME`.", scope="file"))
ISSUES.add(_row("raw_text", "Raw text", "error",
    "The rows are text without an input and an output, so they are not labeled examples.",
    "Smart mode in Convert data writes questions and answers from passages (`sft write`).", scope="file"))
ISSUES.add(_row("chat_log", "Chat log", "error",
    "The file is a chat log: a single message is not a labeled example, but an input with its answer is.",
    "*Import conversations* pairs what people ask with the answers (`sft chats`).", scope="file"))
ISSUES.add(_row("rated_bad", "Answer rated bad", "info",
    "The answer is rated bad, so the row is left out and never learned.", "Change the lowest rating if that is wrong."))
ISSUES.add(_row("media_refused", "Images or other media", "error",
    "The row contains images, audio or files; training here reads text only.",
    "Leave these rows out, or keep their text: `--set images=keep_text`."))
ISSUES.add(_row("media_removed", "Media removed", "warning",
    "Images, audio or files of the row were removed; its text may speak of them.",
    "Read some of these examples; leave out those that make no sense without the media."))
ISSUES.add(_row("question_unanswered", "Question without an answer", "info",
    "The data set marks the question as one that its passage does not answer.",
    "Write an answer such as “The text does not say” to teach refusals."))
ISSUES.add(_row("preference_one_sided", "Only one answer of a pair", "warning",
    "A preference pair has no rejected answer, or two equal ones; the chosen answer is used alone.",
    "Add the other answer if you want to export the pair."))
ISSUES.add(_row("no_winner", "Neither answer is better", "info",
    "Two answers are equally good, or nothing says which is better, so the row is not a preference pair.",
    "Fill in which answer is better; or learn the first answer of a tie: `--set ties=first`."))
ISSUES.add(_row("branch_unused", "Message outside of every example", "info",
    "The message belongs to no path of the tree that ends with an answer.", "Add an answer, or ignore this."))
ISSUES.add(_row("role_developer", "Developer messages", "info",
    "The role `developer` is OpenAI's newer name of `system`; it was read as `system`.", scope="file"))
ISSUES.add(_row("reasoning_tags", "Reasoning", "info",
    "Reasoning beside an answer was put in front of it, between <think> and </think>, as Qwen and DeepSeek write it.",
    "Remove it from the file if the model should answer without reasoning.", scope="file"))
ISSUES.add(_row("template_tokens", "Marks of a chat template", "info",
    "Marks of a chat template in the texts were removed; training adds those of the chosen base model.", scope="file"))
ISSUES.add(_row("chat_left_out", "Messages left out", "info",
    "Messages of a chat log are not part of any example, for the given reason.",
    "Look at what was left out, and change roles or filters if it should be included."))
ISSUES.add(_row("chat_redacted", "Text redacted", "info",
    "Personal data and secrets of a chat log were replaced by placeholders.",
    "Read some examples to see that they still make sense."))
ISSUES.add(_row("chat_order_unclear", "Order of messages unclear", "warning",
    "A chat log does not show clearly whether its messages run oldest or newest first.",
    "Compare some examples with the log; choose the order of messages when you import it.", scope="file"))
ISSUES.add(_row("total_row", "Total row", "warning",
    "A row sums others; an example of it says nothing about a single row.",
    "Leave it out in the step Configure, or on the command line with --leave-out and its line."))
ISSUES.add(_row("output_placeholder", "Placeholder as output", "warning",
    "An output looks like an empty cell (N/A, nan, null, None); the model would learn it as written.",
    "Fill it in, or leave the row out with --leave-out and its line. Ignore this where it is a real label."))
ISSUES.add(_row("row_left_out", "Row left out by choice", "info",
    "The row is not part of the dataset, because a user chose to leave it out."))
ISSUES.add(_row("mixed_decimals", "Decimal comma and decimal point", "warning",
    "A column has numbers with a decimal comma and numbers with a decimal point.",
    "Write all numbers of the column alike; a model learns both ways.", scope="file"))
ISSUES.add(_row("column_missing", "Missing column", "error",
    "The row does not have this column.", "Add it, or choose another column."))
ISSUES.add(_row("cell_empty", "Empty cell", "error",
    "A cell that the template needs is empty.", "Fill it in, or choose another way to handle empty cells."))
ISSUES.add(_written("smart_failed", "No usable answer", "error",
    "The model returned no usable answer for this row.", "Read the reason and ask again."))
ISSUES.add(_written("smart_empty", "Nothing written", "warning",
    "Nothing was written from the row: it is empty or contains no answer.",
    "Choose more columns, or leave the row out."))
ISSUES.add(_written("smart_duplicate", "Repeated row", "info",
    "The row, or what was written from it, repeats an earlier one."))
ISSUES.add(_written("ungrounded_number", "Number not in the row", "warning",
    "The answer contains a number that does not appear in its row.",
    "Compare it with the row; correct or drop the example."))
ISSUES.add(_written("ungrounded_name", "Name not in the row", "warning",
    "The answer contains a name that does not appear in its row.",
    "Compare it with the row; correct or drop the example."))
ISSUES.add(_written("answer_cut", "Answer cut off", "warning",
    "The model reached the maximum answer length; the text may end early.",
    "Read its end; raise the maximum and generate it again."))
ISSUES.add(_example("messages_invalid", "Invalid messages", "error",
    "The messages are not a list of objects.", 'Write [{"role": ..., "content": ...}].'))
ISSUES.add(_example("role_unknown", "Unknown role", "error",
    "A role is not one of system, user, assistant and tool.", "Use one of these four, in lowercase."))
ISSUES.add(_example("assistant_missing", "No output", "error",
    "There is no assistant message, so there is no output to learn.", "Add the desired answer."))
ISSUES.add(_example("user_missing", "No input", "error",
    "There is no user message, so there is no input.", "Add the question or request."))
ISSUES.add(_example("content_empty", "Empty message", "error",
    "A message is empty or blank.", "Fill it in, or remove the message."))
ISSUES.add(_example("content_not_text", "Content is not text", "error",
    "A message's content is not text.", "Write the content as a single text."))
ISSUES.add(_example("assistant_first", "Assistant speaks first", "warning",
    "The assistant speaks before any user.", "Start with the user's input."))
ISSUES.add(_example("role_repeated", "Repeated role", "warning",
    "Two messages of the same role follow each other.", "Join them, or add the missing turn between them."))
ISSUES.add(_example("system_late", "Late system message", "warning",
    "A system message appears after the first turn.", "Move it to the front."))
ISSUES.add(_example("last_not_assistant", "The conversation does not end with an answer", "warning",
    "The last message is not from the assistant; nothing is learned from it.", "Remove it, or add the answer."))
ISSUES.add(_example("tool_call_invalid", "Invalid tool call", "error",
    "A tool call does not have the expected shape.", "Give id, type and function {name, arguments}."))
ISSUES.add(_example("tool_call_unanswered", "Tool call without a result", "warning",
    "A tool call has no result.", "Add a tool message with its tool_call_id."))
ISSUES.add(_example("tool_result_orphan", "Result without a tool call", "error",
    "A tool message does not belong to an earlier call.", "Set tool_call_id to the id of an earlier call."))
ISSUES.add(_example("arguments_not_json", "Arguments are not JSON", "error",
    "The arguments of a tool call are not a JSON text.", "Write them as a JSON string."))
ISSUES.add(_example("tools_invalid", "Invalid tools", "error",
    "The tools of an example are not a list of functions with a name and parameters.",
    'Write [{"type": "function", "function": {"name": ..., "parameters": {...}}}].'))
ISSUES.add(_example("tool_undeclared", "Call of an unknown tool", "warning",
    "The assistant calls a tool that is not among the tools of the example.",
    "Add it to the tools, or correct the name in the call."))
ISSUES.add(_example("rejected_invalid", "Invalid rejected answer", "error",
    "The rejected answer of a preference pair is not a list of messages that begins with the assistant's.",
    "Give the answer to the same input as a text, or as messages from the assistant."))
ISSUES.add(_example("rejected_same", "Rejected answer equals the output", "warning",
    "The rejected answer of a preference pair is the same as its output, so neither is better.",
    "Correct one of them, or remove the rejected answer."))
ISSUES.add(_example("split_unknown", "Unknown split", "warning",
    "The file assigns the example to a split that is neither training, validation nor test.",
    "Write train, validation or test."))
ISSUES.add(_example("weight_invalid", "Invalid weight", "error",
    "A weight is neither 0 nor 1, or not on an assistant message.", "Use 0 or 1."))
ISSUES.add(_example("keys_extra", "Unused keys", "warning",
    "A message has keys that training does not use.", "Remove them, or ignore this."))
ISSUES.add(_example("invisible_characters", "Invisible characters", "warning",
    "The text contains zero-width characters or characters that change the writing direction.",
    "Remove them unless they are intended."))
ISSUES.add(_example("all_masked", "No loss in the example", "warning",
    "Every assistant message has weight 0, so nothing is learned from the example.", "Set one weight to 1."))
