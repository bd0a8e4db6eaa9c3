"""From a scenario to what happened: lay out the image, run it on a machine, record the trace."""
