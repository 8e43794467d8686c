//! Does the noise help other methods too?

use study::summary::StudyResult;

use super::{effects, noise_kind};
use crate::document::Section;
use crate::material::Material;

pub(super) fn section(material: &Material<'_>, study: &StudyResult) -> Section {
    let figure = effects::figure(
        study,
        "companions",
        "Differences with other methods",
        "In the paper, on GLUE, NoisyTune also improves Mixout and RecAdam. NEFTune is newer than the paper.",
    );
    noise_kind::of_arms(
        material,
        study,
        "companions",
        "Does the noise help other methods too?",
        figure,
    )
}
