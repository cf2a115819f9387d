//! Numbers of few bytes.

use super::BadRow;

/// Appends an unsigned number, seven bits a byte, low bits first.
pub(crate) fn put_u64(mut n: u64, into: &mut Vec<u8>) {
    while n >= 0x80 {
        into.push(n as u8 | 0x80);
        n >>= 7;
    }
    into.push(n as u8);
}

/// Appends a signed number; those near zero are short.
pub(crate) fn put_i64(n: i64, into: &mut Vec<u8>) {
    put_u64(((n << 1) ^ (n >> 63)) as u64, into);
}

/// As [`put_i64`], for decimals.
pub(super) fn put_i128(n: i128, into: &mut Vec<u8>) {
    let mut n = ((n << 1) ^ (n >> 127)) as u128;
    while n >= 0x80 {
        into.push(n as u8 | 0x80);
        n >>= 7;
    }
    into.push(n as u8);
}

/// Takes `n` bytes off the front.
///
/// # Errors
/// Fewer are left.
pub(crate) fn take<'a>(bytes: &mut &'a [u8], n: usize) -> Result<&'a [u8], BadRow> {
    let (head, rest) = bytes.split_at_checked(n).ok_or(BadRow)?;
    *bytes = rest;
    Ok(head)
}

/// Takes one byte off the front.
pub(super) fn take_byte(bytes: &mut &[u8]) -> Result<u8, BadRow> {
    let (&head, rest) = bytes.split_first().ok_or(BadRow)?;
    *bytes = rest;
    Ok(head)
}

/// Takes what [`put_u64`] wrote.
///
/// # Errors
/// What is there is not one.
pub(crate) fn get_u64(bytes: &mut &[u8]) -> Result<u64, BadRow> {
    let mut n = 0;
    for shift in (0..64).step_by(7) {
        let byte = take_byte(bytes)?;
        n |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(n);
        }
    }
    Err(BadRow)
}

/// Takes what [`put_i64`] wrote.
///
/// # Errors
/// What is there is not one.
pub(crate) fn get_i64(bytes: &mut &[u8]) -> Result<i64, BadRow> {
    let n = get_u64(bytes)?;
    Ok((n >> 1) as i64 ^ -((n & 1) as i64))
}

/// Takes what [`put_i128`] wrote.
pub(super) fn get_i128(bytes: &mut &[u8]) -> Result<i128, BadRow> {
    let mut n = 0;
    for shift in (0..128).step_by(7) {
        let byte = take_byte(bytes)?;
        n |= u128::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok((n >> 1) as i128 ^ -((n & 1) as i128));
        }
    }
    Err(BadRow)
}
