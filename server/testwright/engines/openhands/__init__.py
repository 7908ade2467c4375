"""The OpenHands agent, from outside: what it is told, its pipe, its rounds. The SDK itself runs in a box alone."""
