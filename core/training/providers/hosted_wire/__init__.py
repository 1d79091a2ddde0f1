"""What hosted training services share: requests, uploads, lists in pages, adapters, and OpenAI's API by dialects."""
