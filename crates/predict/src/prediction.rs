//! What a model says about a text.

/// A prediction.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// The position of the class with the greatest logit, the first of equal ones; `None` for a number.
    pub class: Option<usize>,
    /// The probability of that class, or the number.
    pub score: f32,
    /// The outputs of the head.
    pub logits: Vec<f32>,
    /// Whether the text was longer than the maximum length, and was cut.
    pub is_cut: bool,
}

impl Prediction {
    /// Makes a prediction from a head's outputs: a number of one output, otherwise the class by the softmax.
    pub(crate) fn new(logits: Vec<f32>, is_number: bool) -> Self {
        if is_number {
            return Self {
                class: None,
                score: logits[0],
                logits,
                is_cut: false,
            };
        }
        let mut class = 0;
        for (at, logit) in logits.iter().enumerate() {
            if *logit > logits[class] {
                class = at;
            }
        }
        let greatest = f64::from(logits[class]);
        let sum: f64 = logits
            .iter()
            .map(|&x| (f64::from(x) - greatest).exp())
            .sum();
        Self {
            class: Some(class),
            score: (1.0 / sum) as f32,
            logits,
            is_cut: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_score_of_a_class_is_its_probability() {
        let prediction = Prediction::new(vec![1.0, 3.0, 2.0], false);
        assert_eq!(prediction.class, Some(1));
        // e³ / (e + e³ + e²)
        assert!(
            (prediction.score - 0.665_240_94).abs() < 1e-7,
            "{}",
            prediction.score
        );
    }

    #[test]
    fn great_logits_overflow_nothing() {
        let prediction = Prediction::new(vec![-3e38, 3e38], false);
        assert_eq!((prediction.class, prediction.score), (Some(1), 1.0));
    }

    #[test]
    fn of_equal_logits_the_first_counts() {
        let prediction = Prediction::new(vec![0.5, 0.5], false);
        assert_eq!((prediction.class, prediction.score), (Some(0), 0.5));
    }

    #[test]
    fn the_score_of_a_number_is_the_number() {
        let prediction = Prediction::new(vec![-2.5], true);
        assert_eq!((prediction.class, prediction.score), (None, -2.5));
    }
}
