//! What clients may take of the server; docs/limits.md lists it.

use std::time::Duration;

use engine::config::{Config, setting};

/// File descriptors that are left to topics and state, whatever their number.
const DESCRIPTORS_FOR_CONNECTIONS: (usize, usize) = (1, 2);

/// A hundred years.
const LONGEST_SECONDS: i64 = 3_000_000_000;

/// Bounds that hold for all requests together, and for each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Connections at once; whoever comes beyond is told so and sent away.
    pub(crate) connections: usize,
    /// Requests at once, streams of rows included.
    pub(crate) requests: usize,
    /// Calls of the engine at once; further ones wait without a thread.
    pub(crate) workers: usize,
    /// How long such a call waits for its turn.
    pub(crate) turn: Duration,
    /// How long the head of a request, or a body that is read as a whole, may take to arrive.
    pub(crate) receive: Duration,
    /// How long a connection lives on which nothing moves.
    pub(crate) idle: Duration,
    /// How long a WebSocket lives.
    pub(crate) web_socket: Duration,
    /// From the signal to the end of the process, whatever clients do.
    pub(crate) stop: Duration,
}

impl Limits {
    /// As the settings say.
    pub(crate) fn new(config: &Config) -> Self {
        // Timers cannot wait for ever, but a hundred years will do.
        let time = |unit: Duration, number: i64| unit.saturating_mul(number.clamp(0, LONGEST_SECONDS) as u32);
        let milliseconds = |setting| time(Duration::from_millis(1), config.get(setting));
        // ksqlDB's own: 0 means that there is none.
        let or_none = |setting, unit: Duration| match config.get(setting) {
            ..=0 => time(Duration::from_secs(1), LONGEST_SECONDS),
            number => time(unit, number),
        };
        Self {
            connections: config.limit(setting::HTTP_MAX_CONNECTIONS).min(descriptors_for_connections()),
            requests: config.limit(setting::HTTP_MAX_REQUESTS),
            workers: config.limit(setting::WORKER_POOL_SIZE),
            turn: milliseconds(setting::HTTP_TURN_TIMEOUT_MS),
            receive: milliseconds(setting::HTTP_RECEIVE_TIMEOUT_MS),
            idle: or_none(setting::IDLE_CONNECTION_TIMEOUT_SECONDS, Duration::from_secs(1)),
            web_socket: or_none(setting::WEBSOCKET_CONNECTION_MAX_TIMEOUT_MS, Duration::from_millis(1)),
            stop: milliseconds(setting::SHUTDOWN_TIMEOUT_MS),
        }
    }
}

/// How many of the process's file descriptors connections may take: half, so that topics and state have the others.
fn descriptors_for_connections() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let most = line.and_then(|line| line.split_whitespace().next()).and_then(|soft| soft.parse::<usize>().ok());
    let (part, of) = DESCRIPTORS_FOR_CONNECTIONS;
    most.map_or(usize::MAX, |most| (most.saturating_mul(part) / of).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_taken_within_reason() {
        let limits = |name: &str, value: &str| Limits::new(&Config::new([(name, value)]).unwrap());
        assert_eq!(limits("ksql.idle.connection.timeout.seconds", "7").idle, Duration::from_secs(7));
        assert!(limits("ksql.idle.connection.timeout.seconds", "0").idle > Duration::from_secs(86_400 * 365));
        assert!(limits("ksql.websocket.connection.max.timeout.ms", "0").web_socket > Duration::from_secs(86_400 * 365));
        assert_eq!(limits("millstream.http.max.connections", "3").connections, 3);
        assert!(
            limits("millstream.http.receive.timeout.ms", "9223372036854775807").receive > Duration::from_secs(86_400)
        );
    }
}
