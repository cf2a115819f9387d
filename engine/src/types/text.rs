//! How Java writes numbers and dates as text, and reads them back. ksqlDB's clients, topics in DELIMITED
//! and `CAST(… AS STRING)` all show these forms.

use std::cmp::Ordering;
use std::fmt::Write;

/// Appends `Double.toString` of JDK 19 and later: shortest digits, `1.0E10` outside [0.001, 10^7).
pub fn java_double(value: f64, out: &mut String) {
    if value.is_nan() {
        return out.push_str("NaN");
    }
    if value.is_sign_negative() {
        out.push('-');
    }
    let value = value.abs();
    if value.is_infinite() {
        return out.push_str("Infinity");
    }
    if value == 0.0 {
        return out.push_str("0.0");
    }
    let (digits, length, exponent) = shortest(value);
    let digits = digits.get(..length).unwrap_or_default();
    let mut push = |range: &[u8]| range.iter().for_each(|digit| out.push(char::from(*digit)));
    if !(-3..7).contains(&exponent) {
        push(&digits[..1]);
        push(b".");
        push(if length > 1 { &digits[1..] } else { b"0" });
        let _ = write!(out, "E{exponent}");
    } else if exponent < 0 {
        push(b"0.");
        (1..-exponent).for_each(|_| push(b"0"));
        push(digits);
    } else {
        let whole = exponent as usize + 1;
        push(&digits[..whole.min(length)]);
        (length..whole).for_each(|_| push(b"0"));
        push(b".");
        push(if length > whole { &digits[whole..] } else { b"0" });
    }
}

/// Significant digits of a positive finite double, how many there are, and the decimal exponent of the first.
fn shortest(value: f64) -> ([u8; 20], usize, i32) {
    let (digits, length, exponent) = significant(ryu::Buffer::new().format_finite(value));
    if length == 1 && value < 1e-300 {
        // Java prints two digits at least, the two that are nearest; this only shows among the smallest numbers.
        return significant(&format!("{value:.1e}"));
    }
    (digits, length, exponent)
}

/// What there is in a text like `0.0012`, `120.0` or `1.2e-9`, without zeros at either end.
fn significant(text: &str) -> ([u8; 20], usize, i32) {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let point = mantissa.find('.').unwrap_or(mantissa.len());
    let mut digits = [b'0'; 20];
    let (mut length, mut zeros) = (0, 0);
    for digit in mantissa.bytes().filter(u8::is_ascii_digit) {
        if length == 0 && digit == b'0' {
            zeros += 1;
        } else if let Some(place) = digits.get_mut(length) {
            *place = digit;
            length += 1;
        }
    }
    while length > 1 && digits[length - 1] == b'0' {
        length -= 1;
    }
    (digits, length, exponent.parse::<i32>().unwrap_or(0) + point as i32 - 1 - zeros)
}

/// Reads what `Double.parseDouble` reads: blanks around it, `NaN`, `Infinity`, a trailing `d` or `f`; no hexadecimals.
pub fn parse_double(text: &str) -> Option<f64> {
    let text = text.trim_matches(|c: char| c <= ' ');
    let (negative, magnitude) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let value = match magnitude {
        "NaN" => f64::NAN,
        "Infinity" => f64::INFINITY,
        // Rust reads `inf` and `nan`, too.
        digits if digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') => {
            digits.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(digits).parse().ok()?
        }
        _ => return None,
    };
    Some(if negative { -value } else { value })
}

/// Appends `BigDecimal.toPlainString` of `unscaled * 10^-scale`.
pub fn plain_decimal(unscaled: i128, scale: i8, out: &mut String) {
    if unscaled < 0 {
        out.push('-');
    }
    let start = out.len();
    let _ = write!(out, "{}", unscaled.unsigned_abs());
    let digits = out.len() - start;
    let scale = usize::try_from(scale).unwrap_or(0);
    if scale == 0 {
        return;
    }
    if digits <= scale {
        out.insert_str(start, &"0".repeat(scale + 1 - digits));
    }
    let point = out.len() - scale;
    out.insert(point, '.');
}

/// Reads what `new BigDecimal(text)` reads, as (unscaled, scale); `None` for anything else or more than 38 digits.
pub fn parse_decimal(text: &str) -> Option<(i128, i32)> {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, mantissa) = match mantissa.as_bytes().first()? {
        b'-' => (true, &mantissa[1..]),
        b'+' => (false, &mantissa[1..]),
        _ => (false, mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut unscaled: i128 = 0;
    for digit in whole.bytes().chain(fraction.bytes()) {
        let digit = digit.is_ascii_digit().then(|| i128::from(digit - b'0'))?;
        unscaled = unscaled.checked_mul(10)?.checked_add(digit)?;
    }
    let scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    Some((if negative { -unscaled } else { unscaled }, scale))
}

/// `10^exponent`, or `None` where it does not fit.
pub fn power_of_ten(exponent: u32) -> Option<i128> {
    10_i128.checked_pow(exponent)
}

/// Brings a decimal to another scale, rounding HALF_UP (away from zero). `None` on overflow.
pub fn rescale_half_up(unscaled: i128, from: i32, to: i32) -> Option<i128> {
    if unscaled == 0 {
        return Some(0);
    }
    if to >= from {
        let places = u32::try_from(to.checked_sub(from)?).ok()?;
        return unscaled.checked_mul(power_of_ten(places)?);
    }
    let Some(divisor) = power_of_ten(u32::try_from(from.checked_sub(to)?).ok()?) else { return Some(0) };
    let (quotient, rest) = (unscaled / divisor, unscaled % divisor);
    let up = rest.unsigned_abs() >= divisor.unsigned_abs().div_ceil(2);
    Some(if up { quotient + unscaled.signum() } else { quotient })
}

/// Appends `yyyy-MM-dd` of days since the epoch.
pub fn date(days: i32, out: &mut String) {
    let (year, month, day) = civil(i64::from(days));
    if (0..=9999).contains(&year) {
        let _ = write!(out, "{year:04}-{month:02}-{day:02}");
    } else {
        let _ = write!(out, "{}{:04}-{month:02}-{day:02}", if year < 0 { '-' } else { '+' }, year.unsigned_abs());
    }
}

/// Appends `HH:mm[:ss]`: `LocalTime` without its milliseconds, as ksqlDB casts TIME.
pub fn time(millis: i32, out: &mut String) {
    let seconds = millis / 1000;
    let _ = write!(out, "{:02}:{:02}", seconds / 3600, seconds / 60 % 60);
    if seconds % 60 != 0 {
        let _ = write!(out, ":{:02}", seconds % 60);
    }
}

/// Appends `yyyy-MM-dd'T'HH:mm:ss.SSS` in UTC of milliseconds since the epoch.
pub fn timestamp(millis: i64, out: &mut String) {
    let (days, rest) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
    date(i32::try_from(days).unwrap_or(if days < 0 { i32::MIN } else { i32::MAX }), out);
    let seconds = rest / 1000;
    let _ = write!(out, "T{:02}:{:02}:{:02}.{:03}", seconds / 3600, seconds / 60 % 60, seconds % 60, rest % 1000);
}

/// Year, month and day of a day number (proleptic Gregorian).
pub fn civil(days: i64) -> (i64, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month + 2) / 5 + 1) as u32;
    let month = if month < 10 { month + 3 } else { month - 9 } as u32;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Day number of a date, or `None` if there is no such day.
pub fn days_from_civil(year: i64, month: u32, day: u32) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if day == 0 || day > length {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month = i64::from(if month > 2 { month - 3 } else { month + 9 });
    let day_of_year = (153 * month + 2) / 5 + i64::from(day) - 1;
    Some(era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468)
}

/// Milliseconds since the epoch of a timestamp text, parts of which may be missing: `2020`, `2020-05`,
/// `2020-05-26T23:59`, `2020-05-26T23:59:58.123+0200`. Without a zone it is UTC.
pub fn parse_timestamp(text: &str) -> Option<i64> {
    let (date, rest) = match text.split_once('T') {
        Some((date, rest)) => (date, rest),
        None => (text, ""),
    };
    let days = parse_date_parts(date)?;
    let zone_at = rest.find(['+', '-', 'Z']).unwrap_or(rest.len());
    let (time, zone) = rest.split_at(zone_at);
    let millis = match time.strip_prefix("24") {
        _ if time.is_empty() => 0,
        // Hour 24 is midnight of the next day.
        Some(rest) => parse_time(&format!("00{rest}")).filter(|millis| *millis == 0).map(|_| 86_400_000)?,
        None => parse_time(time)?,
    };
    Some(days * 86_400_000 + i64::from(millis) - i64::from(parse_offset(zone)?) * 1000)
}

/// Days since the epoch of a date text, which may lack its day or month: `2020`, `2020-05`, `2020-05-26`.
pub fn parse_date(text: &str) -> Option<i32> {
    i32::try_from(parse_date_parts(text)?).ok()
}

fn parse_date_parts(text: &str) -> Option<i64> {
    let mut parts = text.splitn(3, '-');
    let year = fixed_digits(parts.next()?, 4)?;
    let month = parts.next().map_or(Some(1), |part| fixed_digits(part, 2))?;
    let day = parts.next().map_or(Some(1), |part| fixed_digits(part, 2))?;
    days_from_civil(i64::from(year), month, day)
}

/// Milliseconds of the day of `HH[:mm[:ss[.S…]]]`.
pub fn parse_time(text: &str) -> Option<i32> {
    let mut parts = text.splitn(3, ':');
    let hour = fixed_digits(parts.next()?, 2)?;
    let minute = parts.next().map_or(Some(0), |part| fixed_digits(part, 2))?;
    let (second, millis) = match parts.next() {
        None => (0, 0),
        Some(part) => match part.split_once('.') {
            None => (fixed_digits(part, 2)?, 0),
            Some((second, fraction)) => {
                let length = fraction.len();
                if length == 0 || length > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
                    return None;
                }
                let scaled: u32 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
                (fixed_digits(second, 2)?, scaled)
            }
        },
    };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    i32::try_from(((hour * 60 + minute) * 60 + second) * 1000 + millis).ok()
}

/// Seconds east of UTC of `Z`, `+1`, `+01`, `+0100`, `+01:00` or nothing.
pub fn parse_offset(text: &str) -> Option<i32> {
    let sign = match text.as_bytes().first() {
        None => return Some(0),
        Some(b'Z') if text.len() == 1 => return Some(0),
        Some(b'+') => 1,
        Some(b'-') => -1,
        Some(_) => return None,
    };
    let digits: String = text[1..].chars().filter(|c| *c != ':').collect();
    let (hours, minutes) = match digits.len() {
        1 => (fixed_digits(&digits, 1)?, 0),
        2 => (fixed_digits(&digits, 2)?, 0),
        4 => (fixed_digits(digits.get(..2)?, 2)?, fixed_digits(digits.get(2..)?, 2)?),
        _ => return None,
    };
    (hours <= 18 && minutes <= 59).then_some(sign * (hours as i32 * 3600 + minutes as i32 * 60))
}

fn fixed_digits(text: &str, length: usize) -> Option<u32> {
    (text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// Appends `ByteBuffer.toString`.
pub fn java_bytes(bytes: &[u8], out: &mut String) {
    let _ = write!(out, "java.nio.HeapByteBuffer[pos=0 lim={0} cap={0}]", bytes.len());
}

/// `String.compareTo`: by UTF-16 code unit, which differs from byte order only between surrogates and U+E000..U+FFFF.
pub fn java_compare(left: &str, right: &str) -> Ordering {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    match left.iter().zip(right).find(|(a, b)| a != b) {
        None => left.len().cmp(&right.len()),
        Some((a, b)) => {
            let surrogate = |byte: u8| byte >= 0xF0;
            match (surrogate(*a), surrogate(*b)) {
                (true, false) if *b >= 0xEE => Ordering::Less,
                (false, true) if *a >= 0xEE => Ordering::Greater,
                _ => a.cmp(b),
            }
        }
    }
}

/// `Double.compareTo`: -0.0 before 0.0, NaN above all, whatever its sign.
pub fn java_compare_doubles(left: f64, right: f64) -> Ordering {
    match (left.is_nan(), right.is_nan()) {
        (false, false) => left.total_cmp(&right),
        (left, right) => left.cmp(&right),
    }
}

/// `ByteBuffer.compareTo`: bytes have a sign.
pub fn java_compare_bytes(left: &[u8], right: &[u8]) -> Ordering {
    let signed = |byte: &u8| byte.cast_signed();
    left.iter().map(signed).cmp(right.iter().map(signed))
}

/// Fills `order` with the places of keys (second of each pair) in the order in which a `java.util.HashMap` made for just
/// these keys walks them. What folds over a map shows it.
pub fn java_map_order<'a>(keys: impl ExactSizeIterator<Item = &'a str>, order: &mut Vec<(usize, usize)>) {
    table_order(keys, 1, order);
}

/// As [`java_map_order`], of a map that was made empty and has grown since.
pub fn java_grown_map_order<'a>(keys: impl ExactSizeIterator<Item = &'a str>, order: &mut Vec<(usize, usize)>) {
    table_order(keys, 16, order);
}

/// The order in a table of at least `least` places, a power of two.
fn table_order<'a>(keys: impl ExactSizeIterator<Item = &'a str>, least: usize, order: &mut Vec<(usize, usize)>) {
    let count = keys.len();
    let table = count.next_power_of_two().max(least);
    // More than three quarters full: the table doubles.
    let table = if count * 4 > table * 3 { table * 2 } else { table };
    let bucket = |key: &str| {
        let hash = key.encode_utf16().fold(0_u32, |hash, unit| hash.wrapping_mul(31).wrapping_add(u32::from(unit)));
        (hash ^ (hash >> 16)) as usize & (table - 1)
    };
    order.clear();
    order.extend(keys.enumerate().map(|(i, key)| (bucket(key), i)));
    order.sort_unstable();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn double(value: f64) -> String {
        let mut out = String::new();
        java_double(value, &mut out);
        out
    }

    #[test]
    fn doubles_have_their_shortest_digits() {
        let mut bits = 1_u64;
        for _ in 0..100_000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let value = f64::from_bits(bits).abs();
            if value.is_finite() && value > 1e-300 {
                let mut text = String::new();
                java_double(value, &mut text);
                assert_eq!(parse_double(&text), Some(value));
                let digits =
                    format!("{value:e}").bytes().take_while(|byte| *byte != b'e').filter(u8::is_ascii_digit).count();
                assert_eq!(shortest(value).1, digits, "{text}");
            }
        }
    }

    #[test]
    fn doubles_are_written_as_java_does() {
        for (value, text) in [
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (1.0e10, "1.0E10"),
            (123_456_789.0, "1.23456789E8"),
            (1_234_567.0, "1234567.0"),
            (0.001, "0.001"),
            (0.000_123, "1.23E-4"),
            (5e-324, "4.9E-324"),
            // Two texts are as near: the even one.
            (7_554_280_482_433_281.0 / 4.0, "1.8885701206083202E15"),
            (2e23, "2.0E23"),
            (f64::MAX, "1.7976931348623157E308"),
            (0.1 + 0.2, "0.30000000000000004"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(double(value), text);
        }
    }

    #[test]
    fn doubles_are_read_as_java_does() {
        for (text, value) in [("1", 1.0), (" -2.5\t", -2.5), ("1e3", 1000.0), ("+.5", 0.5), ("3d", 3.0), ("2.F", 2.0)] {
            assert_eq!(parse_double(text), Some(value), "{text}");
        }
        assert!(parse_double("NaN").is_some_and(f64::is_nan));
        for text in ["", "x", "inf", "nan", "1 2", "--1", "e5", "."] {
            assert_eq!(parse_double(text), None, "{text}");
        }
    }

    #[test]
    fn decimals_keep_their_scale() {
        let text = |unscaled, scale| {
            let mut out = String::new();
            plain_decimal(unscaled, scale, &mut out);
            out
        };
        assert_eq!(text(0, 2), "0.00");
        assert_eq!(text(-5, 2), "-0.05");
        assert_eq!(text(12345, 2), "123.45");
        assert_eq!(text(7, 0), "7");
        assert_eq!(parse_decimal("-1.50e1"), Some((-150, 1)));
        assert_eq!(parse_decimal("1_0"), None);
        assert_eq!(rescale_half_up(-15, 1, 0), Some(-2));
        assert_eq!(rescale_half_up(99, 2, 1), Some(10));
    }

    #[test]
    fn timestamps_may_be_partial() {
        assert_eq!(parse_timestamp("1970"), Some(0));
        assert_eq!(parse_timestamp("1970-02"), Some(31 * 86_400_000));
        assert_eq!(parse_timestamp("1970-01-01T10:00+0100"), Some(9 * 3_600_000));
        assert_eq!(parse_timestamp("1970-01-01T00:00:00.010Z"), Some(10));
        assert_eq!(parse_timestamp("1970-01-01T24"), Some(86_400_000));
        assert_eq!(parse_timestamp("1970-01-01T24:01"), None);
        assert_eq!(parse_timestamp("1970-02-30"), None);
        assert_eq!(parse_timestamp("now"), None);
        let mut out = String::new();
        timestamp(-1, &mut out);
        assert_eq!(out, "1969-12-31T23:59:59.999");
        assert_eq!(parse_time("25:00"), None);
    }

    #[test]
    fn text_is_ordered_by_utf16_unit() {
        assert_eq!(java_compare("\u{1F600}", "\u{FFFD}"), Ordering::Less);
        assert_eq!(java_compare("a", "ab"), Ordering::Less);
        assert_eq!(java_compare("é", "z"), Ordering::Greater);
    }
}
