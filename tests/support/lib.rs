//! What the tests share: starting servers and brokers, temporary directories, HTTP.
