//! Numbers as the report has them: three digits that count.

/// Three significant digits, with a `k` or an `M` where that is shorter.
pub(crate) fn short(number: f64) -> String {
    let magnitude = number.abs();
    let (scaled, suffix) = if magnitude >= 999_500.0 {
        (number / 1e6, " M")
    } else if magnitude >= 9_995.0 {
        (number / 1e3, " k")
    } else {
        (number, "")
    };
    let digits = match scaled.abs() {
        0.0 => 0,
        small if small < 9.995 => 2,
        medium if medium < 99.95 => 1,
        _ => 0,
    };
    format!("{scaled:.digits$}{suffix}")
}

/// A ratio: two digits that count.
pub(crate) fn ratio(ratio: f64) -> String {
    match ratio {
        0.0 => "0".to_owned(),
        tiny if tiny < 0.001 => "< 0.001".to_owned(),
        tiny if tiny < 0.0995 => format!("{tiny:.3}"),
        small if small < 9.95 => format!("{small:.2}"),
        medium if medium < 99.5 => format!("{medium:.0}"),
        big => short(big),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits() {
        let numbers = [0.0, 1.234, 12.34, 123.4, 1234.0, 12_340.0, 1_234_000.0];
        let expected = ["0", "1.23", "12.3", "123", "1234", "12.3 k", "1.23 M"];
        assert_eq!(numbers.map(short), expected);
    }
}
