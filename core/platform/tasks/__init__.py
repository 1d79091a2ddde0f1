"""The one mechanism of all long work: states, leases, progress, commands, dependencies, recovery.

kinds     what the studio knows about each kind     results   the typed result of a kind
states    the moves between states, as data         store     rows, events, and the one `move`
lease     which worker may write to a task          announce  puts a task's id on its queue
context   the interface of a handler                commands  cancel, pause, stop, resume, retry, keep
recovery  what happens after a worker died          logs      one log file per task
noticing  notices of what ended     owners    names of workers, and whether they live
"""
