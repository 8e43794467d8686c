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

#[cfg(test)]
mod tests {
    use super::*;

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
