"""What every process needs: settings, telemetry, tracing, Redis clients. It imports no other package of ours."""
