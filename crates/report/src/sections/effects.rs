//! Contrasts as marks of a figure.

use finetune::summary::StudyResult;

use crate::figures::{Effect, Effects};
use crate::material::{Contrast, contrasts, ink};

/// How the marks of a difference are read.
pub(crate) const READING: &str = "Large dot: mean difference; line: its 95 % interval; small dots: pairs of runs. \
     An interval that crosses 0 is no evidence of a difference.";

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

/// Every contrast of a study; a control is named where it is not the same for all.
pub(crate) fn effects(study: &StudyResult) -> Effects {
    let contrasts = contrasts(study);
    let first = contrasts.first().map(|c| c.control.label.clone());
    let one_control = contrasts
        .iter()
        .all(|c| Some(&c.control.label) == first.as_ref());
    let effects = contrasts.iter().map(|contrast| {
        let (treatment, control) = (&contrast.treatment.label, &contrast.control.label);
        let label = if one_control {
            treatment.clone()
        } else {
            format!("{treatment} less {control}")
        };
        effect(study, contrast, label)
    });
    Effects {
        effects: effects.collect(),
        title: match first {
            Some(control) if one_control => format!("difference from {control} (points)"),
            _ => "difference (points)".to_owned(),
        },
    }
}

/// The figure in words.
pub(crate) fn described(effects: &Effects) -> String {
    let rows: Vec<String> = effects
        .effects
        .iter()
        .map(|effect| format!("{}: {}", effect.label, effect.text()))
        .collect();
    format!("{}. {}", effects.title, rows.join("; "))
}
