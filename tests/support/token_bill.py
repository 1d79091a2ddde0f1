"""Counts what a hosted training is billed, from a file of chats and a tokenizer file; shares no code with the studio.

`python tests/support/token_bill.py chats.jsonl tokenizer.json EPOCHS USD_PER_MILLION` prints tokens and dollars.

Chats are written as the starter's template writes them: `<|role|>content<|end|>` for each message.
"""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path

from tokenizers import Tokenizer


def main(chats: str, tokenizer: str, epochs: str, usd: str) -> None:
    count = Tokenizer.from_file(tokenizer)
    tokens = 0
    for line in Path(chats).read_text("utf-8").split("\n"):
        if line:
            said = "".join(f"<|{one['role']}|>{one['content']}<|end|>" for one in json.loads(line)["messages"])
            tokens += len(count.encode(said, add_special_tokens=False).ids)
    print(json.dumps({"tokens": tokens, "usd": str(Decimal(tokens) * int(epochs) * Decimal(usd) / 1_000_000)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
