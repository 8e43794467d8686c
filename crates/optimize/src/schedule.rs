//! The learning rate, step by step.

/// Linear warm-up to a peak, then linear decay to 0.
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
    /// Plans `steps` optimizer steps of which the first `warmup_ratio` warm up.
    pub fn new(peak: f64, steps: usize, warmup_ratio: f64) -> Self {
        Self {
            peak,
            warmup: (steps as f64 * warmup_ratio) as usize,
            steps,
        }
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
/// A run under it can go on beyond its planned end: up to the decay nothing depends on the number of
/// steps.
///
/// Source: Hu et al. (2024), arXiv:2404.06395, section 4.2, with a linear decay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StableSchedule {
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
    /// The learning rate of a step, the first being 0: never 0 before the last step is taken.
    pub fn learning_rate(&self, step: usize) -> f64 {
        let rising = (step + 1) as f64 / (self.warmup + 1) as f64;
        let left = self.steps.saturating_sub(step) as f64;
        let falling = left / (self.decay + 1) as f64;
        self.peak * rising.min(falling).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stable_schedule_rises_stays_and_falls() {
        let schedule = StableSchedule {
            peak: 1.0,
            warmup: 3,
            steps: 20,
            decay: 4,
        };
        let rates: Vec<f64> = (0..21).map(|step| schedule.learning_rate(step)).collect();
        assert_eq!(rates[..5], [0.25, 0.5, 0.75, 1.0, 1.0]);
        assert_eq!(rates[14..], [1.0, 1.0, 0.8, 0.6, 0.4, 0.2, 0.0]);
    }

    #[test]
    fn more_steps_change_nothing_before_the_decay() {
        let schedule = |steps| StableSchedule {
            peak: 1.0,
            warmup: 3,
            steps,
            decay: 4,
        };
        for step in 0..16 {
            let (short, long) = (schedule(20), schedule(30));
            assert_eq!(short.learning_rate(step), long.learning_rate(step));
        }
    }

    #[test]
    fn the_first_step_warms_up_from_zero_and_the_step_after_the_last_would_be_zero() {
        let schedule = LinearSchedule::new(2e-5, 100, 0.1);
        assert_eq!(schedule.learning_rate(0), 0.0);
        assert_eq!(schedule.learning_rate(5), 1e-5);
        assert_eq!(schedule.learning_rate(10), 2e-5);
        assert_eq!(schedule.learning_rate(55), 1e-5);
        assert_eq!(schedule.learning_rate(100), 0.0);
    }

    #[test]
    fn without_warm_up_the_first_step_is_the_peak() {
        assert_eq!(LinearSchedule::new(1.0, 4, 0.0).learning_rate(0), 1.0);
    }

    #[test]
    fn a_schedule_of_warm_up_alone_never_divides_by_zero() {
        let schedule = LinearSchedule::new(1.0, 4, 1.0);
        assert_eq!(schedule.learning_rate(3), 0.75);
        assert_eq!(schedule.learning_rate(4), 0.0);
    }
}
