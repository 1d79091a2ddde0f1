"""`python -P parquet_probe.py FILE BYTES`: read a Parquet file to its end under a memory limit.

BYTES is the limit for its unpacked size, which the footer does not show: one long value that is used a million times is
small on disk and in the footer, and huge as rows.

Exit code 0: it can be read. 2: damaged (the reason on stdout). 3: too large.
"""

from __future__ import annotations

import resource
import sys

MEMORY_BYTES = 4 << 30


BATCH = 256  # rows; few, because each may be megabytes long


def main(path: str, unpacked_bytes: int) -> int:
    """Read every batch, add up the sizes, and store nothing."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import pyarrow as pa
    import pyarrow.parquet as pq

    pa.set_cpu_count(1)  # threads reserve address space, which counts against the limit
    pa.set_io_thread_count(1)
    pa.set_memory_pool(pa.system_memory_pool())
    left = unpacked_bytes
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(BATCH, use_threads=False):
                for column in batch.columns:
                    plain = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
                    left -= plain.nbytes
                if left < 0:
                    return 3
    except (MemoryError, pa.ArrowMemoryError):
        return 3
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        text = str(error)
        sys.stdout.write(text.splitlines()[0] if text else "damaged")
        return 3 if "malloc" in text or "memory" in text else 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
