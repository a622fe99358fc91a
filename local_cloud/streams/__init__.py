"""Readers of streams: what Lambda and Firehose do with the records of a shard. Nothing here knows the emulator."""
