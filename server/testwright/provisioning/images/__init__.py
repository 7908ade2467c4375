"""Images for the agent in Docker: looked for, made of what is fetched on this machine, and named by what is in them."""
