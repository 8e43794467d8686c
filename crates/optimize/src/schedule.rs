//! The learning rate, step by step.

use crate::setting::{SettingError, check, from_0};

/// Linear warm-up to a peak, then linear decay to 0.
///
/// | Name | Purpose | Range |
/// |---|---|---|
/// | `peak` | learning rate at the end of the warm-up | from 0 |
/// | `steps` | optimizer steps in all | any |
/// | `warmup_ratio` | share of the steps that warms up | 0 to 1 |
///
/// Source: transformers' `get_linear_schedule_with_warmup`; the warm-up is the whole part of
/// `steps * warmup_ratio`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearSchedule {
    peak: f64,
    warmup: usize,
    steps: usize,
}

impl LinearSchedule {
    /// Plans `steps` optimizer steps, of which the first `warmup_ratio` warm up.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for the first number that is out of its range.
    pub fn new(peak: f64, steps: usize, warmup_ratio: f64) -> Result<Self, SettingError> {
        from_0("learning rate", peak)?;
        check("warmup ratio", warmup_ratio, "0 to 1", |x| {
            (0.0..=1.0).contains(&x)
        })?;
        // Rounding may bring it above the steps where there are more than a float counts.
        let warmup = ((steps as f64 * warmup_ratio) as usize).min(steps);
        Ok(Self {
            peak,
            warmup,
            steps,
        })
    }

    /// The learning rate of a step, the first being 0.
    pub fn learning_rate(&self, step: usize) -> f64 {
        let factor = if step < self.warmup {
            step as f64 / self.warmup as f64
        } else {
            let left = self.steps.saturating_sub(step) as f64;
            left / (self.steps - self.warmup).max(1) as f64
        };
        self.peak * factor
    }
}

/// Linear warm-up to a peak, the peak for most of the run, then linear decay to 0.
///
/// A run can be extended beyond its planned end, since nothing before the decay depends on the number of
/// steps.
///
/// Source: Hu et al. (2024), arXiv:2404.06395, section 4.2, with a linear decay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StableSchedule(StableScheduleConfig);

/// The numbers of a [`StableSchedule`]: `peak` is from 0, `warmup` and `decay` together are at most `steps`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StableScheduleConfig {
    /// Learning rate between warm-up and decay.
    pub peak: f64,
    /// Steps of the warm-up.
    pub warmup: usize,
    /// Steps in all.
    pub steps: usize,
    /// Steps of the decay, the last ones.
    pub decay: usize,
}

impl StableSchedule {
    /// Plans the steps.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for the first number that is out of its range.
    pub fn new(config: StableScheduleConfig) -> Result<Self, SettingError> {
        from_0("learning rate", config.peak)?;
        let flanks = config.warmup.saturating_add(config.decay);
        let accepted = "at most the steps";
        check("warm-up and decay", flanks as f64, accepted, |_| {
            flanks <= config.steps
        })?;
        Ok(Self(config))
    }

    /// The learning rate of a step, the first being 0: never 0 before the last step is taken.
    pub fn learning_rate(&self, step: usize) -> f64 {
        let StableScheduleConfig {
            peak,
            warmup,
            steps,
            decay,
        } = self.0;
        let rising = (step as f64 + 1.0) / (warmup as f64 + 1.0);
        let left = steps.saturating_sub(step) as f64;
        let falling = left / (decay as f64 + 1.0);
        peak * rising.min(falling).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stable(steps: usize) -> StableSchedule {
        let config = StableScheduleConfig {
            peak: 1.0,
            warmup: 3,
            steps,
            decay: 4,
        };
        StableSchedule::new(config).expect("in range")
    }

    fn linear(peak: f64, steps: usize, warmup_ratio: f64) -> LinearSchedule {
        LinearSchedule::new(peak, steps, warmup_ratio).expect("in range")
    }

    #[test]
    fn a_stable_schedule_rises_stays_and_falls() {
        let schedule = stable(20);
        let rates: Vec<f64> = (0..21).map(|step| schedule.learning_rate(step)).collect();
        assert_eq!(rates[..5], [0.25, 0.5, 0.75, 1.0, 1.0]);
        assert_eq!(rates[14..], [1.0, 1.0, 0.8, 0.6, 0.4, 0.2, 0.0]);
    }

    #[test]
    fn more_steps_change_nothing_before_the_decay() {
        for step in 0..16 {
            let (short, long) = (stable(20), stable(30));
            assert_eq!(short.learning_rate(step), long.learning_rate(step));
        }
    }

    #[test]
    fn the_first_step_warms_up_from_zero_and_the_step_after_the_last_would_be_zero() {
        let schedule = linear(2e-5, 100, 0.1);
        assert_eq!(schedule.learning_rate(0), 0.0);
        assert_eq!(schedule.learning_rate(5), 1e-5);
        assert_eq!(schedule.learning_rate(10), 2e-5);
        assert_eq!(schedule.learning_rate(55), 1e-5);
        assert_eq!(schedule.learning_rate(100), 0.0);
    }

    #[test]
    fn without_warm_up_the_first_step_is_the_peak() {
        assert_eq!(linear(1.0, 4, 0.0).learning_rate(0), 1.0);
    }

    #[test]
    fn a_schedule_of_warm_up_alone_never_divides_by_zero() {
        let schedule = linear(1.0, 4, 1.0);
        assert_eq!(schedule.learning_rate(3), 0.75);
        assert_eq!(schedule.learning_rate(4), 0.0);
    }

    #[test]
    fn a_schedule_of_no_steps_or_of_all_that_can_be_counted_has_a_rate() {
        assert_eq!(linear(1.0, 0, 1.0).learning_rate(0), 0.0);
        assert_eq!(linear(1.0, usize::MAX, 1.0).learning_rate(0), 0.0);
        let config = StableScheduleConfig {
            peak: 1.0,
            warmup: usize::MAX,
            steps: usize::MAX,
            decay: 0,
        };
        let schedule = StableSchedule::new(config).expect("in range");
        assert_eq!(schedule.learning_rate(usize::MAX), 0.0);
    }

    #[test]
    fn schedules_that_make_no_sense_are_refused() {
        let message = |peak, warmup_ratio| {
            let error = LinearSchedule::new(peak, 10, warmup_ratio);
            error.expect_err("out of range").to_string()
        };
        assert_eq!(message(1.0, 1.5), "warmup ratio 1.5: expected 0 to 1");
        assert_eq!(message(1.0, -0.5), "warmup ratio -0.5: expected 0 to 1");
        assert_eq!(message(1.0, f64::NAN), "warmup ratio NaN: expected 0 to 1");
        for peak in [-1.0, f64::NAN, f64::INFINITY] {
            let expected = format!("learning rate {peak}: expected a number from 0");
            assert_eq!(message(peak, 0.1), expected);
            let config = StableScheduleConfig {
                peak,
                ..stable(20).0
            };
            let error = StableSchedule::new(config).expect_err("out of range");
            assert_eq!(error.to_string(), expected);
        }
        let config = StableScheduleConfig {
            steps: 6,
            ..stable(20).0
        };
        let error = StableSchedule::new(config).expect_err("out of range");
        let expected = "warm-up and decay 7: expected at most the steps";
        assert_eq!(error.to_string(), expected);
    }
}
