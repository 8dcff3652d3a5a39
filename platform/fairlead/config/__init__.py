"""Text to model: read documents, check their shape, link their names, and say everything that is wrong."""
