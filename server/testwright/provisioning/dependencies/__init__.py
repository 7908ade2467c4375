"""What a project's own files say that it depends on, read without running anything of it."""
