//! What a newcomer types, step by step, and what must come back: the walk-throughs of the reading room over HTTP.
//!
//! | file | walks |
//! |---|---|
//! | `session` | how a step is written down: a statement to an endpoint, the answer looked at |
//! | `quickstart` | 0 first contact, 1 riders and locations, 6 tear-down and restart |
//! | `call_centre` | 2 materialized cache |
//! | `anomalies` | 3 event time, windows, HAVING, 8 partitions |
//! | `shipped_orders` | 4 joins |
//! | `mistakes` | 5 the error texts a newcomer meets |

mod anomalies;
mod call_centre;
mod mistakes;
mod quickstart;
mod session;
mod shipped_orders;
