"""Running the tests of a workspace (`kind: test`): each in a workspace of its own, in memory, through the one door."""
