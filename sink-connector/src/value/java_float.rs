//! Large whole numbers of type float and double as Java before 19 prints them: all digits of the number but those that lie
//! below the type's precision, where other numbers get the fewest digits that tell them from their neighbours.

/// Precision in bits.
pub(crate) const FLOAT_BITS: u32 = 24;
/// Precision in bits.
pub(crate) const DOUBLE_BITS: u32 = 53;

/// Decimal digits that so many bits below the precision make up.
const DIGITS: [u32; 63] = [
    0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6, 6, 7, 7, 7, 8, 8, 8, 9, 9,
    9, 9, 10, 10, 10, 11, 11, 11, 12, 12, 12, 12, 13, 13, 13, 14, 14, 14, 15, 15, 15, 15, 16, 16,
    16, 17, 17, 17, 18, 18, 18,
];

/// `9.0071993E15` for a whole number from ten million up to 2^63, of a type with `bits` of precision. `None` for others.
pub(crate) fn whole(value: f64, bits: u32) -> Option<String> {
    let magnitude = value.abs();
    if magnitude.fract() != 0.0 || !(1e7..9_223_372_036_854_775_808.0).contains(&magnitude) {
        return None;
    }
    let number = magnitude as u64;
    let below = (number.ilog2()).saturating_sub(bits + 1);
    let dropped = DIGITS.get(below as usize).copied().unwrap_or(0);
    let power = 10_u64.pow(dropped);
    let up = dropped > 0 && number % power >= power / 2;
    let digits = (number / power + u64::from(up)).to_string();
    let exponent = digits.len() - 1 + dropped as usize;
    let digits = digits.trim_end_matches('0');
    let sign = if value < 0.0 { "-" } else { "" };
    let rest = match &digits[1..] {
        "" => "0",
        rest => rest,
    };
    Some(format!("{sign}{}.{rest}E{exponent}", &digits[..1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first two as recorded.
    #[test]
    fn large_whole_numbers_have_javas_digits() {
        let float = |value: f32| whole(f64::from(value), FLOAT_BITS);
        for (value, text) in [
            (9_007_199_254_740_993.0, "9.0071993E15"),
            (1_700_000_000_000.0, "1.70000004E12"),
            (16_777_216.0, "1.6777216E7"),
            (-123_456_790.0, "-1.23456792E8"),
            (1e10, "1.0E10"),
        ] {
            assert_eq!(float(value).as_deref(), Some(text));
        }
        let double = |value: f64| whole(value, DOUBLE_BITS);
        assert_eq!(double(12_345_678.0).as_deref(), Some("1.2345678E7"));
        assert_eq!(
            double(123_456_789_012_345_678.0).as_deref(),
            Some("1.2345678901234568E17")
        );
        assert_eq!(
            double(1_234_567_890_123_456_789.0).as_deref(),
            Some("1.23456789012345677E18")
        );
        assert_eq!(
            (
                double(1e20),
                double(9_999_999.0),
                double(10_000_000.5),
                float(f32::MAX)
            ),
            (None, None, None, None)
        );
    }
}
