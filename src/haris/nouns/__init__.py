"""What crosses from room to room. Depends on nothing."""
