"""Runs in files: formats to read and write, and the one folder in which a file may be."""
