"""What is there and what is missing for the main job, each with the next step."""
