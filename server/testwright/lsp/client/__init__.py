"""What the client is: what it can do, its folders, its settings, and the files that it watches for us."""
