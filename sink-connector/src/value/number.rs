//! Numbers of schemaless JSON, their text kept.

/// A JSON number as it was written (leading zeros removed). Connect would hold a `Long` or a `Double`; what those
/// would be is asked for with [`Number::as_i64`] and [`Number::as_f64`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number(Box<str>);

impl Number {
    /// Wraps the text of a valid JSON number, or `NaN`, `Infinity`, `-Infinity`.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is neither a fraction nor an exponent: Connect makes a `Long` of it, else a `Double`.
    pub fn is_integer(&self) -> bool {
        let fraction = |byte| matches!(byte, b'.' | b'e' | b'E');
        self.0.ends_with(|c: char| c.is_ascii_digit()) && !self.0.bytes().any(fraction)
    }

    /// The `long` that Java's `BigInteger.longValue` gives: the low 64 bits. A fraction is cut toward zero and
    /// saturates.
    pub fn as_i64(&self) -> i64 {
        if !self.is_integer() {
            return self.as_f64() as i64;
        }
        let (negative, digits) = match self.0.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, &*self.0),
        };
        let low = digits.bytes().fold(0u64, |sum, digit| {
            sum.wrapping_mul(10).wrapping_add(u64::from(digit & 0x0f))
        });
        if negative {
            low.wrapping_neg() as i64
        } else {
            low as i64
        }
    }

    /// The nearest `double`; infinite beyond the range.
    pub fn as_f64(&self) -> f64 {
        // A JSON number is always one that Rust reads.
        self.0.parse().unwrap_or(f64::NAN)
    }
}

/// A float as Java's `Float.parseFloat` and `Double.parseDouble` read it: blanks round it and a letter `f` or `d` behind
/// it are passed over; `NaN` and `Infinity` are written so and not otherwise.
///
/// # Errors
/// The message of Java's `NumberFormatException`.
pub fn number_from_text<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    let trimmed = text.trim_matches(|c: char| c <= ' ');
    if trimmed.is_empty() {
        return Err("empty String".to_owned());
    }
    let unsigned = trimmed.strip_prefix(['+', '-']).unwrap_or(trimmed);
    let number = match trimmed.strip_suffix(['f', 'F', 'd', 'D']) {
        Some(number) if number.ends_with(|c: char| c.is_ascii_digit() || c == '.') => number,
        _ => trimmed,
    };
    let digits = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    let parsed = if matches!(unsigned, "NaN" | "Infinity") {
        trimmed.parse().ok()
    } else {
        Some(number)
            .filter(|number| number.chars().all(digits))
            .and_then(|number| number.parse().ok())
    };
    parsed.ok_or_else(|| format!("For input string: \"{trimmed}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_wrap_at_64_bits_as_java_does() {
        for (text, long) in [
            ("12345678901234567890", -6101065172474983726),
            ("9223372036854775808", i64::MIN),
            ("-9223372036854775809", i64::MAX),
            ("-0", 0),
            ("42", 42),
        ] {
            assert_eq!(Number::new(text).as_i64(), long, "{text}");
        }
    }

    #[test]
    fn fractions_are_doubles() {
        let number = Number::new("1e400");
        assert!(!number.is_integer());
        assert_eq!(number.as_f64(), f64::INFINITY);
        assert_eq!(Number::new("2.9").as_i64(), 2);
    }
}
