//! Stores: memory first, changes committed with the outputs, cold entries read back from the local database.
