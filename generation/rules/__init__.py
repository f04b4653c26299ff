"""The rules for a question: what rejects, flags or counts it, and the sentences that state them to the model. Imports the model and the normalization."""
