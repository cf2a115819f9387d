//! CPU time and memory, from the operating system.

use std::time::Duration;

/// User and system time of all threads since the process began.
///
/// Read from `/proc/self/stat` (fields 14 and 15, in clock ticks of 1/100 s on Linux), because `unsafe` calls are
/// forbidden here; workloads run for seconds, so 10 ms of resolution are enough.
pub(crate) fn process_cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(") ").next().unwrap_or_default();
    let ticks = |field: usize| -> u64 {
        after_name.split(' ').nth(field).and_then(|text| text.parse().ok()).unwrap_or_default()
    };
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}

/// Resident memory of a process in bytes.
pub(crate) fn resident_bytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap_or_default() * 1024
}

/// How long the machine's processors were idle so far, and how long all of it was, in ticks of all of them together.
pub(crate) fn machine_ticks() -> (u64, u64) {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = stat.lines().next().unwrap_or_default();
    let ticks: Vec<u64> = line.split_whitespace().skip(1).take(8).filter_map(|tick| tick.parse().ok()).collect();
    // The fourth and the fifth are idle, the latter while something waits for a disk.
    (ticks.iter().skip(3).take(2).sum(), ticks.iter().sum())
}
