"""What may go wrong with an agent in whole runs: in the agent, in its box, in the engine, or with who waits for it."""
