"""What must be true: the machines, the trace vocabulary, invariants over traces, scenarios."""
