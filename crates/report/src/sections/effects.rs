//! Contrasts as marks of a figure.

use study::summary::StudyResult;

use crate::figures::{Effect, Effects, Figure};
use crate::material::{Contrast, contrasts, ink};

/// How to read the marks of a difference.
pub(crate) const READING: &str = "Large dot: mean difference; small dots: pairs of runs; line: 95 % interval over seeds \
     (Student's t), drawn for at least 6 pairs that are not all equal. An interval that includes 0 is no evidence of a difference.";

/// A contrast in points.
pub(crate) fn effect(study: &StudyResult, contrast: &Contrast<'_>, label: String) -> Effect {
    let paired = &contrast.comparison.paired;
    Effect {
        label,
        ink: ink(study, contrast.treatment.arm),
        values: paired.differences.iter().map(|d| 100.0 * d).collect(),
        mean: 100.0 * paired.mean,
        interval: paired.ci95.map(|ends| ends.map(|end| 100.0 * end)),
    }
}

/// A figure with one row per contrast of a study; `None` if nothing is compared.
pub(crate) fn figure(
    study: &StudyResult,
    name: &'static str,
    title: &str,
    paper: &str,
) -> Option<Figure> {
    let contrasts = contrasts(study);
    let first = &contrasts.first()?.control.label;
    // Name the control in each row unless all have the same.
    let one_control = contrasts.iter().all(|c| c.control.label == *first);
    let effects: Vec<Effect> = contrasts
        .iter()
        .map(|contrast| {
            let (treatment, control) = (&contrast.treatment.label, &contrast.control.label);
            let label = match one_control {
                true => treatment.clone(),
                false => format!("{treatment} minus {control}"),
            };
            effect(study, contrast, label)
        })
        .collect();
    let axis = match one_control {
        true => format!("difference from {first} (points)"),
        false => "difference (points)".to_owned(),
    };
    let description = format!("{axis}. {}", in_words(&effects));
    let drawing = Effects {
        effects,
        title: axis,
    };
    let caption = format!("{READING} {paper}");
    Some(Figure::new(
        name,
        title,
        description,
        caption.trim_end(),
        &drawing,
    ))
}

/// Effects in words, for readers who cannot see the figure.
pub(crate) fn in_words<'a>(effects: impl IntoIterator<Item = &'a Effect>) -> String {
    let rows = effects.into_iter();
    let rows: Vec<String> = rows
        .map(|effect| format!("{}: {}", effect.label, effect.text()))
        .collect();
    rows.join("; ")
}
