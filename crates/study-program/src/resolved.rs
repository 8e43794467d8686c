//! The options over the values of a preset.

use std::ffi::OsString;

use program::preset::Preset;
use program::source::Source;
use study::{
    Batching, ClassifierPooling, Draw, Head, NoiseSelection, Precision, StudyConfig, StudyKind,
};

use crate::arguments::StudyArguments;
use crate::preset::{Options, suited_to};
use crate::values::{
    BatchingName, FreshName, HeadName, NoiseSelectionName, PoolingName, PrecisionName, Studies,
};

/// The options, with the preset's values for those not given.
#[derive(Debug)]
pub(crate) struct Resolved {
    /// The preset that the other options override.
    pub(crate) preset: &'static Preset,
    /// Where the pretrained model comes from.
    pub(crate) model: Source,
    /// Where the preset's sentences come from.
    pub(crate) data: Source,
    /// Everything else.
    pub(crate) study: StudyConfig,
}

impl StudyArguments {
    /// Overrides the preset with the options.
    pub(crate) fn resolve(&self) -> Resolved {
        let preset = self
            .preset
            .unwrap_or_else(|| suited_to(self.model.as_ref()));
        let Options {
            model,
            data,
            mut study,
        } = preset.read();
        let source = |preset: String| Source::from(OsString::from(preset));
        if let Some(asked) = &self.study {
            let of = |studies: &Studies| match studies {
                // Those that are named beside it are where they are named.
                Studies::All => {
                    let mut all = StudyKind::BY_ONE_RECIPE.to_vec();
                    all.retain(|study| !asked.contains(&Studies::One(*study)));
                    all
                }
                Studies::One(study) => vec![*study],
            };
            study.studies = asked.iter().flat_map(of).collect();
        }
        put(&mut study.arms, &self.arms);
        put(&mut study.companions, &self.companions);
        put(&mut study.lambda, &self.lambda);
        if let Some(selection) = self.noise_selection {
            study.noise_selection = match selection {
                NoiseSelectionName::Everything => NoiseSelection::Everything,
                NoiseSelectionName::ExceptTokenEmbeddings => NoiseSelection::ExceptTokenEmbeddings,
            };
        }
        put(&mut study.lambdas, &self.lambdas);
        put(&mut study.fractions, &self.fractions);
        if study.studies.contains(&StudyKind::Baseline) || self.asks_for_a_grid() {
            // Written out, so that the plan and the configuration name every value.
            let mut tuning = study.tuning();
            put(&mut tuning.learning_rates, &self.learning_rates);
            put(&mut tuning.epochs, &self.epochs_grid);
            put(&mut tuning.seeds, &self.tuning_seeds);
            put(&mut tuning.validation_fraction, &self.tuning_fraction);
            study.tuning = Some(tuning);
        }
        put(&mut study.seeds, &self.seeds);
        put(&mut study.first_seed, &self.first_seed);
        if let Some(vary) = &self.vary {
            // In one order, so that the same choice is the same study.
            let mut varied = vary.clone();
            varied.sort();
            study.vary = (varied != Draw::USUAL).then_some(varied);
        } else if study.studies.contains(&StudyKind::DataSize) {
            study.vary = Some(Draw::ALL.to_vec());
        }
        study.hyperparameters.extend(self.set.iter().cloned());
        study.max_train_samples = self.max_train_samples.or(study.max_train_samples);
        study.max_eval_samples = self.max_eval_samples.or(study.max_eval_samples);
        study.mixed_devices |= self.mixed_devices;
        // A preset's side seeds are capped at a number of seeds that was asked for.
        let most = self.seeds.unwrap_or(usize::MAX);
        study.side_seeds = self
            .side_seeds
            .or(study.side_seeds.map(|side| side.min(most)));
        let recipe = &mut study.recipe;
        put(&mut recipe.epochs, &self.epochs);
        put(&mut recipe.batch_size, &self.batch_size);
        put(&mut recipe.gradient_accumulation, &self.grad_accumulation);
        put(&mut recipe.learning_rate, &self.learning_rate);
        put(&mut recipe.weight_decay, &self.weight_decay);
        put(&mut recipe.warmup_ratio, &self.warmup_ratio);
        put(&mut recipe.max_length, &self.max_length);
        put(&mut recipe.max_gradient_norm, &self.max_gradient_norm);
        if self.pad_to_max_length {
            recipe.pad_to_max_length = true;
            // Packed batches have no padding, so this overrides a preset's packing; asking for both is an error.
            recipe.batching = Batching::Shuffled;
        }
        let bucketed = self.group_by_length.then_some(BatchingName::Bucketed);
        if let Some(batching) = self.batching.or(bucketed) {
            recipe.batching = match batching {
                BatchingName::Shuffled => Batching::Shuffled,
                BatchingName::Bucketed => Batching::Bucketed,
                BatchingName::Packed => Batching::Packed,
            };
        }
        if let Some(head) = self.head {
            recipe.head = match head {
                HeadName::Fresh => Head::Fresh,
                HeadName::Checkpoint => Head::Checkpoint,
            };
        }
        if let Some(pooling) = self.classifier_pooling {
            recipe.classifier_pooling = Some(match pooling {
                PoolingName::Cls => ClassifierPooling::Cls,
                PoolingName::Mean => ClassifierPooling::Mean,
            });
        }
        recipe.fresh_pooler |= self.fresh == Some(FreshName::Pooler);
        recipe.gradient_checkpointing |= self.gradient_checkpointing;
        let fp16 = self.fp16.then_some(PrecisionName::F16);
        let bf16 = self.bf16.then_some(PrecisionName::Bf16);
        if let Some(precision) = self.precision.or(fp16).or(bf16) {
            recipe.precision = match precision {
                PrecisionName::F32 | PrecisionName::Tf32 => Precision::F32,
                PrecisionName::Bf16 => Precision::Bf16,
                PrecisionName::F16 => Precision::F16,
            };
        }
        Resolved {
            preset,
            model: self.model.clone().unwrap_or_else(|| source(model)),
            data: source(data),
            study,
        }
    }

    fn asks_for_a_grid(&self) -> bool {
        self.learning_rates.is_some()
            || self.epochs_grid.is_some()
            || self.tuning_seeds.is_some()
            || self.tuning_fraction.is_some()
    }
}

/// Overrides the preset's value with an option, if given.
fn put<T: Clone>(value: &mut T, option: &Option<T>) {
    if let Some(option) = option {
        value.clone_from(option);
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use study::Tuning;

    use super::*;
    use crate::preset::PRESETS;

    #[derive(Debug, Parser)]
    struct Arguments {
        #[command(flatten)]
        study: StudyArguments,
    }

    fn parse(arguments: &[&str]) -> Result<Resolved, clap::Error> {
        let arguments = [&["program"], arguments].concat();
        Arguments::try_parse_from(arguments).map(|arguments| arguments.study.resolve())
    }

    fn resolved(arguments: &[&str]) -> Resolved {
        parse(arguments).expect("they parse")
    }

    #[test]
    fn without_options_the_quick_preset_is_run_as_it_is() {
        let quick: Options = PRESETS[0].read();
        let resolved = resolved(&[]);
        assert_eq!(resolved.study, quick.study);
        assert_eq!(resolved.model, Source::Bundled);
        assert_eq!(resolved.data, Source::Bundled);
    }

    #[test]
    fn another_model_takes_a_preset_that_suits_it() {
        let preset = |arguments: &[&str]| resolved(arguments).preset.name;
        assert_eq!(preset(&["--model=bundled"]), "quick");
        assert_eq!(preset(&["--model=here"]), "standard");
        assert_eq!(preset(&["--model=hf:a/b"]), "standard");
        let asked = preset(&["--model=here", "--preset=quick"]);
        assert_eq!(asked, "quick");
    }

    #[test]
    fn options_override_the_preset() {
        let resolved = resolved(&[
            "--preset=paper",
            "--study=lambda,all",
            "--arms=mixout",
            "--seeds=2",
            "--set=mixout.probability=0.9",
            "--epochs=1",
        ]);
        assert_eq!(
            resolved.model,
            Source::Hub("google-bert/bert-base-uncased".to_owned())
        );
        assert_eq!(resolved.data, Source::Hub("sst2".to_owned()));
        let studies = &resolved.study.studies;
        assert_eq!(studies.len(), StudyKind::BY_ONE_RECIPE.len());
        assert_eq!(studies[..2], [StudyKind::Lambda, StudyKind::Compare]);
        assert_eq!(resolved.study.arms.len(), 1);
        assert_eq!(resolved.study.seeds, 2);
        assert_eq!(resolved.study.hyperparameters["mixout.probability"], 0.9);
        assert_eq!(resolved.study.recipe.epochs, 1);
        assert_eq!(resolved.study.recipe.batch_size, 32);
    }

    #[test]
    fn the_grid_of_the_baseline_is_written_out_and_its_options_override_it() {
        assert_eq!(resolved(&["--study=all"]).study.tuning, None);
        let tuning = |arguments: &[&str]| resolved(arguments).study.tuning.expect("a grid");
        assert_eq!(tuning(&["--study=baseline"]), Tuning::default());
        let asked = tuning(&[
            "--study=baseline",
            "--learning-rates=1e-4,5e-5",
            "--epochs-grid=1,4.0",
            "--tuning-seeds=5",
            "--tuning-fraction=0.2",
        ]);
        let expected = Tuning {
            learning_rates: vec![1e-4, 5e-5],
            epochs: vec![1, 4],
            seeds: 5,
            validation_fraction: 0.2,
            ..Tuning::default()
        };
        assert_eq!(asked, expected);
    }

    #[test]
    fn padding_replaces_a_presets_packing() {
        let recipe = |arguments: &[&str]| resolved(arguments).study.recipe;
        let padded = recipe(&["--pad_to_max_length"]);
        assert_eq!(
            (padded.batching, padded.pad_to_max_length),
            (Batching::Shuffled, true)
        );
        let bucketed = recipe(&["--pad-to-max-length", "--batching=bucketed"]);
        assert_eq!(bucketed.batching, Batching::Bucketed);
        let both = recipe(&["--pad-to-max-length", "--batching=packed"]);
        assert!(both.validate().is_err());
    }

    #[test]
    fn the_head_is_fresh_unless_the_models_own_is_asked_for() {
        let head = |arguments: &[&str]| resolved(arguments).study.recipe.head;
        assert_eq!(head(&[]), Head::Fresh);
        assert_eq!(head(&["--head=checkpoint"]), Head::Checkpoint);
        assert!(parse(&["--head=old"]).is_err());
    }

    #[test]
    fn seeds_decide_everything_but_the_rows_unless_something_else_is_asked_for() {
        let vary = |arguments: &[&str]| resolved(arguments).study.vary;
        assert_eq!(vary(&[]), None);
        assert_eq!(vary(&["--vary=method,noise,dropout,order,head"]), None);
        let asked = vary(&["--vary=order", "--vary=head"]);
        assert_eq!(asked, Some(vec![Draw::Head, Draw::Order]));
        let sizes = vary(&["--study=compare,data-size"]);
        assert_eq!(sizes, Some(Draw::ALL.to_vec()));
        let first_rows = vary(&[
            "--study=data-size",
            "--vary=head,order,dropout,noise,method",
        ]);
        assert_eq!(first_rows, None);
        assert!(parse(&["--vary=weather"]).is_err());
    }

    #[test]
    fn a_value_that_an_option_lists_twice_is_refused() {
        for (arguments, part) in [
            (&["--study=compare,compare"][..], "studies is compare twice"),
            (&["--study=all,all"], "studies is compare twice"),
            (&["--vary=head,order", "--vary=head"], "vary is head twice"),
            (
                &["--study=lambda", "--lambdas=0.1,0.1"],
                "lambdas is 0.1 twice",
            ),
            (
                &["--study=data-size", "--fractions=0.5,0.50"],
                "fractions is 0.5 twice",
            ),
            (
                &["--study=baseline", "--learning-rates=1e-4,1e-4"],
                "learning rates is 0.0001 twice",
            ),
            (
                &["--study=baseline", "--epochs-grid=2,2.0"],
                "epochs in the grid is 2 twice",
            ),
            (&["--arms=baseline,baseline"], "arms is baseline twice"),
            (
                &["--study=companions", "--companions=smart,smart"],
                "companions is smart twice",
            ),
        ] {
            let error = resolved(arguments).study.validate();
            let said = error.expect_err("it is refused").to_string();
            assert!(said.starts_with(part), "{arguments:?}: {said}");
        }
        assert!(resolved(&["--study=lambda,all"]).study.validate().is_ok());
    }

    #[test]
    fn the_pooler_is_the_models_unless_a_fresh_one_is_asked_for() {
        let recipe = |arguments: &[&str]| resolved(arguments).study.recipe;
        assert!(!recipe(&[]).fresh_pooler);
        assert!(recipe(&["--fresh=pooler"]).fresh_pooler);
        assert!(parse(&["--fresh=encoder"]).is_err());
    }

    #[test]
    fn the_head_reads_what_the_model_says_unless_an_option_says_otherwise() {
        let pooling = |arguments: &[&str]| resolved(arguments).study.recipe.classifier_pooling;
        assert_eq!(pooling(&[]), None);
        let mean = Some(ClassifierPooling::Mean);
        assert_eq!(pooling(&["--classifier-pooling=mean"]), mean);
        assert_eq!(
            pooling(&["--classifier-pooling=cls"]),
            Some(ClassifierPooling::Cls)
        );
        assert!(parse(&["--classifier-pooling=max"]).is_err());
    }

    #[test]
    fn token_embeddings_take_the_noise_unless_the_preset_or_an_option_leaves_them_out() {
        let selection = |arguments: &[&str]| resolved(arguments).study.noise_selection;
        let without = NoiseSelection::ExceptTokenEmbeddings;
        assert_eq!(selection(&[]), NoiseSelection::Everything);
        assert_eq!(selection(&["--preset=xtreme"]), without);
        assert_eq!(
            selection(&["--noise-selection=except-token-embeddings"]),
            without
        );
        let asked = ["--preset=xtreme", "--noise-selection=everything"];
        assert_eq!(selection(&asked), NoiseSelection::Everything);
    }

    #[test]
    fn a_program_for_xtreme_starts_from_its_preset_unless_another_is_named() {
        let preset = |arguments: &[&str]| {
            let arguments = [&["program"], arguments].concat();
            let arguments = Arguments::try_parse_from(arguments).expect("they parse");
            arguments.study.for_xtreme().resolve().preset.name
        };
        assert_eq!(preset(&[]), "xtreme");
        assert_eq!(preset(&["--model=here"]), "xtreme");
        assert_eq!(preset(&["--preset=paper"]), "paper");
    }

    #[test]
    fn run_glues_own_options_mean_the_same_here() {
        let recipe = |arguments: &[&str]| resolved(arguments).study.recipe;
        assert_eq!(recipe(&["--num_train_epochs", "4.0"]).epochs, 4);
        assert_eq!(recipe(&["--fp16"]).precision, Precision::F16);
        assert_eq!(recipe(&["--bf16"]).precision, Precision::Bf16);
        let grouped = recipe(&["--group_by_length"]);
        assert_eq!(grouped.batching, Batching::Bucketed);
        let nothing_new = resolved(&["--do_train", "--do_eval"]);
        assert_eq!(nothing_new.study, resolved(&[]).study);
    }

    #[test]
    fn run_glues_options_with_other_values_are_refused() {
        for (arguments, part) in [
            (
                &["--num_train_epochs", "2.5"][..],
                "expected a whole number",
            ),
            (&["--epochs", "3."], "expected a whole number"),
            (&["--epochs", ".0"], "expected a whole number"),
            (&["--fp16", "--bf16"], "cannot be used with"),
            (&["--fp16", "--precision=f32"], "cannot be used with"),
            (
                &["--group_by_length", "--batching=packed"],
                "cannot be used with",
            ),
        ] {
            let error = parse(arguments).expect_err("it is refused").to_string();
            assert!(error.contains(part), "{arguments:?}: {error}");
        }
    }

    #[test]
    fn side_seeds_of_a_preset_are_capped_at_the_seeds_that_are_asked_for() {
        assert_eq!(resolved(&["--seeds=1"]).study.side_seeds, Some(1));
        assert_eq!(resolved(&["--seeds=99"]).study.side_seeds, Some(12));
        assert_eq!(
            resolved(&["--seeds=9", "--side-seeds=4"]).study.side_seeds,
            Some(4)
        );
    }
}
