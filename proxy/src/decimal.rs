//! Numbers as text, appended to a buffer without an allocation.

/// Appends a number.
pub(crate) fn append(out: &mut Vec<u8>, number: i64) {
    let mut digits = [0_u8; 20];
    let (mut at, mut rest) = (digits.len(), number.unsigned_abs());
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn numbers() {
        for number in [0, 7, 10, -1, i64::MAX, i64::MIN, 1_234_567_890] {
            let mut out = Vec::new();
            append(&mut out, number);
            assert_eq!(String::from_utf8(out).unwrap(), number.to_string());
        }
    }
}
