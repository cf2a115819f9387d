//! Records that are nearly right.

use fastrand::Rng;
use serde_json::json;

use super::super::http::{odd_json, scratch};
use super::super::odd;

/// A record for a topic.
pub(super) struct Record {
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) headers: Vec<(String, Option<Vec<u8>>)>,
}

/// A bad record for a topic of the pipelines, or one that is good by chance; never one of the good ones.
pub(super) fn record(topic: &str, random: &mut Rng) -> Record {
    let group = ["a", "b", ""][random.usize(..3)];
    let number = random.i64(-3..50);
    let plain = format!("k{}", random.u8(..20));
    let fields = match topic {
        "j" => {
            json!({"ID": number, "G": group, "V": number, "D": 1.5, "F": 0.1, "L": [1, null], "M": {"a": 1}, "R": {"X": 1}, "B": "AQ==", "T": 0})
        }
        "c" => json!({"ID": number, "MOMENT": "2024-02-03 04:05:06"}),
        _ => json!({"G": group, "ID": number}),
    };
    let mut value = match topic {
        "d" => format!("{number},{group},{number},1.5").into_bytes(),
        "u" => format!("{group},{number}").into_bytes(),
        "n" => number.to_be_bytes().to_vec(),
        _ if random.bool() => fields.to_string().into_bytes(),
        _ => odd_json(fields, random).to_string().into_bytes(),
    };
    let mut key = match topic {
        "d" => number.to_string().into_bytes(),
        "u" => format!("\"{plain}\"").into_bytes(),
        "n" => number.to_be_bytes().to_vec(),
        "x" => {
            [format!("\"{plain}\"").as_bytes(), &extreme(random).to_be_bytes(), &extreme(random).to_be_bytes()].concat()
        }
        "w" => [plain.as_bytes(), &extreme(random).to_be_bytes()].concat(),
        _ => plain.into_bytes(),
    };
    for part in [&mut key, &mut value] {
        match random.u8(..8) {
            0..=2 => scratch(part, random),
            3 => *part = odd::text(random).into_bytes(),
            4 => *part = (0..random.usize(..40)).map(|_| random.u8(..)).collect(),
            _ => {}
        }
        part.truncate(LONGEST);
    }
    if matches!(topic, "d" | "u") && random.u8(..4) == 0 {
        value = [odd::number(random), odd::text(random), odd::number(random)].join(",").into_bytes();
    }
    let some = |bytes: Vec<u8>, random: &mut Rng| (random.u8(..12) > 0).then_some(bytes);
    let headers = (0..if random.u8(..6) == 0 { random.usize(..5) } else { 0 })
        .map(|_| (odd::text(random), some(odd::text(random).into_bytes(), random)))
        .collect();
    Record { key: some(key, random), value: some(value, random), headers }
}

/// Longest key and value.
const LONGEST: usize = 150_000;

/// A moment.
pub(super) fn extreme(random: &mut Rng) -> i64 {
    const MOMENTS: &[i64] = &[
        i64::MIN,
        i64::MIN + 1,
        -86_400_000,
        -1,
        0,
        1,
        999,
        1_000,
        10_000,
        1_700_000_000_000,
        253_402_300_800_000,
        1 << 53,
        i64::MAX / 1_000,
        i64::MAX - 86_400_001,
        i64::MAX - 7_000,
        i64::MAX - 1,
        i64::MAX,
    ];
    match random.u8(..4) {
        0 => random.i64(..),
        _ => MOMENTS[random.usize(..MOMENTS.len())],
    }
}
