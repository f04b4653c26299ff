"""Valid Arabic questions for any slot: templates and word data by topic, keys computed and not guessed."""
