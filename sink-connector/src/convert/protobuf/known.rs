//! Messages that have a type of their own in Connect: Timestamp, Date, TimeOfDay, Decimal.
//!
//! In: the name of a message's schema, and the message. Out: its value. Fails as the Java classes do that the original
//! hands the parts to, when they name no time, no day, no number.

use sluiceway_schemas::protobuf::DynamicMessage;

use crate::error::Exception;
use crate::value::{Decimal, Value, logical};

const ILLEGAL_ARGUMENT: &str = "java.lang.IllegalArgumentException";

/// Parts of a TimeOfDay: its field, Java's name of it, the last valid value.
const TIME_PARTS: [(&str, &str, i64); 4] = [
    ("hours", "HourOfDay", 23),
    ("minutes", "MinuteOfHour", 59),
    ("seconds", "SecondOfMinute", 59),
    ("nanos", "NanoOfSecond", 999_999_999),
];

/// The value of `message`, whose schema is called `name`; `None` when it is a message like any other.
pub(super) fn read(
    name: Option<&str>,
    message: &DynamicMessage,
) -> Option<Result<Value, Exception>> {
    let part = |name| part(message, name);
    Some(match name? {
        logical::TIMESTAMP => timestamp(part("seconds"), part("nanos")).map(Value::Timestamp),
        logical::TIME => time(message).map(Value::Time),
        logical::DATE => date(part("year"), part("month"), part("day")).map(Value::Date),
        logical::DECIMAL => decimal(message).map(Value::Decimal),
        _ => return None,
    })
}

/// A whole number of the message; 0 when it is not set.
fn part(message: &DynamicMessage, name: &str) -> i64 {
    message
        .get_field_by_name(name)
        .and_then(|value| value.as_i64().or_else(|| value.as_i32().map(i64::from)))
        .unwrap_or(0)
}

/// Milliseconds of the epoch; parts of them are cut off.
fn timestamp(seconds: i64, nanos: i64) -> Result<i64, Exception> {
    let years_1_to_9999 = -62_135_596_800..=253_402_300_799;
    if !years_1_to_9999.contains(&seconds) || !(0..=999_999_999).contains(&nanos) {
        let message = format!(
            "Timestamp is not valid. See proto definition for valid values. Seconds ({seconds}) must be in range \
             [-62,135,596,800, +253,402,300,799]. Nanos ({nanos}) must be in range [0, +999,999,999]."
        );
        return Err(Exception::new(ILLEGAL_ARGUMENT, message));
    }
    Ok(seconds * 1000 + nanos / 1_000_000)
}

/// Milliseconds since midnight.
fn time(message: &DynamicMessage) -> Result<i32, Exception> {
    let mut parts = [0; 4];
    for (value, (field, name, last)) in parts.iter_mut().zip(TIME_PARTS) {
        *value = part(message, field);
        if !(0..=last).contains(value) {
            let message = format!("Invalid value for {name} (valid values 0 - {last}): {value}");
            return Err(Exception::new("java.time.DateTimeException", message));
        }
    }
    let [hours, minutes, seconds, nanos] = parts;
    Ok((((hours * 60 + minutes) * 60 + seconds) * 1000 + nanos / 1_000_000) as i32)
}

/// Days of the epoch. A part that no calendar has is told by its name; a day behind the end of its month would be in
/// the next one, which Java counts from 0.
fn date(year: i64, month: i64, day: i64) -> Result<i32, Exception> {
    let wrong = |what: String| Err(Exception::new(ILLEGAL_ARGUMENT, what));
    if year < 1 {
        return wrong("YEAR".to_owned());
    }
    if !(1..=12).contains(&month) {
        return wrong("MONTH".to_owned());
    }
    if !(1..=31).contains(&day) {
        return wrong("DAY_OF_MONTH".to_owned());
    }
    let found = epoch_day(year, month, day);
    if found >= epoch_day(year + month / 12, month % 12 + 1, 1) {
        return wrong(format!("MONTH: {} -> {month}", month - 1));
    }
    Ok(found)
}

/// Days since 1970-01-01 of the proleptic Gregorian calendar.
fn epoch_day(year: i64, month: i64, day: i64) -> i32 {
    // Years are counted from March, so that the leap day is the last of its year.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    (era * 146_097 + days - 719_468) as i32
}

/// A decimal with the scale that the message tells. The encoders refuse it when its schema has another.
fn decimal(message: &DynamicMessage) -> Result<Decimal, Exception> {
    let bytes = message.get_field_by_name("value");
    let bytes = bytes.and_then(|value| value.as_bytes().map(|bytes| bytes.to_vec()));
    let unscaled = bytes.filter(|bytes| !bytes.is_empty()).ok_or_else(|| {
        Exception::new("java.lang.NumberFormatException", "Zero length BigInteger")
    })?;
    Ok(Decimal::new(unscaled, part(message, "scale") as i32))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn days_of_the_epoch() {
        assert_eq!(date(1970, 1, 1).unwrap(), 0);
        assert_eq!(date(2024, 2, 29).unwrap(), 19_782);
        assert_eq!(date(1969, 12, 31).unwrap(), -1);
    }

    #[test]
    fn days_that_no_calendar_has_are_refused() {
        for ((year, month, day), text) in [
            ((0, 1, 1), "YEAR"),
            ((2024, 0, 0), "MONTH"),
            ((2024, 13, 1), "MONTH"),
            ((2024, 5, 0), "DAY_OF_MONTH"),
            ((2023, 2, 29), "MONTH: 1 -> 2"),
            ((2024, 11, 31), "MONTH: 10 -> 11"),
        ] {
            let error = date(year, month, day).unwrap_err();
            assert_eq!(
                (error.class, error.message.as_str()),
                (ILLEGAL_ARGUMENT, text)
            );
        }
    }

    #[test]
    fn a_timestamp_lies_in_the_years_1_to_9999() {
        assert_eq!(timestamp(-1, 1_999_999).unwrap(), -999);
        assert!(timestamp(253_402_300_800, 0).is_err());
        let error = timestamp(0, -1).unwrap_err();
        assert!(error.message.contains("Seconds (0) must") && error.message.contains("Nanos (-1)"));
    }
}
