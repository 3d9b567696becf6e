//! A length of time in minutes or seconds, as somebody types it.

use std::time::Duration;

/// More than any mount lives.
const MAX_MINUTES: f64 = 525_600.0;

/// `10`, `0.5`: minutes.
pub(super) fn minutes(text: &str) -> Result<Duration, String> {
    let minutes: f64 =
        text.parse().map_err(|_| "a number of minutes is needed, such as 10 or 0.5".to_owned())?;
    if minutes > 0.0 && minutes <= MAX_MINUTES {
        Ok(Duration::from_secs_f64(minutes * 60.0))
    } else {
        Err("a year is the longest, and more than nothing the shortest".to_owned())
    }
}

/// The same as it is typed.
pub(super) fn to_text(time: Duration) -> String {
    (time.as_secs_f64() / 60.0).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_and_nonsense() {
        assert_eq!(minutes("10"), Ok(Duration::from_secs(600)));
        assert_eq!(minutes("0.05"), Ok(Duration::from_secs(3)));
        for text in ["0", "-1", "soon", "NaN", "inf", "1e9", ""] {
            assert!(minutes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn there_and_back() {
        for text in ["10", "0.5", "0.05"] {
            assert_eq!(to_text(minutes(text).expect("a time")), text);
        }
    }
}
