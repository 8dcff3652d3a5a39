"""The one door: a function for each thing that somebody may ask for."""
