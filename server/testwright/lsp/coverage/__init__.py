"""What is known of the coverage of modules, beside their text as it is now, and how a client is told."""
