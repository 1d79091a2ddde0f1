"""A fresh work process of the training worker: `python -m worker.work_process PARENT_PID WORKER JOB QUEUE`."""

from __future__ import annotations

import os
import sys

from core.platform.processes import die_with_parent


def main(arguments: list[str]) -> None:
    """Run the job that the parent names, then end the process."""
    parent_pid, name, job_id, queue_name = arguments
    die_with_parent(int(parent_pid))
    os.setpgrp()

    from rq import Queue
    from rq.executions import Execution
    from rq.serializers import JSONSerializer

    from core.platform.redis_server import redis_connection
    from worker.queues import TaskJob, TrainingWorker

    connection = redis_connection(timeout_s=None)
    worker = TrainingWorker([], name, connection=connection, prepare_for_work=False, serializer=JSONSerializer)
    job = TaskJob.fetch(job_id, connection=connection, serializer=JSONSerializer)
    worker.execution = Execution.fetch(os.environ["RQ_EXECUTION_ID"], job_id, connection=connection)
    queue = Queue(queue_name, connection=connection, job_class=TaskJob, serializer=JSONSerializer)
    worker.queues = [queue]
    worker.main_work_horse(job, queue)


if __name__ == "__main__":
    main(sys.argv[1:])
