"""What the forward pass keeps for the backward pass, counted tensor by tensor for the Llama family of blocks.

The counts were held against autograd's own list of saved tensors (transformers 5, SDPA, SwiGLU) for all five methods.
"""

from __future__ import annotations

from typing import Final

from core.models.base_models.records import Dims
from core.models.methods.base import Method, recomputes
from core.training.forecast.batches import Widest

CHUNKED_FROM_VOCAB: Final = 16_000  # from here on the loss is made in pieces
CHUNK_TOKENS: Final = 256  # Source: TRL's chunked_nll
# fp32 copies of a piece's logits at once: they, their log-softmax, its exponential and product (the entropy), and the
# gradients of two. Measured: 195 MB for pieces of 32 MB.
CHUNK_COPIES: Final = 6
LOGIT_COPIES: Final = 1  # the logits, whose place their gradient takes, in fp32


def activation_bytes(dims: Dims, method: Method, batch: Widest, width: int, checkpointing: str = "auto") -> int:
    """Bytes that `batch` leaves behind when it went through the model in numbers of `width` bytes, without the loss.

    A token leaves behind in each block: its residual before the attention and before the MLP (2H), queries and the
    attention's result (2Q), keys and values (2K), the MLP's gate, bent gate and up (3M), and what the method itself
    needs to learn (`Method.kept_per_token`). With checkpointing each block keeps its input (H) and only one of them the
    rest at a time.
    """
    tokens, layers = batch.tokens, dims.num_layers
    queries = dims.num_heads * dims.head_dim
    block = 2 * dims.hidden_size + 2 * queries + 2 * dims.kv_size + 3 * dims.intermediate_size + dims.num_heads + 2
    kept = layers * block + method.kept_per_token(dims, batch.length)
    once = method.kept_once(dims)
    if recomputes(dims.params, method, checkpointing):
        kept = layers * dims.hidden_size + kept / layers
        once /= layers
    return round((tokens * kept + once) * width)


def logit_bytes(vocab_size: int, batch: Widest) -> int:
    """What is live while the loss is made: logits of the answers alone, all at once or in pieces."""
    if vocab_size >= CHUNKED_FROM_VOCAB:
        return min(CHUNK_TOKENS, batch.tokens) * vocab_size * 4 * CHUNK_COPIES
    return min(batch.answers, batch.tokens) * vocab_size * 4 * LOGIT_COPIES
