"""A local Claude: the Messages API over HTTP, with its cache, its limits, its errors and its prices.

It stands apart. It imports no other room and no other room imports it: what it knows of the API, of the
prices and of valid questions is its own copy, so that a mistake on one side shows up as a difference.
"""
