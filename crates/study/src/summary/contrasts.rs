//! The comparisons of a study and its sides, corrected for their number.

use super::{Comparison, Point, StudyResult};
use crate::arm::Arm;
use crate::error::StudyError;
use crate::plan::{PlannedPoint, PlannedStudy};
use crate::statistics::{fewest_pairs, holm};
use crate::tuning::GridPoint;

/// What distinguishes a point from others: arm, λ, training rows and, if it was chosen, the recipe.
type Setting = (Arm, f64, usize, Option<GridPoint>);

/// The settings of a point and of its control: what a comparison compares.
type Contrast = [Setting; 2];

/// A point of a study and the one that it is compared with; `None` if the study has no such point.
pub(super) fn contrast(points: &[Point], point: &Point, against: &str) -> Option<Contrast> {
    // A baseline has no λ; in a sweep its λ is 0.
    let setting = |point: &Point| {
        let lambda = point.lambda.unwrap_or(0.0);
        (point.arm, lambda, point.train_rows, point.recipe)
    };
    let control = points.iter().find(|other| other.label == against)?;
    Some([setting(point), setting(control)])
}

/// Fills in `holm_p` if the studies make more than one comparison; returns how many. The same contrast in several studies
/// counts once; one without a p-value, because at most one pair has scores, counts as one that found nothing. A chosen recipe that
/// is `own`, the study's, is no other.
pub(super) fn correct_for_each_other(
    planned: &[PlannedStudy],
    studies: &mut [StudyResult],
    own: GridPoint,
    comparison: impl Fn(&mut Point) -> &mut Option<Comparison>,
) -> Result<usize, StudyError> {
    let setting = |point: &PlannedPoint| {
        let recipe = point.recipe.filter(|recipe| *recipe != own);
        let lambda = point.lambda.unwrap_or(0.0);
        (point.arm, lambda, point.train_rows, recipe)
    };
    let mut contrasts: Vec<Contrast> = Vec::new();
    let mut p_values: Vec<Option<f64>> = Vec::new();
    let mut tested: Vec<(usize, &mut Comparison)> = Vec::new();
    for (planned, study) in planned.iter().zip(studies) {
        let compared = planned.contrasts();
        let compared: Vec<(&str, Contrast)> = compared
            .map(|points| (points[0].label.as_str(), points.map(setting)))
            .collect();
        let mut positions = Vec::new();
        for (label, contrast) in compared {
            let known = contrasts.iter().position(|known| *known == contrast);
            let position = known.unwrap_or_else(|| {
                contrasts.push(contrast);
                p_values.push(None);
                contrasts.len() - 1
            });
            positions.push((label, position));
        }
        for point in &mut study.points {
            let planned = positions.iter().find(|(label, _)| *label == point.label);
            let Some(&(_, position)) = planned else {
                continue;
            };
            if let Some(comparison) = comparison(point) {
                let p_value = &mut p_values[position];
                *p_value = p_value.or(comparison.paired.p_value);
                tested.push((position, comparison));
            }
        }
    }
    let p_values: Vec<f64> = p_values.into_iter().map(|p| p.unwrap_or(1.0)).collect();
    let corrected = holm(&p_values)?;
    let fewest = fewest_pairs(p_values.len());
    for (position, comparison) in tested {
        let is_corrected = p_values.len() > 1 && comparison.paired.p_value.is_some();
        comparison.holm_p = is_corrected.then_some(corrected[position]);
        comparison.pairs_needed = comparison
            .pairs_needed
            .map(|needed| needed.at_least(fewest));
    }
    Ok(p_values.len())
}
