//! Numbers in groups of seven bits, the lowest first, as Avro and Protobuf write them.

/// The highest bit of each byte: more groups follow.
const MORE: u64 = 0x8080_8080_8080_8080;

/// The number that the bytes begin with, and what follows it. Only for numbers that end within eight bytes when there are
/// eight: those are taken apart at once. All others are for the caller, byte by byte.
#[inline]
pub(super) fn short_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let word = u64::from_le_bytes(*bytes.first_chunk()?);
    let ends = !word & MORE;
    if ends == 0 {
        return None;
    }
    let bits = ends.trailing_zeros() + 1;
    let groups = word & !MORE & (u64::MAX >> (64 - bits));
    // Closes the gaps between the groups: of two, of four, of eight.
    let by_two = groups & 0x007F_007F_007F_007F | (groups & 0x7F00_7F00_7F00_7F00) >> 1;
    let by_four = by_two & 0x0000_3FFF_0000_3FFF | (by_two & 0x3FFF_0000_3FFF_0000) >> 2;
    let value = by_four & 0x0FFF_FFFF | (by_four & 0x0FFF_FFFF_0000_0000) >> 4;
    Some((value, bytes.get(bits as usize / 8..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_up_to_eight_bytes_are_taken_apart() {
        for bit in 0..56 {
            for value in [1_u64 << bit, (1 << bit) - 1, 0x00AB_CDEF_0123_4567 >> (56 - bit)] {
                let mut bytes = Vec::new();
                let mut rest = value;
                while rest >= 0x80 {
                    bytes.push(rest as u8 | 0x80);
                    rest >>= 7;
                }
                bytes.push(rest as u8);
                let after = [0xFF; 8];
                bytes.extend_from_slice(&after);
                assert_eq!(short_varint(&bytes), Some((value, &after[..])), "{value}");
            }
        }
    }

    #[test]
    fn what_is_longer_or_cut_off_is_left_to_the_caller() {
        assert_eq!(short_varint(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1]), None);
        assert_eq!(short_varint(&[0x80, 1]), None);
        assert_eq!(short_varint(&[]), None);
    }
}
