"""Codes of what is found on the way from rows to examples, in one example, and in a set of them."""

from __future__ import annotations

from typing import Final

from core.data.findings.code import Code

OF_EXAMPLES: Final[dict[str, tuple[Code, ...]]] = {
    "From rows to examples": (
        Code(
            "shape_unknown",
            "error",
            "The table is in no known chat shape: nobody has said yet which column is the input, which the output.",
            "Convert it: choose a template, an input and a target column.",
        ),
        Code(
            "columns_unused",
            "info",
            "Columns that the known shape has no use for were left out.",
            "Convert the table to use them.",
        ),
        Code(
            "chat_left_out",
            "info",
            "Messages of a chat log are in no example, for the reason named.",
            "Look at what was left out, and change roles or filters if it should be in.",
        ),
        Code(
            "chat_redacted",
            "info",
            "Personal data and secrets of a chat log were replaced by placeholders.",
            "Nothing to do; read some examples to see that they still make sense.",
        ),
        Code("column_missing", "error", "The row has no such column.", "Add it, or choose another column."),
        Code(
            "cell_empty",
            "error",
            "A cell that the template needs is empty.",
            "Fill it in, or choose another way with empty cells.",
        ),
    ),
    "One example": (
        Code(
            "messages_invalid",
            "error",
            "The messages are not a list of objects.",
            'Write [{"role": ..., "content": ...}].',
        ),
        Code(
            "role_unknown",
            "error",
            "A role is none of system, user, assistant, tool.",
            "Use one of the four, in lower case.",
        ),
        Code(
            "assistant_missing",
            "error",
            "No assistant message: there is no output to learn.",
            "Add the desired answer.",
        ),
        Code("user_missing", "error", "No user message: there is no input.", "Add the question or request."),
        Code("content_empty", "error", "A message is empty or blank.", "Fill it in, or remove the message."),
        Code("content_not_text", "error", "A message's content is not text.", "Write the content as one text."),
        Code("assistant_first", "warning", "The assistant speaks before any user.", "Start with the user's input."),
        Code(
            "role_repeated",
            "warning",
            "Two messages of the same role follow each other.",
            "Join them, or add the turn between.",
        ),
        Code("system_late", "warning", "A system message stands after the first turn.", "Move it to the front."),
        Code(
            "last_not_assistant",
            "warning",
            "The last message is not the assistant's; nothing is learnt from it.",
            "Remove it, or add the answer.",
        ),
        Code(
            "tool_call_invalid",
            "error",
            "A tool call is not in the expected shape.",
            "Give id, type and function {name, arguments}.",
        ),
        Code(
            "tool_call_unanswered", "warning", "A tool call has no result.", "Add a tool message with its tool_call_id."
        ),
        Code(
            "tool_result_orphan",
            "error",
            "A tool message answers no call.",
            "Name the tool_call_id of an earlier call.",
        ),
        Code(
            "arguments_not_json",
            "error",
            "A tool call's arguments are not a JSON text.",
            "Write them as a JSON string.",
        ),
        Code("weight_invalid", "error", "A weight is neither 0 nor 1, or not on an assistant message.", "Use 0 or 1."),
        Code("keys_extra", "warning", "A message has keys that training does not use.", "Remove them, or ignore this."),
        Code(
            "special_tokens",
            "warning",
            "The text holds a control token of a chat template, such as <|im_end|>. Training treats it as plain text.",
            "Remove it unless it is meant.",
        ),
        Code(
            "invisible_characters",
            "warning",
            "The text holds zero-width or direction-changing characters.",
            "Remove them unless they are meant.",
        ),
        Code(
            "over_length",
            "warning",
            "The example is longer than about 2,048 tokens (characters / 4).",
            "Shorten it, or train with a larger maximum length.",
        ),
        Code(
            "all_masked", "warning", "Every assistant message has weight 0: nothing is learnt.", "Set one weight to 1."
        ),
    ),
    "Examples that a model wrote": (
        Code("smart_failed", "error", "The model gave no usable answer for the row.", "Read why; ask for it again."),
        Code(
            "smart_empty",
            "warning",
            "Nothing was written from the row: it is empty, or holds no answer.",
            "Choose more columns, or leave it out.",
        ),
        Code(
            "smart_duplicate", "info", "The row, or what was written from it, repeats an earlier one.", "Nothing to do."
        ),
        Code(
            "ungrounded_number",
            "warning",
            "The answer holds a number that does not stand in its row.",
            "Compare it with the row; correct the example or drop it.",
        ),
        Code(
            "ungrounded_name",
            "warning",
            "The answer holds a name that does not stand in its row.",
            "Compare it with the row; correct the example or drop it.",
        ),
        Code(
            "answer_cut",
            "warning",
            "The model was stopped at the longest answer allowed; the text may end early.",
            "Read its end; raise the longest answer and write it again.",
        ),
    ),
    "The whole set": (
        Code(
            "too_few_examples",
            "error",
            "Fewer than 10 labeled examples (below 50: a warning).",
            "Add examples: 10 is the minimum, 50 or more are recommended, 100 to 1,000 are better.",
        ),
        Code("duplicate_examples", "warning", "The same example occurs several times.", "Keep one of each."),
        Code(
            "validation_overlap",
            "warning",
            "Examples stand in the training and in the validation part: the validation loss will look too good.",
            "Take them out of one of the two.",
        ),
    ),
}
