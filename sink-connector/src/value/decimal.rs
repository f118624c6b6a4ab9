//! Decimal numbers of any size: Java's `BigDecimal`.

use std::fmt;

/// `unscaled × 10^-scale`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal {
    /// The unscaled integer, two's complement, big endian (`BigInteger.toByteArray`). Empty is zero.
    unscaled: Vec<u8>,
    scale: i32,
}

impl Decimal {
    /// A decimal from the unscaled integer's two's complement bytes.
    pub fn new(unscaled: impl Into<Vec<u8>>, scale: i32) -> Self {
        Self {
            unscaled: unscaled.into(),
            scale,
        }
    }

    /// The decimal that a JSON number's text writes, as `new BigDecimal(text)` reads it: `1.50` has scale 2, `1e3`
    /// scale -3. `None` for a text that is no number or an exponent beyond 32 bits.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let scale = i32::try_from(i64::try_from(fraction.len()).ok()? - exponent).ok()?;
        let mut magnitude = Vec::new();
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        for digit in whole.bytes().chain(fraction.bytes()) {
            if !digit.is_ascii_digit() {
                return None;
            }
            multiply_add(&mut magnitude, digit - b'0');
        }
        Some(Self {
            unscaled: to_twos_complement(&magnitude, negative),
            scale,
        })
    }

    /// Two's complement bytes of the unscaled integer, big endian.
    pub fn unscaled(&self) -> &[u8] {
        &self.unscaled
    }

    /// Digits after the point.
    pub fn scale(&self) -> i32 {
        self.scale
    }

    /// The value as a 64-bit integer; `None` when it has a fraction or is too large.
    pub fn exact_i64(&self) -> Option<i64> {
        let (digits, negative) = self.digits();
        let whole = match usize::try_from(self.scale) {
            Ok(scale) => {
                let cut = digits.len().saturating_sub(scale);
                let (whole, fraction) = digits.split_at(cut);
                if fraction.bytes().any(|digit| digit != b'0') {
                    return None;
                }
                whole.to_owned()
            }
            Err(_) if digits == "0" => digits,
            Err(_) => {
                let zeros = usize::try_from(-i64::from(self.scale)).ok()?;
                if zeros > 19 {
                    return None;
                }
                digits + &"0".repeat(zeros)
            }
        };
        let sign = if negative { "-" } else { "" };
        match whole.as_str() {
            "" => Some(0),
            whole => format!("{sign}{whole}").parse().ok(),
        }
    }

    /// The low 64 bits of the whole part, as Java's `BigDecimal.longValue` gives them.
    pub fn low_64_bits(&self) -> i64 {
        let (digits, negative) = self.digits();
        let whole = usize::try_from(
            i64::try_from(digits.len()).unwrap_or(i64::MAX) - i64::from(self.scale),
        )
        .unwrap_or(0);
        // Ten has a factor two, so 64 further digits leave nothing in the low 64 bits.
        if whole > digits.len() + 64 {
            return 0;
        }
        let digits = digits.bytes().chain(std::iter::repeat(b'0')).take(whole);
        let low = digits.fold(0u64, |sum, digit| {
            sum.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'))
        });
        if negative {
            low.wrapping_neg() as i64
        } else {
            low as i64
        }
    }

    /// Digits of the unscaled integer's absolute value, and whether it is negative.
    fn digits(&self) -> (String, bool) {
        let negative = self.unscaled.first().is_some_and(|byte| byte & 0x80 != 0);
        let mut magnitude = self.unscaled.clone();
        if negative {
            negate(&mut magnitude);
        }
        (to_decimal_digits(magnitude), negative)
    }
}

impl fmt::Display for Decimal {
    /// `BigDecimal.toString`: plain while the scale is not negative and the first digit is at most six places behind
    /// the point, else with an exponent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (digits, negative) = self.digits();
        if negative {
            f.write_str("-")?;
        }
        if self.scale == 0 {
            return f.write_str(&digits);
        }
        let length = i64::try_from(digits.len()).map_err(|_| fmt::Error)?;
        let adjusted = length - 1 - i64::from(self.scale);
        if self.scale < 0 || adjusted < -6 {
            return scientific(f, &digits, adjusted);
        }
        let point = length - i64::from(self.scale);
        match usize::try_from(point) {
            Ok(point) if point > 0 => {
                let (whole, fraction) = digits.split_at(point);
                write!(f, "{whole}.{fraction}")
            }
            _ => write!(
                f,
                "0.{:0>width$}",
                digits,
                width = usize::try_from(self.scale).unwrap_or(0)
            ),
        }
    }
}

fn scientific(f: &mut fmt::Formatter<'_>, digits: &str, adjusted: i64) -> fmt::Result {
    let (first, rest) = digits.split_at(1);
    f.write_str(first)?;
    if !rest.is_empty() {
        write!(f, ".{rest}")?;
    }
    match adjusted {
        0 => Ok(()),
        _ => write!(f, "E{adjusted:+}"),
    }
}

/// `magnitude = magnitude * 10 + digit`, big endian, no sign.
fn multiply_add(magnitude: &mut Vec<u8>, digit: u8) {
    let mut carry = u16::from(digit);
    for byte in magnitude.iter_mut().rev() {
        let value = u16::from(*byte) * 10 + carry;
        *byte = (value & 0xff) as u8;
        carry = value >> 8;
    }
    if carry > 0 {
        magnitude.insert(0, carry as u8);
    }
}

fn to_twos_complement(magnitude: &[u8], negative: bool) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(magnitude.len() + 1);
    bytes.push(0);
    bytes.extend_from_slice(magnitude);
    if negative {
        negate(&mut bytes);
    }
    // The shortest form, as BigInteger.toByteArray: no byte that only repeats the sign.
    let redundant = |bytes: &[u8]| match bytes {
        [0x00, next, ..] => next & 0x80 == 0,
        [0xff, next, ..] => next & 0x80 != 0,
        _ => false,
    };
    let mut start = 0;
    while redundant(&bytes[start..]) {
        start += 1;
    }
    bytes.split_off(start)
}

/// Two's complement negation in place.
fn negate(bytes: &mut [u8]) {
    let mut carry = true;
    for byte in bytes.iter_mut().rev() {
        let (value, overflow) = (!*byte).overflowing_add(u8::from(carry));
        *byte = value;
        carry = overflow;
    }
}

/// Decimal digits of a big-endian magnitude; `0` for zero.
fn to_decimal_digits(mut magnitude: Vec<u8>) -> String {
    let mut groups = Vec::new();
    while magnitude.iter().any(|&byte| byte != 0) {
        let mut remainder = 0u64;
        for byte in &mut magnitude {
            let value = (remainder << 8) | u64::from(*byte);
            *byte = (value / 1_000_000_000) as u8;
            remainder = value % 1_000_000_000;
        }
        groups.push(remainder);
    }
    let mut digits = groups.pop().unwrap_or(0).to_string();
    for group in groups.iter().rev() {
        digits.push_str(&format!("{group:09}"));
    }
    digits
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn prints_as_big_decimal_does() {
        for (unscaled, scale, text) in [
            (&[0x04, 0xd2][..], 2, "12.34"),
            (&[0x00][..], 2, "0.00"),
            (&[][..], 0, "0"),
            (&[0x4d][..], 0, "77"),
            (&[0xff][..], 3, "-0.001"),
            (&[0x80][..], 0, "-128"),
            (&[0x0c][..], -2, "1.2E+3"),
            (&[0x01][..], 8, "1E-8"),
            (&[0x00][..], 8, "0E-8"),
            (&[0x01][..], 6, "0.000001"),
            (
                &[0x01, 0, 0, 0, 0, 0, 0, 0, 0][..],
                0,
                "18446744073709551616",
            ),
            (
                &[0x0d, 0xe0, 0xb6, 0xb3, 0xa7, 0x64, 0x00, 0x00][..],
                18,
                "1.000000000000000000",
            ),
        ] {
            assert_eq!(Decimal::new(unscaled, scale).to_string(), text);
        }
    }

    #[test]
    fn the_whole_part_wraps_at_64_bits() {
        for (text, low) in [
            ("2.9", 2),
            ("-2.9", -2),
            ("0.5", 0),
            ("1e3", 1000),
            ("1e400", 0),
            ("18446744073709551617.5", 1),
            ("1e-400", 0),
        ] {
            assert_eq!(Decimal::parse(text).unwrap().low_64_bits(), low, "{text}");
        }
    }

    #[test]
    fn parses_what_it_prints() {
        for text in [
            "12.34",
            "0.00",
            "77",
            "-0.001",
            "-128",
            "1E-8",
            "1.2E+3",
            "128",
            "-129",
            "340282366920938463463374607431768211456",
        ] {
            let decimal = Decimal::parse(text).unwrap();
            assert_eq!(decimal.to_string(), text);
            assert_eq!(Decimal::new(decimal.unscaled(), decimal.scale()), decimal);
        }
        assert_eq!(Decimal::parse("128").unwrap().unscaled(), [0x00, 0x80]);
        assert_eq!(Decimal::parse("-128").unwrap().unscaled(), [0x80]);
        assert_eq!(Decimal::parse("1.50").unwrap().scale(), 2);
        for bad in ["", "-", "a", "1e", "1e99999999999"] {
            assert_eq!(Decimal::parse(bad), None, "{bad}");
        }
    }
}
