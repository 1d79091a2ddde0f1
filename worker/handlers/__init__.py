"""The work of background tasks, one file per kind; `core.platform.tasks.kinds` names the handler of each.

A handler is `handle(ctx: TaskContext) -> Outcome`. It reports progress, calls `ctx.raise_if_interrupted()` at every
unit of work, and publishes its result in the transaction that ends the task (`Outcome.on_commit`). `worker.run` empties
its working directory. Kinds that load torch have their handlers in `worker/training`.
"""
