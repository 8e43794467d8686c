//! Recipes looked for on a grid: what tuning runs see, what is chosen, and what the chosen recipes are compared on.

use std::path::Path;

use finetune::FinetuneError;
use finetune::progress::{Progress, RunStart, StudyStart};
use study::plan::{self, RunRecipe};
use study::record::{RunLog, RunRecord};
use study::tuning::TUNING_SEEDS_FOLLOW_BY;
use study::{Arm, GridPoint, Preregistration, StudyConfig, StudyKind, StudySummary, Tuning};

use crate::setup::{config, open, write_data};

const ARMS: [Arm; 2] = [Arm::BASELINE, Arm::NOISYTUNE];
/// Rows of the training file, and those of them that are held out.
const ROWS: usize = 24;
const HELD_OUT: usize = 6;

fn grid() -> StudyConfig {
    StudyConfig {
        studies: vec![StudyKind::Baseline],
        tuning: Some(Tuning {
            learning_rates: vec![1e-5, 1e-3],
            epochs: vec![1, 3],
            seeds: 2,
            validation_fraction: 0.25,
            ..Tuning::default()
        }),
        ..config(&ARMS, 2, 0.15)
    }
}

fn run(config: StudyConfig, data: &Path, out: &Path) -> (StudySummary, Vec<RunRecord>) {
    let summary = open(config, data).run(out, &mut ()).expect("it runs");
    (summary, RunLog::read(out).expect("records"))
}

/// The grid's points with the mean score of an arm's tuning runs.
fn means(records: &[RunRecord], arm: Arm) -> Vec<(GridPoint, f64)> {
    let points = grid().tuning().points().into_iter();
    points
        .map(|point| {
            let runs = records.iter().filter(|run| {
                run.is_tuning() && run.arm == arm && GridPoint::of(&run.settings.recipe) == point
            });
            let scores: Vec<f64> = runs.filter_map(RunRecord::score).collect();
            assert_eq!(scores.len(), 2, "{arm} {point}");
            (point, scores.iter().sum::<f64>() / 2.0)
        })
        .collect()
}

#[test]
fn tuning_runs_see_no_dev_and_the_best_recipes_are_compared_on_it_with_other_seeds() {
    let (data, out) = (
        tempfile::tempdir().expect("a folder"),
        tempfile::tempdir().expect("a folder"),
    );
    write_data(data.path());
    let (summary, records) = run(grid(), data.path(), out.path());
    let (tuning, finals): (Vec<_>, Vec<_>) = records.iter().partition(|run| run.is_tuning());
    assert_eq!(tuning.len(), 2 * 4 * 2);
    for run in &tuning {
        let settings = &run.settings;
        let sets: Vec<&String> = settings.evaluation.keys().collect();
        assert_eq!(sets, ["validation"]);
        assert_eq!(settings.headline.set, "validation");
        assert_eq!(settings.headline_rows().expect("its rows").used, HELD_OUT);
        assert_eq!(settings.train.used, ROWS - HELD_OUT);
        assert_eq!(run.epochs.len(), settings.recipe.epochs);
        let seed = run.seed - TUNING_SEEDS_FOLLOW_BY;
        assert!((3..5).contains(&seed), "{seed}");
    }
    let result = &summary.studies[0];
    let tuned = result.tuning.as_ref().expect("tuning runs");
    let best = |arm: Arm| {
        // Points are cheapest first, and the first of equals is chosen.
        let means = means(&records, arm).into_iter();
        let best = means.reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.expect("points").0
    };
    for (of_arm, arm) in tuned.arms.iter().zip(ARMS) {
        assert_eq!((of_arm.arm, of_arm.best), (arm, Some(best(arm))));
        assert_eq!(of_arm.expected_best.len(), 8);
    }
    let points: Vec<(&str, Arm, Option<GridPoint>)> = result
        .points
        .iter()
        .map(|point| (point.label.as_str(), point.arm, point.recipe))
        .collect();
    let (ours, theirs) = (best(Arm::NOISYTUNE), best(Arm::BASELINE));
    let expected = [
        ("baseline at its best", Arm::BASELINE, Some(theirs)),
        (
            "noisytune at the baseline's best",
            Arm::NOISYTUNE,
            Some(theirs),
        ),
        ("noisytune at its own best", Arm::NOISYTUNE, Some(ours)),
    ];
    assert_eq!(points, expected);
    for point in &result.points {
        assert_eq!(point.scores.n, 2, "{}", point.label);
    }
    // The same recipe is trained once.
    assert_eq!(finals.len(), if ours == theirs { 4 } else { 6 });
    for run in &finals {
        assert_eq!(run.settings.headline.set, "dev");
        assert_eq!(run.settings.train.used, ROWS);
        assert!((3..5).contains(&run.seed));
    }
    assert!(
        result.verdict.contains("on 6 training sentences"),
        "{}",
        result.verdict
    );
    assert_eq!(summary.exploratory, None);

    let text = std::fs::read_to_string(out.path().join("plan.json")).expect("a plan");
    let plan: Preregistration = serde_json::from_str(&text).expect("a plan");
    let primary = plan.primary.expect("two arms");
    assert_eq!(primary.treatment, "noisytune at the baseline's best");
    assert_eq!(primary.control, "baseline at its best");
    assert_eq!((plan.comparisons, plan.headline.set.as_str()), (2, "dev"));
    assert!(plan.choice.is_some() && plan.data.contains_key("dev"));
    assert!(!out.path().join("plan-2.json").exists());

    let again = run(grid(), data.path(), out.path());
    assert_eq!(again, (summary, records), "nothing is left to train");
}

/// Stops before its run of this number, from 0.
struct StopBefore(usize);

impl Progress for StopBefore {
    fn run_started(&mut self, _: &RunStart) {
        self.0 -= 1;
    }
    fn recipes_chosen(&mut self, plan: &StudyStart) {
        assert!(plan.recorded >= 16, "after every tuning run");
    }
    fn should_stop(&mut self) -> bool {
        self.0 == 0
    }
}

#[test]
fn a_study_stopped_while_tuning_or_later_continues_to_the_same_summary() {
    let folder = || tempfile::tempdir().expect("a folder");
    let (data, whole, stopped) = (folder(), folder(), folder());
    write_data(data.path());
    let (summary, _) = run(grid(), data.path(), whole.path());
    for before in [7, 11] {
        let session = open(grid(), data.path());
        let end = session.run(stopped.path(), &mut StopBefore(before));
        assert!(matches!(end, Err(FinetuneError::Stopped)), "{before}");
    }
    let (continued, _) = run(grid(), data.path(), stopped.path());
    assert_eq!(continued, summary);
}

#[test]
fn a_chosen_recipe_trains_as_if_it_had_been_given() {
    let folder = || tempfile::tempdir().expect("a folder");
    let (data, out, given) = (folder(), folder(), folder());
    write_data(data.path());
    let (summary, records) = run(grid(), data.path(), out.path());
    let best = summary.studies[0].points[0].recipe.expect("a recipe");
    let mut compare = config(&ARMS, 2, 0.15);
    compare.recipe = best.applied_to(&compare.recipe);
    let (_, expected) = run(compare, data.path(), given.path());
    for expected in expected {
        let found = records.iter().find(|run| {
            !run.is_tuning()
                && (run.arm, run.seed) == (expected.arm, expected.seed)
                && run.settings.recipe == expected.settings.recipe
        });
        let found = found.expect("the same run");
        assert_eq!(found.curve, expected.curve);
        assert_eq!(found.epochs.len(), expected.epochs.len());
        for (found, expected) in found.epochs.iter().zip(&expected.epochs) {
            assert_eq!(found.evaluations, expected.evaluations);
        }
    }
}

#[test]
fn each_number_of_epochs_has_its_own_schedule() {
    let (data, out) = (
        tempfile::tempdir().expect("a folder"),
        tempfile::tempdir().expect("a folder"),
    );
    write_data(data.path());
    let (_, records) = run(grid(), data.path(), out.path());
    let first_epoch = |epochs: usize| {
        let run = records.iter().find(|run| {
            let recipe = &run.settings.recipe;
            run.is_tuning() && recipe.epochs == epochs && recipe.learning_rate == 1e-3
        });
        run.expect("a run").epochs[0].evaluations["validation"].loss
    };
    assert_ne!(first_epoch(1), first_epoch(3));
}

#[test]
fn another_grid_is_an_extension_and_another_split_is_refused() {
    let folder = || tempfile::tempdir().expect("a folder");
    let (data, out) = (folder(), folder());
    write_data(data.path());
    run(grid(), data.path(), out.path());
    let changed = |change: fn(&mut Tuning)| {
        let mut config = grid();
        change(config.tuning.as_mut().expect("a grid"));
        open(config, data.path()).run(out.path(), &mut ())
    };
    let other_split = changed(|tuning| tuning.split_seed = 1);
    let text = other_split.expect_err("other held-out rows").to_string();
    assert!(text.contains("held-out rows"), "{text}");
    let wider = changed(|tuning| tuning.learning_rates.push(1e-4)).expect("it runs");
    assert!(wider.exploratory.is_some());
}

#[test]
fn fewer_rows_than_were_recorded_are_another_study() {
    let folder = || tempfile::tempdir().expect("a folder");
    let (data, out) = (folder(), folder());
    write_data(data.path());
    run(grid(), data.path(), out.path());
    let mut fewer = config(&ARMS, 2, 0.15);
    fewer.max_train_samples = Some(8);
    let error = open(fewer, data.path()).run(out.path(), &mut ());
    let text = error.expect_err("other rows").to_string();
    assert!(text.contains("recorded with "), "{text}");
}

#[test]
fn rows_too_few_to_hold_out_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    write_data(folder.path());
    let mut config = grid();
    config.max_train_samples = Some(2);
    let error = finetune::Session::open(
        config,
        crate::setup::sst2(folder.path()),
        &crate::setup::snapshot(),
        &burn::tensor::Device::flex(),
        "flex",
    );
    let text = error.expect_err("one row of each class").to_string();
    let expected = "held-out training rows is 1 of 2, accepted is at least one of every class, with one of every class left to train on";
    assert_eq!(text, expected);
}

#[test]
fn a_plan_has_no_recipe_before_there_are_records() {
    let planned = plan::plan(&grid(), ROWS);
    let symbolic = planned[0].points.iter().flat_map(|point| &point.runs);
    assert!(
        symbolic
            .clone()
            .all(|run| matches!(run.recipe, RunRecipe::BestOf(_)))
    );
    assert_eq!(plan::resolved(&grid(), ROWS, &[]), planned);
    assert_eq!(plan::comparisons(&planned), 2);
}
