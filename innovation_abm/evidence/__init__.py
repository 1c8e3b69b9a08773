"""What can be known of the model itself: published cases, agreement, speed."""
