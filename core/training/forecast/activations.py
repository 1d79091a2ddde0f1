"""What the forward pass stores for the backward pass, counted tensor by tensor for Llama-style blocks.

The counts were compared with autograd's own list of saved tensors (transformers 5, SDPA, SwiGLU) for every method.
"""

from __future__ import annotations

from typing import Final

from core.models.base_models.records import Dims
from core.models.methods.base import Method, recomputes
from core.training.forecast.batches import Widest

CHUNKED_FROM_VOCAB: Final = 16_000  # from here on the loss is computed in chunks
CHUNK_TOKENS: Final = 256  # Source: TRL's chunked_nll; ours uses this number
# fp32 copies of a chunk's logits where TRL computes the loss: the logits, their log-softmax, its exponential and their
# product (the entropy), and the gradients of two. Measured: 195 MB for chunks of 32 MB.
CHUNK_COPIES: Final = 6
LOGIT_COPIES: Final = 1  # the logits in fp32; their gradient overwrites them


def activation_bytes(
    dims: Dims, method: Method, batch: Widest, width: int, checkpointing: str = "auto", *, attention: int = 0
) -> int:
    """Bytes stored after the forward pass of `batch`, at `width` bytes per number and without the loss.

    Inside the attention a number has `attention` bytes if that is not 0: on a CPU it computes in fp32. In bf16 examples
    of 64 to 256 tokens keep less than counted, or at 256 slightly more (64: half, with heads of size 64).

    Stored per token and block: its residual before the attention and before the MLP (2H), queries and the attention's
    result (2Q), keys and values (2K), the MLP's gate, activated gate and up (3M), and what the method itself needs
    (`Method.kept_per_token`). With checkpointing each block stores its input (H), and only one block at a time stores
    the rest.
    """
    tokens, layers = batch.tokens, dims.num_layers
    queries = dims.num_heads * dims.head_dim
    inside = (2 * queries + 2 * dims.kv_size + dims.num_heads) * (attention or width) / width
    block = 2 * dims.hidden_size + inside + 3 * dims.intermediate_size + 2
    stored = layers * block + method.kept_per_token(dims, batch.length)
    once = method.kept_once(dims)
    if recomputes(dims.params, method, checkpointing):
        stored = layers * dims.hidden_size + stored / layers
        once /= layers
    return round((tokens * stored + once) * width)


def logit_bytes(vocab_size: int, batch: Widest, *, own_chunks: bool) -> int:
    """Bytes in use while the loss is computed: the logits of the answers only, all at once or in chunks.

    Args:
        own_chunks: chunks are not TRL's: on a CPU, with an output layer that is not trained. A model that limits its
            logits keeps TRL's, and needs more than this.
    """
    if vocab_size >= CHUNKED_FROM_VOCAB:
        copies = LOGIT_COPIES if own_chunks else CHUNK_COPIES
        return min(CHUNK_TOKENS, batch.tokens) * vocab_size * 4 * copies
    return min(batch.answers, batch.tokens) * vocab_size * 4 * LOGIT_COPIES
