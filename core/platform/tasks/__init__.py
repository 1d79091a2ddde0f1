"""The one mechanism of all long work: states, leases, progress, commands, dependencies, recovery.

states    the moves between states, as data        store     rows, events, and the one `move`
lease     who may write to a task                  announce  the bell: a task's id on its queue
context   what a handler is given and returns      commands  what a person may ask
recovery  what happens when a worker died
"""
