"""The Arize Experiments REST API as an async library."""
