"""The parts of the screens New job, Jobs and one job."""
