//! Medians, percentiles, and how figures are printed.

use std::time::Duration;

/// The middle value (the lower one of two); 0 of none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
        .get(sorted.len().saturating_sub(1) / 2)
        .copied()
        .unwrap_or_default()
}

/// The value below which `percent` of the sorted values lie, in milliseconds; values in microseconds.
pub(crate) fn percentile_ms(sorted_us: &[u32], percent: f64) -> f64 {
    let rank = (percent / 100.0 * sorted_us.len() as f64).ceil() as usize;
    let value = sorted_us
        .get(rank.clamp(1, sorted_us.len().max(1)) - 1)
        .copied();
    f64::from(value.unwrap_or_default()) / 1000.0
}

/// Microseconds of CPU time per unit of work.
pub(crate) fn micros_each(cpu: Duration, count: u64) -> f64 {
    cpu.as_secs_f64() * 1e6 / (count.max(1)) as f64
}

/// `12345.6` → `12,346`.
pub(crate) fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_percentiles_and_groups() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0]), 1.0);
        assert_eq!(median(&[]), 0.0);
        let sorted: Vec<u32> = (1..=1000).map(|n| n * 1000).collect();
        assert_eq!(percentile_ms(&sorted, 50.0), 500.0);
        assert_eq!(percentile_ms(&sorted, 99.0), 990.0);
        assert_eq!(percentile_ms(&[], 99.0), 0.0);
        assert_eq!(grouped(1_234_567.8), "1,234,568");
        assert_eq!(grouped(999.0), "999");
        assert_eq!(micros_each(Duration::from_secs(1), 1_000_000), 1.0);
    }
}
