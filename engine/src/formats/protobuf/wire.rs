//! Protobuf's wire format: a field is its number and wire type, then a varint, eight bytes, or a length and that many
//! bytes.

/// How a value is delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WireType {
    Varint = 0,
    Fixed64 = 1,
    Delimited = 2,
}

/// Appends a number in groups of seven bits, the lowest first.
pub(super) fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed number; negative ones take ten bytes.
pub(super) fn signed(value: i64, out: &mut Vec<u8>) {
    varint(value as u64, out);
}

/// Appends what stands before a field's value.
pub(super) fn tag(number: u32, wire_type: WireType, out: &mut Vec<u8>) {
    varint(u64::from(number) << 3 | wire_type as u64, out);
}

/// Appends the bytes with their length before them.
pub(super) fn bytes(value: &[u8], out: &mut Vec<u8>) {
    varint(value.len() as u64, out);
    out.extend_from_slice(value);
}

/// Appends what `write` writes with its length before it. Most messages are short: one byte is kept free for the length.
pub(super) fn delimited<T>(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    let start = out.len();
    out.push(0);
    let result = write(out);
    let mut rest = out.len() - start - 1;
    let mut at = start;
    while rest >= 0x80 {
        out[at] = rest as u8 | 0x80;
        at += 1;
        out.insert(at, 0);
        rest >>= 7;
    }
    out[at] = rest as u8;
    result
}

/// Appends a signed number as a field, unless it is 0.
pub(super) fn number_field(number: u32, value: i64, out: &mut Vec<u8>) {
    if value != 0 {
        tag(number, WireType::Varint, out);
        signed(value, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out);
        out
    }

    #[test]
    fn numbers_are_varints() {
        assert_eq!(written(|out| varint(0, out)), [0]);
        assert_eq!(written(|out| varint(300, out)), [0xAC, 0x02]);
        assert_eq!(written(|out| signed(-1, out)), [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]);
        assert_eq!(written(|out| number_field(16, 1, out)), [0x80, 0x01, 1]);
        assert!(written(|out| number_field(1, 0, out)).is_empty());
    }

    #[test]
    fn lengths_of_any_size_stand_before_what_they_count() {
        for len in [0, 1, 127, 128, 16_383, 16_384, 3_000_000] {
            let content = vec![7; len];
            let expected = written(|out| bytes(&content, out));
            assert_eq!(written(|out| delimited(out, |out| out.extend_from_slice(&content))), expected, "{len}");
        }
    }
}
