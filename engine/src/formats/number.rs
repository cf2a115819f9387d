//! Numbers in payloads: the conversions Java does between number texts and SQL types.

use crate::types::text::parse_decimal;

/// Reads what `Integer.parseInt` reads.
pub(super) fn parse_int(text: &str) -> Option<i32> {
    parse_long(text).and_then(|value| i32::try_from(value).ok())
}

/// Reads what `Long.parseLong` reads (ASCII digits).
pub(super) fn parse_long(text: &str) -> Option<i64> {
    text.parse().ok()
}

/// The whole part of a JSON number, if a BIGINT holds it.
pub(super) fn whole_part(number: &str) -> Option<i64> {
    let (negative, magnitude) = match number.strip_prefix('-') {
        Some(magnitude) => (true, magnitude),
        None => (false, number),
    };
    let (mantissa, exponent) = match magnitude.find(['e', 'E']) {
        Some(at) => (&magnitude[..at], exponent(&magnitude[at + 1..])),
        None => (magnitude, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let kept = (whole.len() as i64).saturating_add(exponent);
    // Negative all along, as the smallest BIGINT has no counterpart.
    let mut value = 0_i64;
    for digit in whole.bytes().chain(fraction.bytes()).take(usize::try_from(kept).unwrap_or(0)) {
        value = value.checked_mul(10)?.checked_sub(i64::from(digit - b'0'))?;
    }
    let zeros = kept.saturating_sub((whole.len() + fraction.len()) as i64);
    if value != 0 && zeros > 0 {
        value = value.checked_mul(10_i64.checked_pow(u32::try_from(zeros).ok()?)?)?;
    }
    if negative { Some(value) } else { value.checked_neg() }
}

/// An exponent, cut to where it makes no difference any more.
fn exponent(text: &str) -> i64 {
    text.parse::<i64>().unwrap_or(if text.starts_with('-') { i64::MIN / 2 } else { i64::MAX / 2 })
}

/// Brings a decimal text to DECIMAL(`precision`, `scale`) without rounding.
pub(super) fn exact_decimal(text: &str, precision: u8, scale: i8) -> Result<i128, String> {
    let overflow = || {
        let digits = i16::from(precision) - i16::from(scale);
        format!(
            "Numeric field overflow: A field with precision {precision} and scale {scale} must round to an absolute \
             value less than 10^{digits}. Got {text}"
        )
    };
    let Some((mut unscaled, mut from)) = parse_decimal(text) else {
        let number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        return Err(if number { overflow() } else { format!("'{text}' is not a number") });
    };
    let to = i32::from(scale);
    while from > to && unscaled % 10 == 0 {
        if unscaled == 0 {
            return Ok(0);
        }
        unscaled /= 10;
        from -= 1;
    }
    // Too many whole digits come first: `123456.789` is too large for DECIMAL(6, 2), not too precise.
    let limit = 10_i128.checked_pow(u32::from(precision).min(38)).ok_or_else(overflow)?;
    if from > to {
        let whole = u32::try_from(from - to).ok().and_then(|places| 10_i128.checked_pow(places));
        if whole.is_some_and(|places| (unscaled / places).abs() >= limit) {
            return Err(overflow());
        }
        return Err(format!("Cannot fit decimal '{text}' into DECIMAL({precision}, {scale}) without rounding."));
    }
    if unscaled == 0 {
        return Ok(0);
    }
    let scaled = to
        .checked_sub(from)
        .and_then(|places| u32::try_from(places).ok())
        .and_then(|places| 10_i128.checked_pow(places))
        .and_then(|factor| unscaled.checked_mul(factor))
        .ok_or_else(overflow)?;
    if scaled.abs() < limit { Ok(scaled) } else { Err(overflow()) }
}

/// Appends the text of a JSON number as `BigInteger` and `BigDecimal` write it: `1.50`, `1E+2`, `-0` as `0`.
pub(super) fn write_number_text(number: &str, out: &mut Vec<u8>) {
    let (negative, magnitude) = match number.strip_prefix('-') {
        Some(magnitude) => (true, magnitude),
        None => (false, number),
    };
    if magnitude.bytes().all(|byte| byte.is_ascii_digit()) {
        if negative && magnitude != "0" {
            out.push(b'-');
        }
        return out.extend_from_slice(magnitude.as_bytes());
    }
    let (mantissa, exponent) = match magnitude.find(['e', 'E']) {
        Some(at) => (&magnitude[..at], exponent(&magnitude[at + 1..])),
        None => (magnitude, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    let zeros = all.iter().take_while(|digit| **digit == b'0').count().min(all.len() - 1);
    let digits = &all[zeros..];
    let scale = (fraction.len() as i64).saturating_sub(exponent);
    let adjusted = (digits.len() as i64 - 1).saturating_sub(scale);
    if negative && digits != b"0" {
        out.push(b'-');
    }
    if scale < 0 || adjusted < -6 {
        out.push(digits[0]);
        if digits.len() > 1 {
            out.push(b'.');
            out.extend_from_slice(&digits[1..]);
        }
        out.extend_from_slice(format!("E{adjusted:+}").as_bytes());
    } else if scale == 0 {
        out.extend_from_slice(digits);
    } else {
        // `adjusted >= -6` bounds the scale by the number of digits.
        let scale = scale as usize;
        let whole = digits.len().saturating_sub(scale);
        out.extend_from_slice(if whole == 0 { b"0" } else { &digits[..whole] });
        out.push(b'.');
        out.extend(std::iter::repeat_n(b'0', scale.saturating_sub(digits.len())));
        out.extend_from_slice(&digits[whole..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_parts_are_in_range_or_refused() {
        for (text, value) in [
            ("3.7", Some(3)),
            ("-3.7", Some(-3)),
            ("1e3", Some(1000)),
            ("1.25e1", Some(12)),
            ("0.5", Some(0)),
            ("-0", Some(0)),
            ("1e-400000000000000000000", Some(0)),
            ("0e400000000000000000000", Some(0)),
            ("1e400000000000000000000", None),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775807.999", Some(i64::MAX)),
            ("9.223372036854775808e18", None),
            ("-9223372036854775808", Some(i64::MIN)),
            ("-9223372036854775809", None),
            ("18446744073709551617", None),
            ("12e17", Some(1_200_000_000_000_000_000)),
            ("12e18", None),
        ] {
            assert_eq!(whole_part(text), value, "{text}");
        }
    }

    #[test]
    fn decimals_must_fit_exactly() {
        assert_eq!(exact_decimal("1.25", 6, 2), Ok(125));
        assert_eq!(exact_decimal("1.2500", 6, 2), Ok(125));
        assert_eq!(exact_decimal("1e3", 6, 2), Ok(100_000));
        assert_eq!(exact_decimal("-0.000", 6, 2), Ok(0));
        // Connect's precision where nobody said one: as many digits as a column has.
        assert_eq!(exact_decimal("1.25", 64, 2), Ok(125));
        assert!(exact_decimal("123456.789", 6, 2).is_err_and(|error| error.starts_with("Numeric field overflow")));
        assert!(exact_decimal("12345", 6, 2).is_err_and(|error| error.starts_with("Numeric field overflow")));
        assert!(exact_decimal("1.234", 6, 2).is_err_and(|error| error.contains("without rounding")));
        assert!(exact_decimal("x", 6, 2).is_err_and(|error| error.contains("not a number")));
        for text in ["1e2000000000", "1e2147483647", "-1e2147483647", "1e-2147483647", "1e-2147483648", "1e99999999999"]
        {
            assert!(exact_decimal(text, 38, 37).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_as_text() {
        for (number, text) in [
            ("1.50", "1.50"),
            ("1e2", "1E+2"),
            ("1.5e3", "1.5E+3"),
            ("0.0000001", "1E-7"),
            ("-0.0", "0.0"),
            ("-0", "0"),
            ("-12.30", "-12.30"),
            ("0.001", "0.001"),
            ("12e-1", "1.2"),
        ] {
            let mut out = Vec::new();
            write_number_text(number, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }
}
