"""Screens and the HTTP API: read the request, call `work`, render."""
