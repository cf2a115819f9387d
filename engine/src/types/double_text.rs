//! The digits of a double as `Double.toString` finds them before Java 19, which is what ksqlDB 8 runs on: enough to tell
//! the double from its neighbours, sometimes one more than needed (2^62 is `4.6116860184273879E18`).

use std::cmp::Ordering;
use std::f64::consts::LOG10_2;

/// Significant digits of a positive finite double.
pub(super) struct Digits {
    digits: [u8; 24],
    length: usize,
    /// Decimal exponent of the first digit.
    pub(super) exponent: i32,
}

impl Digits {
    fn new(exponent: i32) -> Self {
        Self { digits: [b'0'; 24], length: 0, exponent }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        self.digits.get(..self.length).unwrap_or_default()
    }

    fn push(&mut self, digit: u8) {
        if let Some(place) = self.digits.get_mut(self.length) {
            *place = b'0' + digit;
            self.length += 1;
        }
    }

    /// Adds one to the last digit.
    fn round_up(&mut self) {
        for digit in self.digits.iter_mut().take(self.length).rev() {
            if *digit < b'9' {
                *digit += 1;
                return;
            }
            *digit = b'0';
        }
        self.digits[0] = b'1';
        self.exponent += 1;
    }
}

/// A double taken apart: `fraction * 2^(exponent - 52)`, where the highest bit of 53 is set.
struct Parts {
    fraction: u64,
    exponent: i32,
    /// Bits of the fraction that a double this small has.
    precision: i32,
}

impl Parts {
    fn of(value: f64) -> Self {
        let bits = value.to_bits();
        let (fraction, exponent) = (bits & ((1 << 52) - 1), (bits >> 52 & 0x7ff) as i32);
        if exponent == 0 {
            let shift = fraction.leading_zeros() as i32 - 11;
            return Self { fraction: fraction << shift, exponent: 1 - shift - 1023, precision: 53 - shift };
        }
        Self { fraction: fraction | 1 << 52, exponent: exponent - 1023, precision: 53 }
    }
}

/// The digits of a positive finite double.
pub(super) fn digits(value: f64) -> Digits {
    let parts = Parts::of(value);
    let width = 53 - parts.fraction.trailing_zeros() as i32;
    // Bits behind the point.
    let behind = (width - parts.exponent - 1).max(0);
    if behind == 0 && parts.exponent <= 62 { whole(&parts) } else { fractional(&parts, width, behind) }
}

/// A whole number that 63 bits hold: digits below its precision are rounded away.
fn whole(parts: &Parts) -> Digits {
    let shift = parts.exponent - 52;
    let mut value = if shift >= 0 { parts.fraction << shift } else { parts.fraction >> -shift };
    let mut exponent = 0;
    let excess = parts.exponent - parts.precision - 1;
    if excess > 1 {
        let dropped = (1_u64 << excess).ilog10();
        let unit = 10_u64.pow(dropped);
        let rest = value % unit;
        value = value / unit + u64::from(dropped > 0 && rest >= unit / 2);
        exponent = dropped as i32;
    }
    while value.is_multiple_of(10) {
        value /= 10;
        exponent += 1;
    }
    let mut digits = Digits::new(exponent + value.ilog10() as i32);
    for place in (0..=value.ilog10()).rev() {
        digits.push((value / 10_u64.pow(place) % 10) as u8);
    }
    digits
}

/// Any other number: digit by digit, until what is left is less than half the distance to the next double.
fn fractional(parts: &Parts, width: i32, behind: i32) -> Digits {
    let unit = f64::from_bits(1023 << 52 | parts.fraction & ((1 << 52) - 1));
    let estimate = (unit - 1.5) * 0.289_529_654 + 0.176_091_259 + f64::from(parts.exponent) * LOG10_2;
    let exponent = estimate.floor() as i32;
    let value_fives = (-exponent).max(0);
    let scale_fives = exponent.max(0);
    let mut value_twos = value_fives + behind + parts.exponent;
    let mut scale_twos = scale_fives + behind;
    let mut half_twos = value_twos - parts.precision;
    value_twos -= width - 1;
    let common = value_twos.min(scale_twos);
    value_twos -= common;
    scale_twos -= common;
    // Below a power of two the next double is only half as far away.
    half_twos -= common + i32::from(width == 1);
    if half_twos < 0 {
        value_twos -= half_twos;
        scale_twos -= half_twos;
        half_twos = 0;
    }
    let fraction = parts.fraction >> (53 - width);
    let value_bits = width + value_twos + bits_of_five_to(value_fives);
    let scale_bits = scale_twos + 1 + bits_of_five_to(scale_fives + 1);
    if value_bits < 64 && scale_bits < 64 {
        let number = |factor: u64, fives: i32, twos: i32| {
            (u128::from(factor) * 5_u128.pow(fives.unsigned_abs())) << twos.unsigned_abs()
        };
        let scaled = Scaled {
            value: number(fraction, value_fives, value_twos),
            scale: number(1, scale_fives, scale_twos),
            half: number(1, value_fives, half_twos),
        };
        return scaled.digits(exponent, Ordering::Greater);
    }
    let scaled = Scaled {
        value: Big::of(fraction, value_fives, value_twos),
        scale: Big::of(1, scale_fives, scale_twos),
        half: Big::of(1, value_fives, half_twos),
    };
    scaled.digits(exponent, Ordering::Equal)
}

/// Bits of a power of five, from the 27th on about.
fn bits_of_five_to(exponent: i32) -> i32 {
    match exponent {
        0 => 0,
        1..27 => 5_u64.pow(exponent.unsigned_abs()).ilog2() as i32 + 1,
        _ => exponent * 3,
    }
}

/// A number as a fraction, `value / scale`, and half the distance to its neighbours, `half / scale`.
struct Scaled<N> {
    value: N,
    scale: N,
    half: N,
}

impl<N: Natural> Scaled<N> {
    /// `least` is how `value + half` has to compare with the next digit at least, to be rounded up to it.
    fn digits(mut self, exponent: i32, least: Ordering) -> Digits {
        let mut digits = Digits::new(exponent);
        let tens = self.scale.times_ten();
        let (mut low, mut high) = self.step(&tens, least, &mut digits);
        if digits.as_slice() == b"0" && !high {
            digits.length = 0;
            digits.exponent -= 1;
        }
        // With an exponent there are always two digits.
        if !(-3..8).contains(&digits.exponent) {
            (low, high) = (false, false);
        }
        while !low && !high {
            (low, high) = self.step(&tens, least, &mut digits);
        }
        let is_odd = digits.as_slice().last().is_some_and(|digit| digit % 2 == 1);
        let up = match (low, self.value.plus(&self.value).cmp(&tens)) {
            (false, _) | (true, Ordering::Greater) => high,
            (true, Ordering::Equal) => high && is_odd,
            (true, Ordering::Less) => false,
        };
        if up {
            digits.round_up();
        }
        digits
    }

    /// The next digit; whether the number is that near to what it says, or to the next one.
    fn step(&mut self, tens: &N, least: Ordering, digits: &mut Digits) -> (bool, bool) {
        digits.push(self.value.divide(&self.scale));
        self.value = self.value.times_ten();
        self.half = self.half.times_ten();
        (self.value < self.half, self.value.plus(&self.half).cmp(tens) >= least)
    }
}

/// What the digits are made with.
trait Natural: Ord + Sized {
    fn times_ten(&self) -> Self;
    fn plus(&self, other: &Self) -> Self;
    /// The quotient, which is a digit; the rest stays.
    fn divide(&mut self, divisor: &Self) -> u8;
}

impl Natural for u128 {
    fn times_ten(&self) -> Self {
        self * 10
    }

    fn plus(&self, other: &Self) -> Self {
        self + other
    }

    fn divide(&mut self, divisor: &Self) -> u8 {
        let quotient = (*self / divisor) as u8;
        *self %= divisor;
        quotient
    }
}

/// A large number, its lowest 64 bits first.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Big([u64; Big::LIMBS]);

impl Big {
    /// The smallest and the largest doubles take less than 1200 bits.
    const LIMBS: usize = 20;

    /// `factor * 5^fives * 2^twos`
    fn of(factor: u64, fives: i32, twos: i32) -> Self {
        let mut number = Self([0; Self::LIMBS]);
        number.0[0] = factor;
        let mut left = fives.unsigned_abs();
        while left > 0 {
            let now = left.min(27);
            number = number.times(5_u64.pow(now));
            left -= now;
        }
        let (limbs, bits) = ((twos / 64).unsigned_abs() as usize, (twos % 64).unsigned_abs());
        number = number.times(1 << bits);
        number.0.rotate_right(limbs);
        number
    }

    fn times(&self, factor: u64) -> Self {
        let (mut result, mut carry) = (*self, 0);
        for limb in &mut result.0 {
            let product = u128::from(*limb) * u128::from(factor) + carry;
            *limb = product as u64;
            carry = product >> 64;
        }
        result
    }
}

impl Ord for Big {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.iter().rev().cmp(other.0.iter().rev())
    }
}

impl PartialOrd for Big {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Natural for Big {
    fn times_ten(&self) -> Self {
        self.times(10)
    }

    fn plus(&self, other: &Self) -> Self {
        let (mut result, mut carry) = (*self, 0);
        for (limb, other) in result.0.iter_mut().zip(other.0) {
            let sum = u128::from(*limb) + u128::from(other) + carry;
            *limb = sum as u64;
            carry = sum >> 64;
        }
        result
    }

    fn divide(&mut self, divisor: &Self) -> u8 {
        let mut quotient = 0;
        while *self >= *divisor {
            let mut borrow = false;
            for (limb, other) in self.0.iter_mut().zip(divisor.0) {
                let (less, first) = limb.overflowing_sub(other);
                let (less, second) = less.overflowing_sub(u64::from(borrow));
                *limb = less;
                borrow = first || second;
            }
            quotient += 1;
        }
        quotient
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::text::java_double;

    fn text(value: f64) -> String {
        let mut out = String::new();
        java_double(value, &mut out);
        out
    }

    #[test]
    fn digits_are_those_of_java_17() {
        for (value, expected) in [
            (4_611_686_018_427_387_904.0, "4.6116860184273879E18"),
            (9_223_372_036_854_775_808.0, "9.223372036854776E18"),
            (2_f64.powi(60), "1.15292150460684698E18"),
            (9_007_199_254_740_993.0, "9.007199254740992E15"),
            (2_f64.powi(-44), "5.6843418860808015E-14"),
            (2_f64.powi(-45), "2.8421709430404007E-14"),
            (2_f64.powi(-52), "2.220446049250313E-16"),
            (f64::MIN_POSITIVE, "2.2250738585072014E-308"),
            (f64::from_bits(1), "4.9E-324"),
            (f64::MAX, "1.7976931348623157E308"),
            (2e-3, "0.002"),
            (1e-5, "1.0E-5"),
            (0.1 + 0.2, "0.30000000000000004"),
            (100.0 / 3.0, "33.333333333333336"),
            (1e21, "1.0E21"),
            (123_456_789_012_345_680.0, "1.2345678901234568E17"),
        ] {
            assert_eq!(text(value), expected);
        }
    }

    #[test]
    fn texts_read_back_as_the_same_double() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut longer = 0;
        for i in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let value = match i % 4 {
                0 => f64::from_bits(state >> 1),
                1 => (state >> 11) as f64 / 1000.0,
                2 => (state >> 40) as f64 / 100.0,
                _ => (state >> 1) as f64,
            };
            if !value.is_finite() || value == 0.0 {
                continue;
            }
            assert_eq!(text(value).parse(), Ok(value), "{value:e}");
            let shortest = format!("{value:e}").find('e').unwrap_or(0);
            let found = digits(value);
            assert!(found.length <= 18, "{value:e}");
            longer += usize::from(i % 4 != 3 && found.length + 1 > shortest.max(3));
        }
        assert!(longer < 1000, "{longer} are longer than need be");
    }
}
