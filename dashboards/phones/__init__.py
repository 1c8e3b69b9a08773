"""Small pages beside the room's screen: phones that vote, and the presenter's window."""
