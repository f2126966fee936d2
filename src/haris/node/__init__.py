"""The shell: the only room that touches sockets, clocks, disks and operating-system randomness."""
