//! What stands before the payload of a record whose schema is registered: a zero byte and the schema's id.

/// Bytes before the payload.
pub const HEADER_BYTES: usize = 5;

/// The first byte.
const MAGIC: u8 = 0;

/// The header of records of a schema.
pub fn header(id: i32) -> [u8; HEADER_BYTES] {
    let [first, second, third, fourth] = id.to_be_bytes();
    [MAGIC, first, second, third, fourth]
}

/// Appends the header.
pub fn put_header(id: i32, out: &mut Vec<u8>) {
    out.extend_from_slice(&header(id));
}

/// The schema's id and what follows the header; `None` if no header stands there.
#[inline]
pub fn split_header(record: &[u8]) -> Option<(i32, &[u8])> {
    match record.split_first_chunk::<HEADER_BYTES>() {
        Some(([MAGIC, first, second, third, fourth], payload)) => {
            Some((i32::from_be_bytes([*first, *second, *third, *fourth]), payload))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_comes_apart_as_it_was_put_there() {
        let mut record = Vec::new();
        put_header(258, &mut record);
        assert_eq!(record, [0, 0, 0, 1, 2]);
        record.push(7);
        assert_eq!(split_header(&record), Some((258, &[7_u8][..])));
        assert_eq!(split_header(&[1, 0, 0, 1, 2, 7]), None);
        assert_eq!(split_header(&[0, 0, 0]), None);
    }
}
