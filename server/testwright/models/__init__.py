"""Which model is asked, how often, how long and for how much: all that is said to a provider of models."""
