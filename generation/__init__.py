"""The exam domain: plan, prompts, parser, validator, and the use case that fills a batch. It imports no
framework and reads no settings.
"""
