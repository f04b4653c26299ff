"""The operators' page `/ops`: live plots and the timeline of a session, made on the server from Postgres alone."""
