"""The prompts: cached system blocks from Arabic files, and the message that asks for open slots."""
