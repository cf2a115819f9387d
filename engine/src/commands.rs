//! The command log: every statement that changed something, durable, replayed on start.
