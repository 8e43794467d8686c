//! The comparisons of a study and its sides, corrected for their number.

use super::{Comparison, Point, StudyResult};
use crate::arm::Arm;
use crate::error::StudyError;
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
/// counts once; one over a single pair has no p-value and counts as one that found nothing. A chosen recipe that is `own`, the
/// study's, is no other.
pub(super) fn correct_for_each_other(
    studies: &mut [StudyResult],
    own: GridPoint,
    comparison: impl Fn(&mut Point) -> &mut Option<Comparison>,
) -> Result<usize, StudyError> {
    let mut contrasts: Vec<Contrast> = Vec::new();
    let mut p_values: Vec<f64> = Vec::new();
    let mut tested: Vec<(usize, &mut Comparison)> = Vec::new();
    for study in studies {
        let of_study = study.points.clone();
        for (point, of_study_point) in study.points.iter_mut().zip(&of_study) {
            let Some(comparison) = comparison(point) else {
                continue;
            };
            let Some(contrast) = contrast(&of_study, of_study_point, &comparison.against) else {
                continue;
            };
            let contrast = contrast.map(|(arm, lambda, rows, recipe)| {
                (arm, lambda, rows, recipe.filter(|recipe| *recipe != own))
            });
            let known = contrasts.iter().position(|known| *known == contrast);
            let position = known.unwrap_or_else(|| {
                contrasts.push(contrast);
                p_values.push(comparison.paired.p_value.unwrap_or(1.0));
                contrasts.len() - 1
            });
            tested.push((position, comparison));
        }
    }
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
