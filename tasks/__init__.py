"""The queue's contract and its tasks, each of them thin. May import worker, db, generation and runtime."""
