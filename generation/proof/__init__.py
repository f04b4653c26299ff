"""Keys that are proved: a bounded, exact evaluator of declared expressions and of quantities in Arabic text."""
