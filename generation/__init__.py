"""The exam domain: plans, prompts, parsing, validation, and the use case that writes a batch.

Pure: it imports no other package of ours, and no framework, driver or SDK.
"""
