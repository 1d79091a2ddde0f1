"""Background tasks and jobs on the screens: their words, actions and progress."""
