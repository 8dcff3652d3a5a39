"""The one door: a function for each thing that somebody may ask for."""

from fairlead.work import steps as _steps
from fairlead.work.reactions import runs_steps

runs_steps(_steps.run_steps)
