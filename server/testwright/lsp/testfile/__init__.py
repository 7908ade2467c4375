"""The test file: how a finished one gets to where it belongs, and how tests are taken out of it again."""
