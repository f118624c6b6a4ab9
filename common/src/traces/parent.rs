//! W3C Trace Context's `traceparent`: `00-<32 hexadecimal digits>-<16>-<2>`.

use std::fmt;

/// The trace and the span that something is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceParent {
    /// The trace.
    pub trace_id: u128,
    /// The span.
    pub span_id: u64,
    /// Whether the trace is recorded.
    pub sampled: bool,
}

impl TraceParent {
    /// The header's and the record header's name.
    pub const NAME: &'static str = "traceparent";

    /// Reads one. `None` for what is not as the specification has it; ids of zeros only are none. Later versions may have
    /// more behind the flags.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let mut next = |length| {
            let part = parts.next().filter(|part| part.len() == length)?;
            let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            part.bytes().all(hex).then_some(part)
        };
        let (version, trace, span, flags) = (next(2)?, next(32)?, next(16)?, next(2)?);
        let trace_id = u128::from_str_radix(trace, 16).ok()?;
        let span_id = u64::from_str_radix(span, 16).ok()?;
        let flags = u8::from_str_radix(flags, 16).ok()?;
        let ends = version != "00" || parts.next().is_none();
        (version != "ff" && trace_id != 0 && span_id != 0 && ends).then_some(Self {
            trace_id,
            span_id,
            sampled: flags & 1 == 1,
        })
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            trace_id, span_id, ..
        } = self;
        write!(
            f,
            "00-{trace_id:032x}-{span_id:016x}-{:02x}",
            u8::from(self.sampled)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn written_as_read() {
        for text in [GOOD, &GOOD.replace("-01", "-00")] {
            assert_eq!(
                TraceParent::parse(text).map(|p| p.to_string()).as_deref(),
                Some(text)
            );
        }
        let newer = TraceParent::parse(&format!("cc{}-more", &GOOD[2..]));
        assert_eq!(newer, TraceParent::parse(GOOD));
        assert!(newer.is_some_and(|parent| parent.sampled));
    }

    #[test]
    fn nothing_but_the_form() {
        for wrong in [
            "",
            "00",
            &GOOD[..54],
            &format!("{GOOD}-more"),
            &format!("ff{}", &GOOD[2..]),
            &GOOD.to_uppercase(),
            &GOOD.replace("00f067aa0ba902b7", "0000000000000000"),
            &GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &GOOD.replace("4bf9", "+bf9"),
        ] {
            assert_eq!(TraceParent::parse(wrong), None, "{wrong}");
        }
    }
}
