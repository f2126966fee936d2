"""Keys of passes: protocols over a channel that changes second by second."""
