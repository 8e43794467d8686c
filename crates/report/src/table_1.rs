//! The paper's results on GLUE's dev sets, with base-size models, in points: Wu et al. (2022), "NoisyTune: A Little
//! Noise Can Help You Finetune Pretrained Language Models Better", table 1. Means of 5 seeds.

/// The table's columns, by the tasks' names here.
pub(crate) const TASKS: [&str; 9] = [
    "mnli", "qnli", "qqp", "rte", "sst2", "mrpc", "cola", "stsb", "wnli",
];

/// A model's two rows.
pub(crate) struct Row {
    pub(crate) model: &'static str,
    /// Finetuned as it is, by task.
    pub(crate) without: [f64; 9],
    /// With noise.
    pub(crate) with: [f64; 9],
}

/// The table's rows.
pub(crate) const ROWS: [Row; 4] = [
    Row {
        model: "BERT",
        without: [84.4, 91.5, 90.9, 67.7, 93.0, 87.1, 58.1, 89.4, 54.4],
        with: [84.7, 91.8, 91.2, 68.8, 93.4, 88.0, 59.0, 90.1, 56.1],
    },
    Row {
        model: "XLNet",
        without: [86.6, 91.6, 91.2, 72.9, 94.4, 88.1, 59.6, 89.6, 57.5],
        with: [86.9, 91.9, 91.4, 73.8, 94.7, 88.6, 60.1, 90.0, 58.6],
    },
    Row {
        model: "RoBERTa",
        without: [87.5, 92.7, 91.7, 77.1, 94.5, 90.1, 62.9, 90.8, 59.2],
        with: [87.8, 93.1, 91.9, 78.8, 94.9, 90.6, 63.6, 91.1, 60.3],
    },
    Row {
        model: "ELECTRA",
        without: [88.4, 92.9, 91.7, 75.2, 94.9, 88.2, 64.2, 90.1, 62.0],
        with: [88.7, 93.2, 92.1, 76.4, 95.2, 88.7, 64.9, 90.5, 63.4],
    },
];

impl Row {
    /// The scores on a task without and with noise; `None` if it is not one of the table's.
    pub(crate) fn on(&self, task: &str) -> Option<(f64, f64)> {
        let at = TASKS.iter().position(|known| *known == task)?;
        Some((self.without[at], self.with[at]))
    }

    /// The means over some of the table's tasks, without and with noise; `None` if there is none.
    pub(crate) fn average<'a>(&self, tasks: impl Iterator<Item = &'a str>) -> Option<(f64, f64)> {
        let scores: Vec<(f64, f64)> = tasks.filter_map(|task| self.on(task)).collect();
        let count = scores.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| scores.iter().map(of).sum::<f64>() / count;
        (!scores.is_empty()).then(|| (mean(|scores| scores.0), mean(|scores| scores.1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_average_over_all_tasks_is_the_papers_last_column() {
        let printed = [(79.6, 80.3), (81.3, 81.8), (82.9, 83.6), (83.1, 83.7)];
        for (row, (without, with)) in ROWS.iter().zip(printed) {
            let average = row.average(TASKS.into_iter()).expect("nine tasks");
            let near = |ours: f64, printed: f64| (ours - printed).abs() <= 0.051;
            assert!(
                near(average.0, without) && near(average.1, with),
                "{}: {average:?}",
                row.model
            );
        }
        assert_eq!(ROWS[0].average(["own"].into_iter()), None);
    }
}
