"""From the Hugging Face Hub into its local cache.

Only the files that training reads are fetched: configuration, tokenizer and safetensors; no code, no pickled weights.
The name of the revision is written last, so that an incomplete model is never used.
"""

from __future__ import annotations

import errno
import os
import queue
import threading
import time
from typing import Final
from urllib.parse import urlsplit

from core.errors import DataError, ProviderUnavailable, StorageError, StudioError
from core.models.base_models import hub_cache
from core.models.base_models.sources import ModelSource
from core.platform import disk
from core.platform.tasks.context import TaskContext
from core.services.platform import key_hosts
from core.text import size as size_text
from worker.fetching import Fetched

POLL_S: Final = 0.5
SILENT_S: Final = 300.0  # one request to the Hub may take this long
LISTING_S: Final = 10.0  # for the list of files: where the Hub is blocked, the next source is tried after this
SPARE_BYTES: Final = 1 << 30  # left free for everything else
_SUFFIXES: Final = (".json", ".jinja", ".txt", ".model")
_LOGIN: Final = "hf auth login"
HUB: Final = "https://huggingface.co"
TOKEN: Final = "HF_TOKEN"  # noqa: S105  the name; checked for wherever huggingface_hub finds the account's token


def fetch(ctx: TaskContext, hub_id: str, revision: str, source: ModelSource) -> Fetched:
    """Download a model at a revision ("main" if it is ""); files that are in the cache already are kept.

    Raises:
        ProviderUnavailable: the Hub cannot be reached. DataError: it has no such model, or does not give it to this
            account. StorageError: the disk is full.
    """
    ctx.progress(1, "Downloading", "Listing the files on the Hub")
    ctx.allow(SILENT_S)
    began, download = time.perf_counter(), HubDownload(hub_id, revision or "main")
    download.start()
    while download.is_alive():
        ctx.raise_if_interrupted()  # downloaded files stay in the cache: a retry continues from them
        ctx.progress(download.percent(), "Downloading", download.text())
        download.join(POLL_S)
    if not download.failed.empty():
        raise download.failed.get()
    took = time.perf_counter() - began
    return Fetched(download.commit, download.total, download_s=0.0 if download.was_here else took)


class HubDownload(threading.Thread):
    """The download in a thread, while the task reports progress; it ends with its process."""

    def __init__(self, hub_id: str, revision: str) -> None:
        super().__init__(daemon=True)
        self.hub_id, self.revision = hub_id, revision
        self.failed: queue.SimpleQueue[Exception] = queue.SimpleQueue()
        self.commit, self.total = "", 0
        self.was_here = False  # some of it: the time of the rest says nothing about the rate
        self.repo = hub_cache.folder() / f"models--{hub_id.replace('/', '--')}"

    def percent(self) -> float:
        return 2 + 97 * min(1.0, self._here() / self.total) if self.total else 1.0

    def text(self) -> str:
        if not self.total:
            return "Listing the files on the Hub"
        return f"Downloaded {size_text(self._here())} of {size_text(self.total)}"

    def run(self) -> None:
        try:
            self._fetch()
        except Exception as error:  # the handler raises it: the thread must not end silently
            self.failed.put(_with_remedy(explain(error, self.hub_id, self.revision)) or error)

    def _fetch(self) -> None:
        os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
        from huggingface_hub import HfApi, hf_hub_download

        endpoint = os.environ.get("HF_ENDPOINT") or HUB
        token = None if key_hosts.is_for(TOKEN, endpoint) else False  # None: the account's, wherever it is stored
        info = HfApi(endpoint=endpoint, token=token).model_info(
            self.hub_id, revision=self.revision, files_metadata=True, timeout=LISTING_S
        )
        sizes = files_to_download({file.rfilename: int(file.size or 0) for file in info.siblings or []})
        if not any(name.endswith(".safetensors") for name in sizes):
            raise DataError(
                f"{self.hub_id} has no safetensors weights on the Hub.", "Choose another model.", code="base_model"
            )
        self.commit, self.total = str(info.sha), sum(sizes.values())
        self.was_here = self._here() > 0
        self._make_room()
        for name in sorted(sizes, key=lambda name: sizes[name]):
            hf_hub_download(
                self.hub_id,
                name,
                revision=self.commit,
                cache_dir=hub_cache.folder(),
                endpoint=endpoint,
                token=token,
                force_download=self._is_damaged(name, sizes[name]),
            )
        self._write_ref()

    def _is_damaged(self, name: str, size: int) -> bool:
        """Whether a file in the cache differs in size from the Hub's: huggingface_hub would use it as it is."""
        file = self.repo / "snapshots" / self.commit / name
        return bool(size) and file.is_file() and file.stat().st_size != size

    def _make_room(self) -> None:
        folder = hub_cache.folder()
        folder.mkdir(parents=True, exist_ok=True)
        needed, free = self.total - self._here() + SPARE_BYTES, disk.free_bytes(folder)
        if needed > free:
            raise StorageError(
                f"{self.hub_id} needs {size_text(needed)}, but only {size_text(free)} is free at {folder}.",
                "Free some space, or set HF_HUB_CACHE to a larger disk.",
            )

    def _write_ref(self) -> None:
        """Point `main` (or the requested branch) at this commit. Source: huggingface_hub's cache layout."""
        if self.revision == self.commit:
            return
        ref = self.repo / "refs" / self.revision
        ref.parent.mkdir(parents=True, exist_ok=True)
        ref.write_text(self.commit)

    def _here(self) -> int:
        """Bytes of this model on the disk, with those of incomplete files."""
        total = 0
        for file in (self.repo / "blobs").glob("*"):
            try:
                total += file.stat().st_size
            except OSError:  # it was renamed at this moment
                continue
        return total


def files_to_download(sizes: dict[str, int]) -> dict[str, int]:
    """The files that training reads: at the top of the repository, and each weight once."""
    top = {name: size for name, size in sizes.items() if "/" not in name}
    return {
        name: size
        for name, size in top.items()
        if name.endswith(_SUFFIXES) or (name.startswith("model") and name.endswith(".safetensors"))
    }


def explain(error: Exception, hub_id: str, revision: str) -> StudioError | None:
    """The error with its remedy; None if it does not come from the Hub, the network or the disk.

    The Hub returns 401 for a private repository and for one that does not exist, so a wrong name and a missing login
    share one message.
    """
    from huggingface_hub import errors

    page = f"huggingface.co/{hub_id}"
    if isinstance(error, errors.GatedRepoError):
        return DataError(
            f"{hub_id} is gated: only accounts that accepted its license can download it.",
            f"Accept the license at {page}, then run: {_LOGIN}",
            code="base_model",
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return DataError(f"{hub_id} has no revision {revision!r}.", f"See {page}/commits/main.", code="base_model")
    if isinstance(error, errors.RepositoryNotFoundError):
        return DataError(
            f"The Hub has no model {hub_id}, or it is private.",
            f"Check the name at {page}. If it is private, run: {_LOGIN}",
            code="base_model",
        )
    if isinstance(error, errors.HfHubHTTPError):
        status = getattr(error.response, "status_code", 0)
        if status in (401, 403):
            return DataError(
                f"The Hub denied this account access to {hub_id} ({status}).",
                f"Accept its license at {page}, or log in with another account: {_LOGIN}",
                code="base_model",
            )
        return ProviderUnavailable(f"The Hub returned {status} for {hub_id}.", "Retry in a few minutes.")
    if _no_space(error):
        return StorageError(
            f"The disk is full at {hub_cache.folder()}.", "Free some space and retry; downloaded files are kept."
        )
    import httpx

    if not isinstance(error, (OSError, httpx.HTTPError, errors.OfflineModeIsEnabled)):
        return None
    first = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
    return ProviderUnavailable(
        f"The Hub cannot be reached: {first.rstrip('.')}.",
        "Check the network, and HF_HUB_OFFLINE and HF_ENDPOINT if they are set; or copy the model's directory to this "
        "machine and choose it as the base model.",
    )


def _with_remedy(error: StudioError | None) -> StudioError | None:
    """A refusal of a mirror that did not get the account's token, with what lets the token go there."""
    endpoint = os.environ.get("HF_ENDPOINT") or HUB
    if isinstance(error, DataError) and _LOGIN in error.remedy and not key_hosts.is_for(TOKEN, endpoint):
        host = urlsplit(endpoint).netloc
        more = f"The token of this machine is not sent to {host}; to allow it, set SFT_KEY_HOSTS={TOKEN}={host}."
        return DataError(error.message, f"{error.remedy}. {more}", code=error.code)
    return error


def _no_space(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            return True
        error = error.__cause__ or error.__context__
    return False
