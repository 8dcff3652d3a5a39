"""Rules about the whole configuration: one function each, a module for each subject, all of them in `every`."""
