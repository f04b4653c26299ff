"""A local Claude: the Messages API over HTTP, with its cache, limits, errors and prices.

It imports no other package of ours, and no production package imports it. Its prices, its API and its valid questions
are its own copies, so that a mistake on one side shows as a difference.
"""
