"""What the production image is made of: an SBOM and a list of licences, from the lock and `licences.toml`."""
