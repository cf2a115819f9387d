//! What stands before the payload of a record whose schema is registered: a zero byte and the schema's id.

/// Bytes before the payload.
pub const HEADER_BYTES: usize = 5;

/// The first byte.
const MAGIC: u8 = 0;

/// Appends the header.
pub fn put_header(id: i32, out: &mut Vec<u8>) {
    out.push(MAGIC);
    out.extend_from_slice(&id.to_be_bytes());
}

/// The schema's id and what follows the header; `None` if no header stands there.
pub fn split_header(record: &[u8]) -> Option<(i32, &[u8])> {
    let (header, payload) = record.split_first_chunk::<HEADER_BYTES>()?;
    let (magic, id) = header.split_first_chunk::<1>()?;
    (*magic == [MAGIC]).then_some(())?;
    Some((i32::from_be_bytes(id.try_into().ok()?), payload))
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
