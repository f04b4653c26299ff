"""What the shared prefix, the rate limits and the fallback cost and save, over real sockets and a real Redis."""
