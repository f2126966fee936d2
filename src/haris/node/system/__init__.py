"""What the operating system gives a process: its loop, its threads, its memory, its secrets' files."""
