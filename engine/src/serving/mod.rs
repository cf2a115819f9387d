//! Push and pull queries.
