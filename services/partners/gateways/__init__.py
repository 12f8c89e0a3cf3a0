"""What partners asks of systems outside this house."""
