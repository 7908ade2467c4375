"""Pure reading of the project: targets, interpreters, where tests live and how they are written."""
