"""One module a subject; each parses, calls one verb and renders."""
