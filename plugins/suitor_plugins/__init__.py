"""The built-in algorithms and stages, found through the same entry points as anybody else's."""
