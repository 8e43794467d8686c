//! Options that would change nothing.

use program::Failure;
use study::{Arm, StudyConfig, StudyKind};

use crate::arguments::StudyArguments;

/// Refuses the options of studies that are not asked for, and numbers of methods that no arm has.
///
/// # Errors
/// [`Failure::Usage`] with the option and the studies or arms that it is for.
pub(crate) fn refuse(arguments: &StudyArguments, config: &StudyConfig) -> Result<(), Failure> {
    let baseline = &[StudyKind::Baseline];
    let options: [(&str, bool, &[StudyKind]); 9] = [
        ("--arms", arguments.arms.is_some(), &StudyKind::JUDGING),
        (
            "--companions",
            arguments.companions.is_some(),
            &[StudyKind::Companions],
        ),
        (
            "--lambdas",
            arguments.lambdas.is_some(),
            &[StudyKind::Lambda],
        ),
        (
            "--fractions",
            arguments.fractions.is_some(),
            &[StudyKind::DataSize],
        ),
        (
            "--learning-rates",
            arguments.learning_rates.is_some(),
            baseline,
        ),
        ("--epochs-grid", arguments.epochs_grid.is_some(), baseline),
        ("--tuning-seeds", arguments.tuning_seeds.is_some(), baseline),
        (
            "--tuning-fraction",
            arguments.tuning_fraction.is_some(),
            baseline,
        ),
        (
            "--side-seeds",
            arguments.side_seeds.is_some(),
            &StudyKind::SIDE,
        ),
    ];
    for (option, is_given, studies) in options {
        if is_given && !studies.iter().any(|study| config.studies.contains(study)) {
            let studies: Vec<&str> = studies.iter().map(|study| study.name()).collect();
            return Err(Failure::usage(format!(
                "{option} changes nothing without --study {}",
                studies.join(" or ")
            )));
        }
    }
    let studies = config.studies.iter();
    let arms: Vec<Arm> = studies.flat_map(|study| config.arms_of(*study)).collect();
    let has_noise = arms.iter().any(|arm| arm.has_noise());
    for (option, is_given) in [
        ("--lambda", arguments.lambda.is_some()),
        ("--noise-selection", arguments.noise_selection.is_some()),
    ] {
        if is_given && !has_noise {
            return Err(Failure::usage(format!(
                "{option} changes nothing: no arm of the studies has noise"
            )));
        }
    }
    if arguments.lambda.is_some() && !config.takes_lambda() {
        return Err(Failure::usage(
            "--lambda changes nothing: --study lambda takes --lambdas".to_owned(),
        ));
    }
    let methods: Vec<_> = arms.iter().map(|arm| arm.method()).collect();
    let mut names = Vec::new();
    for (name, _) in &arguments.set {
        if names.contains(&name) {
            return Err(Failure::usage(format!(
                "--set gives {name} twice; expected it once"
            )));
        }
        names.push(name);
        let mut numbers = methods.iter().flat_map(|method| method.hyperparameters());
        if !numbers.any(|number| number.name == name) {
            return Err(Failure::usage(format!(
                "--set {name} changes nothing: no arm of the studies has it"
            )));
        }
    }
    Ok(())
}

/// Options that are recorded, and refused if they differ from what was recorded, but train no run.
pub(crate) fn untrained(arguments: &StudyArguments, config: &StudyConfig) -> Vec<String> {
    let of_one_recipe = &StudyKind::BY_ONE_RECIPE;
    if config.studies.iter().any(|x| of_one_recipe.contains(x)) {
        return Vec::new();
    }
    let options = [
        (
            "--learning-rate",
            arguments.learning_rate.is_some(),
            "--learning-rates",
        ),
        ("--epochs", arguments.epochs.is_some(), "--epochs-grid"),
    ];
    let given = options.into_iter().filter(|(_, is_given, _)| *is_given);
    let notes = given
        .map(|(option, _, grid)| format!("{option} trains no run: --study baseline takes {grid}"));
    notes.collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Arguments {
        #[command(flatten)]
        study: StudyArguments,
    }

    fn refusal(arguments: &str) -> Option<String> {
        let arguments = std::iter::once("program").chain(arguments.split_whitespace());
        let arguments = Arguments::try_parse_from(arguments)
            .expect("they parse")
            .study;
        let refused = refuse(&arguments, &arguments.resolve().study);
        let said = refused.err()?.to_string();
        Some(said.trim_start_matches("error: ").to_owned())
    }

    #[test]
    fn options_of_studies_that_are_not_asked_for_are_refused() {
        for (arguments, expected) in [
            (
                "--study l1-change --arms baseline",
                "--arms changes nothing without --study compare or baseline",
            ),
            (
                "--companions smart",
                "--companions changes nothing without --study companions",
            ),
            (
                "--study compare --lambdas 0.1",
                "--lambdas changes nothing without --study lambda",
            ),
            (
                "--study lambda --fractions 0.1",
                "--fractions changes nothing without --study data-size",
            ),
            (
                "--learning-rates 2e-5",
                "--learning-rates changes nothing without --study baseline",
            ),
            (
                "--study lambda --epochs-grid 3",
                "--epochs-grid changes nothing without --study baseline",
            ),
            (
                "--tuning-seeds 1",
                "--tuning-seeds changes nothing without --study baseline",
            ),
            (
                "--tuning-fraction 0.1",
                "--tuning-fraction changes nothing without --study baseline",
            ),
            (
                "--arms baseline --lambda 0.3",
                "--lambda changes nothing: no arm of the studies has noise",
            ),
            (
                "--arms baseline --noise-selection everything",
                "--noise-selection changes nothing: no arm of the studies has noise",
            ),
            (
                "--study lambda --lambda 0.25",
                "--lambda changes nothing: --study lambda takes --lambdas",
            ),
            (
                "--study baseline --side-seeds 3",
                "--side-seeds changes nothing without --study lambda or noise-kind or data-size or companions",
            ),
            (
                "--set smart.weight=2",
                "--set smart.weight changes nothing: no arm of the studies has it",
            ),
            (
                "--study companions --set mixconnect.probability=0.5",
                "--set mixconnect.probability changes nothing: no arm of the studies has it",
            ),
            (
                "--arms mixout --set mixout.probability=0.5 --set mixout.probability=0.6",
                "--set gives mixout.probability twice; expected it once",
            ),
        ] {
            assert_eq!(refusal(arguments).as_deref(), Some(expected), "{arguments}");
        }
    }

    #[test]
    fn options_of_studies_that_run_are_accepted() {
        for arguments in [
            "",
            "--arms smart --set smart.weight=2",
            "--study companions --companions smart,mixconnect --set mixconnect.probability=0.5 --set smart.weight=2",
            "--study compare,lambda --lambdas 0.1 --arms baseline",
            "--study all --fractions 0.1 --companions r-drop --side-seeds 9",
            "--study baseline --learning-rates 2e-5 --epochs-grid 3 --tuning-seeds 1 --tuning-fraction 0.1",
        ] {
            assert_eq!(refusal(arguments), None, "{arguments}");
        }
    }

    #[test]
    fn what_trains_no_run_is_said() {
        let said = |arguments: &str| {
            let arguments = std::iter::once("program").chain(arguments.split_whitespace());
            let arguments = Arguments::try_parse_from(arguments)
                .expect("they parse")
                .study;
            untrained(&arguments, &arguments.resolve().study)
        };
        assert_eq!(
            said("--study baseline --learning-rate 5e-5 --epochs 3"),
            [
                "--learning-rate trains no run: --study baseline takes --learning-rates",
                "--epochs trains no run: --study baseline takes --epochs-grid"
            ]
        );
        for arguments in [
            "--study baseline --learning-rates 5e-5 --epochs-grid 3",
            "--study baseline,compare --learning-rate 2e-5 --epochs 3",
            "--study l1-change --learning-rate 2e-5",
        ] {
            assert!(said(arguments).is_empty(), "{arguments}");
        }
    }
}
