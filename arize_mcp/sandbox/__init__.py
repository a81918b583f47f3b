"""An embedded Arize: the Experiments REST API over SQLite, for trials and tests.

A second implementation of the contract, from the API's documents alone: it shares no model with the client, so that a
misspelt field can't pass on both sides.
"""
