"""Distillation at line rate: two processes, blocks that overlap, and queues that do not grow."""
