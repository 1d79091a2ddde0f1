"""Fireworks AI as a recorded service."""

from __future__ import annotations

from typing import Any

from tests.support.hosted import weights
from tests.support.hosted.server import Bytes, Call, Refused, Service

ACCOUNT = "accounts/team"


class FireworksService(Service):
    """Resources of an account: datasets that must become READY, jobs with chosen ids, signed addresses."""

    base = "/inference/v1"

    def __init__(self) -> None:
        self.datasets: dict[str, dict[str, Any]] = {}
        self.stored: dict[str, bytes] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.accounts = [{"name": "accounts/fireworks"}, {"name": ACCOUNT}]
        self.ready_at_once = True
        super().__init__()

    def add_routes(self) -> None:
        own = f"/v1/{ACCOUNT}"
        for method, path, handler in (
            ("GET", "/v1/accounts", lambda call: {"accounts": self.accounts}),
            ("GET", "/v1/accounts/fireworks/models", self.models),
            ("POST", f"{own}/datasets", self.create_dataset),
            ("GET", f"{own}/datasets/{{dataset}}", self.get_dataset),
            ("POST", f"{own}/datasets/{{dataset}}:upload", self.upload),
            ("POST", f"{own}/datasets/{{dataset}}:getUploadEndpoint", self.endpoint),
            ("POST", f"{own}/datasets/{{dataset}}:validateUpload", self.validate),
            ("PUT", "/storage/{name}", self.store),
            ("GET", "/storage/{name}", lambda call, name: Bytes(weights.files()[name])),
            ("POST", f"{own}/supervisedFineTuningJobs", self.create),
            (
                "GET",
                f"{own}/supervisedFineTuningJobs",
                lambda call: {"supervisedFineTuningJobs": list(self.jobs.values())},
            ),
            ("POST", f"{own}/supervisedFineTuningJobs/{{job}}:cancel", self.cancel),
            ("GET", f"{own}/supervisedFineTuningJobs/{{job}}", self.get_job),
            ("GET", f"{own}/models/{{model}}:getDownloadEndpoint", self.download),
        ):
            self.route(method, path, handler)

    def problem(self, refused: Refused) -> dict[str, Any]:
        return {"code": 5, "message": refused.message, "details": []}

    def check_key(self, call: Call) -> None:
        if call.path.startswith("/storage/"):
            if "authorization" in call.headers:
                self.violate("the key was sent to storage")
            return
        super().check_key(call)

    def models(self, call: Call) -> Any:
        if call.query.get("pageToken"):
            return {"models": [{"name": "accounts/fireworks/models/llama", "displayName": "Llama", "tunable": False}]}
        return {
            "models": [
                {
                    "name": "accounts/fireworks/models/qwen3-8b",
                    "displayName": "Qwen3 8B",
                    "tunable": True,
                    "contextLength": 40960,
                    "deprecationDate": {"year": 2027, "month": 5, "day": 1},
                }
            ],
            "nextPageToken": "2",
        }

    def create_dataset(self, call: Call) -> Any:
        self.only(call.json, "datasetId", "dataset", needs=("datasetId", "dataset"))
        name = call.json["datasetId"]
        if name[0].isdigit() or name in self.datasets:
            self.violate(f"dataset id {name}")
            raise Refused(400, "invalid dataset id")
        self.only(call.json["dataset"], "displayName", "userUploaded", "exampleCount", "format")
        self.datasets[name] = {"name": f"{ACCOUNT}/datasets/{name}", "state": "UPLOADING", **call.json["dataset"]}
        return self.datasets[name]

    def get_dataset(self, call: Call, dataset: str) -> Any:
        if dataset not in self.datasets:
            raise Refused(404, f"dataset {dataset} not found")
        return self.datasets[dataset]

    def upload(self, call: Call, dataset: str) -> Any:
        self.get_dataset(call, dataset)
        self.stored[dataset] = call.files["file"][1]
        self._read(dataset)
        return {"filename": call.files["file"][0], "message": "ok"}

    def _read(self, dataset: str) -> None:
        if str(self.stored[dataset].count(b"\n")) != self.datasets[dataset].get("exampleCount"):
            self.violate("exampleCount is wrong")
        if self.ready_at_once:
            self.datasets[dataset]["state"] = "READY"

    def endpoint(self, call: Call, dataset: str) -> Any:
        ((name, size),) = call.json["filenameToSize"].items()
        self.datasets[dataset]["expected"] = size
        return {"filenameToSignedUrls": {name: f"{self.origin}/storage/{dataset}?signature=1"}}

    def store(self, call: Call, name: str) -> Any:
        size = self.datasets[name]["expected"]
        if call.headers.get("x-goog-content-length-range") != f"{size},{size}" or len(call.raw) != size:
            self.violate("the signed upload has another length")
            raise Refused(400, "wrong length")
        self.stored[name] = call.raw
        return {}

    def validate(self, call: Call, dataset: str) -> Any:
        self._read(dataset)
        return {}

    def create(self, call: Call) -> Any:
        self.only(call.query, "supervisedFineTuningJobId", needs=("supervisedFineTuningJobId",))
        self.only(
            call.json,
            "displayName",
            "dataset",
            "baseModel",
            "outputModel",
            "evaluationDataset",
            "loraRank",
            "epochs",
            "learningRate",
            "batchSize",
            "earlyStop",
            "evalAutoCarveout",
            "maxContextLength",
            needs=("dataset", "baseModel"),
        )
        if len(call.json["displayName"]) > 60:
            self.violate("a long display name")
        if self.datasets[call.json["dataset"].rpartition("/")[2]]["state"] != "READY":
            self.violate("a job before its dataset is ready")
            raise Refused(400, "the dataset is not ready")
        job = call.query["supervisedFineTuningJobId"]
        if job in self.jobs:
            raise Refused(409, f"job {job} already exists")
        self.jobs[job] = {
            "name": f"{ACCOUNT}/supervisedFineTuningJobs/{job}",
            "state": "JOB_STATE_CREATING",
            "createTime": "2026-11-30T10:00:00Z",
            "updateTime": "2026-11-30T10:00:00Z",
            **call.json,
        }
        return self.jobs[job]

    def get_job(self, call: Call, job: str) -> Any:
        if job not in self.jobs:
            raise Refused(404, f"job {job} not found")
        return self.jobs[job]

    def cancel(self, call: Call, job: str) -> Any:
        found = self.get_job(call, job)
        if found["state"] == "JOB_STATE_COMPLETED":
            raise Refused(400, "the job has ended")
        found["state"] = "JOB_STATE_CANCELLED"
        return {}

    def download(self, call: Call, model: str) -> Any:
        return {"filenameToSignedUrls": {name: f"{self.origin}/storage/{name}?signature=1" for name in weights.files()}}

    def finish(self, job: str) -> None:
        self.jobs[job] |= {
            "state": "JOB_STATE_COMPLETED",
            "jobProgress": {"percent": 100},
            "estimatedCost": {"currencyCode": "USD", "units": "3", "nanos": 500_000_000},
        }
