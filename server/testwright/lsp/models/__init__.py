"""Models as the user of an editor sees them: which would be asked, and the consent that code is sent to them."""
