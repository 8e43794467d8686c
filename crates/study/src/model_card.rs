//! The model card of a finetuned model: `README.md` of its folder, as the Hugging Face hub shows it.

use std::fmt::Write as _;

use harmless::{fence, markdown, shown_lines};
use tasks::Metric;

use crate::draw::Draw;
use crate::noise::NoiseSelection;
use crate::record::{Provenance, RunRecord, Saving};
use crate::summary::metric_in_words;

/// What a card says beyond the record of the run.
#[derive(Clone, Copy, Debug)]
pub struct CardFacts<'a> {
    /// The labels; `None` for a score.
    pub labels: Option<&'a [String]>,
    /// The label that the model predicts for every text, if it has learned nothing ([`RunRecord::only_class`]).
    pub only_label: Option<&'a str>,
    /// The name of the data, for people.
    pub data: &'a str,
    /// The command that repeats the run.
    pub command: &'a str,
    /// The file of the weights.
    pub weights: &'a str,
    /// The type of the weights, as PyTorch names it.
    pub dtype: &'a str,
    /// The library that reads the weights, as the hub names it.
    pub library: &'a str,
    /// What a reader of the weights should know, a paragraph of Markdown.
    pub reading: Option<&'a str>,
}

/// Writes the card of a run's finetuned model.
pub fn model_card(run: &RunRecord, facts: &CardFacts<'_>) -> String {
    let settings = &run.settings;
    let mut text = front_matter(run, facts);
    let _ = writeln!(
        text,
        "\n# {} finetuned on {}\n\nTrained by [noisytune-burn](https://github.com/noisytune-burn/noisytune-burn) {} with \
         Burn {}.\n",
        markdown(repository(&settings.model.name).unwrap_or(&settings.model.name)),
        markdown(&settings.task),
        run.versions.noisytune_burn,
        run.versions.burn,
    );
    text += "|  |  |\n|---|---|\n";
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(text, "| {} | {} |", markdown(name), markdown(value));
    };
    row("base model", &settings.model.name);
    row("SHA-256 of its weights", &settings.model.sha256);
    row("task", &settings.task);
    match facts.labels {
        Some(labels) => row("labels", &labels.join(", ")),
        None => row("output", "a score"),
    }
    row("data", facts.data);
    let draws_rows = settings
        .vary
        .iter()
        .flatten()
        .any(|draw| *draw == Draw::Subset);
    row("training rows", &rows(&settings.train, draws_rows));
    for (set, provenance) in &settings.evaluation {
        row(&format!("rows of {set}"), &rows(provenance, false));
    }
    row("arm", &format!("{}: {}", run.arm, run.arm.about()));
    if let Some(lambda) = settings.lambda {
        row("noise intensity λ", &lambda.to_string());
    }
    if settings.noise_selection == NoiseSelection::ExceptTokenEmbeddings {
        row("left out of the noise", "token embeddings");
    }
    if let Some(noise) = &run.noise {
        let strength = format!(
            "{} parameters perturbed, root mean square {:.2e}",
            noise.perturbed, noise.noise_rms
        );
        row("noise", &strength);
    }
    for (name, value) in &settings.hyperparameters {
        row(name, &value.to_string());
    }
    row("seed", &run.seed.to_string());
    if let Some(vary) = &settings.vary {
        let names: Vec<&str> = vary.iter().map(|draw| draw.name()).collect();
        let what = match names.is_empty() {
            true => "nothing; all draws are by the study's first seed".to_owned(),
            false => format!(
                "{}; all other draws are by the study's first seed",
                names.join(", ")
            ),
        };
        row("what the seed decides", &what);
    }
    row("weights", &format!("{}, {}", facts.weights, facts.dtype));
    if let Some(reading) = facts.reading {
        let _ = writeln!(text, "\n{reading}");
    }
    scores(&mut text, run, facts);
    let recipe = serde_json::to_string_pretty(&settings.recipe).expect("a recipe is plain data");
    let (command, fence) = (shown_lines(facts.command), fence(facts.command));
    let _ = write!(
        text,
        "\n## Recipe\n\n```json\n{recipe}\n```\n\n## Command\n\n{fence}sh\n{command}\n{fence}\n"
    );
    text
}

/// The metadata that the hub reads.
fn front_matter(run: &RunRecord, facts: &CardFacts<'_>) -> String {
    let model = &run.settings.model.name;
    let mut text = "---\n# State the licence: those of the base model and of the data apply, and the program knows \
                    neither.\n# license:\n"
        .to_owned();
    let _ = match repository(model) {
        Some(repository) => writeln!(text, "base_model: {repository}"),
        None => writeln!(
            text,
            "# The base model was not taken from the hub; if it is there, name it as OWNER/NAME.\n# base_model:"
        ),
    };
    let _ = write!(
        text,
        "library_name: {}\npipeline_tag: text-classification\ntags:\n- text-classification\n- noisytune\n- burn\nmetrics:\n",
        facts.library
    );
    let mut metrics: Vec<&str> = metrics(run).into_iter().map(on_the_hub).collect();
    metrics.dedup();
    for metric in metrics {
        let _ = writeln!(text, "- {metric}");
    }
    text += "---\n";
    text
}

/// The repository of a model downloaded from the hub, without its commit. The name of a folder may begin like one, but has no
/// slash.
fn repository(model: &str) -> Option<&str> {
    let name = model.strip_prefix("hf:")?.split('@').next()?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let (owner, rest) = name.split_once('/')?;
    (owner.chars().all(is_plain) && rest.chars().all(is_plain)).then_some(name)
}

/// The names of the metrics, the headline's first.
fn metrics(run: &RunRecord) -> Vec<&str> {
    let headline = &run.settings.headline;
    let mut metrics = vec![headline.metric.as_str()];
    let last = run.epochs.last().into_iter();
    for evaluation in last.flat_map(|epoch| epoch.evaluations.values()) {
        for metric in evaluation.metrics.keys() {
            if !metrics.contains(&metric.as_str()) {
                metrics.push(metric);
            }
        }
    }
    metrics
}

/// The hub's name for a metric.
fn on_the_hub(metric: &str) -> &str {
    match Metric::named(metric) {
        Some(Metric::Pearson) => "pearsonr",
        Some(Metric::MacroF1) => "f1",
        _ => metric,
    }
}

fn rows(provenance: &Provenance, are_drawn: bool) -> String {
    let Provenance { rows, used, sha256 } = provenance;
    let first = match (used == rows, are_drawn) {
        (true, _) => format!("all {rows}"),
        (false, false) => format!("the first {used} of {rows}"),
        (false, true) => format!("{used} of {rows}, drawn by the seed"),
    };
    format!("{first}; SHA-256 {sha256}")
}

fn scores(text: &mut String, run: &RunRecord, facts: &CardFacts<'_>) {
    let metrics = metrics(run);
    let headline = &run.settings.headline;
    *text += "\n## Scores after the last epoch\n\n| set | loss |";
    for metric in &metrics {
        let _ = write!(text, " {} |", metric_in_words(metric));
    }
    let _ = writeln!(text, "\n|---|---:|{}", "---:|".repeat(metrics.len()));
    let last = run.epochs.last().into_iter();
    for (set, evaluation) in last.flat_map(|epoch| &epoch.evaluations) {
        let _ = write!(text, "| {} | {:.4} |", markdown(set), evaluation.loss);
        for metric in &metrics {
            let score = evaluation.metrics.get(*metric);
            let _ = match score {
                Some(score) => write!(text, " {score:.4} |"),
                None => write!(text, " |"),
            };
        }
        text.push('\n');
    }
    if run.saved_model.as_ref().map(|saved| saved.saving) == Some(Saving::Best) {
        let _ = writeln!(
            text,
            "\nWhen this run ended, it had the arm's highest {} on {}. Choosing a seed by that score flatters it: expect less on \
             other data.",
            metric_in_words(&headline.metric),
            markdown(&headline.set)
        );
    }
    if let Some(label) = facts.only_label {
        let _ = writeln!(
            text,
            "\nThe model has learned nothing: for every text of {} it predicts {}.",
            markdown(&headline.set),
            markdown(label)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::SavedModel;

    fn run() -> RunRecord {
        let text = include_str!("../tests/records/version_1.json");
        let first = text.lines().next().expect("a record");
        serde_json::from_str(first).expect("a record of version 1")
    }

    fn card(run: &RunRecord) -> String {
        let labels = ["no".to_owned(), "yes".to_owned()];
        model_card(
            run,
            &CardFacts {
                labels: Some(&labels),
                only_label: None,
                data: "reviews",
                command: "cargo run",
                weights: "model.safetensors",
                dtype: "float32",
                library: "transformers",
                reading: None,
            },
        )
    }

    fn front_matter(card: &str) -> &str {
        let rest = card.strip_prefix("---\n").expect("it begins with metadata");
        rest.split_once("---\n").expect("they end").0
    }

    #[test]
    fn what_a_reader_should_know_stands_between_the_facts_and_the_scores() {
        let text = model_card(
            &run(),
            &CardFacts {
                labels: None,
                only_label: None,
                data: "reviews",
                command: "cargo run",
                weights: "model.safetensors",
                dtype: "float32",
                library: "burn",
                reading: Some("Read it with care."),
            },
        );
        let about = text.find("| weights |").expect("the facts");
        let reading = text
            .find("\n\nRead it with care.\n\n")
            .expect("a paragraph");
        let scores = text.find("## Scores").expect("the scores");
        assert!(about < reading && reading < scores, "{text}");
    }

    #[test]
    fn the_base_model_is_named_if_the_hub_has_it() {
        let mut run = run();
        run.settings.model.name = "hf:google-bert/bert-base-uncased@0123".to_owned();
        let text = card(&run);
        assert!(front_matter(&text).contains("\nbase_model: google-bert/bert-base-uncased\n"));
        run.settings.model.name = "my: model".to_owned();
        let text = card(&run);
        assert!(!front_matter(&text).contains("\nbase_model"), "{text}");
        assert!(text.contains("| base model | my: model |"), "{text}");
    }

    #[test]
    fn what_the_noise_leaves_out_is_said() {
        let mut run = run();
        let row = "| left out of the noise | token embeddings |";
        assert!(!card(&run).contains(row));
        run.settings.noise_selection = NoiseSelection::ExceptTokenEmbeddings;
        assert!(card(&run).contains(row));
    }

    #[test]
    fn what_the_seed_decides_is_said_if_it_is_not_the_usual() {
        let mut run = run();
        assert!(!card(&run).contains("what the seed decides"));
        run.settings.vary = Some(vec![Draw::Head, Draw::Subset]);
        run.settings.train.rows = 4 * run.settings.train.used;
        let text = card(&run);
        let decides = "| what the seed decides | head, subset; all other draws are by the study's first seed |";
        assert!(text.contains(decides), "{text}");
        assert!(text.contains(", drawn by the seed; SHA-256"), "{text}");
        run.settings.vary = Some(Vec::new());
        let text = card(&run);
        assert!(
            text.contains("| nothing; all draws are by the study's first seed |"),
            "{text}"
        );
        assert!(text.contains("| the first "), "{text}");
    }

    #[test]
    fn names_from_outside_are_text_and_no_markup_or_metadata() {
        let hostile = "hf:x\nlicense: mit\n---\n<script>|[a](b)\u{1b}[31m\u{202e}```";
        let mut run = run();
        run.settings.model.name = hostile.to_owned();
        run.settings.task = hostile.to_owned();
        let labels = [hostile.to_owned(), "=1".to_owned()];
        let facts = CardFacts {
            labels: Some(&labels),
            only_label: Some(hostile),
            data: hostile,
            command: hostile,
            weights: "model.safetensors",
            dtype: "float32",
            library: "transformers",
            reading: None,
        };
        let text = model_card(&run, &facts);
        let metadata = front_matter(&text);
        assert!(
            !metadata.lines().any(|line| line.starts_with("license:")),
            "{text}"
        );
        assert!(!text.contains(|c| harmless::acts(c) && c != '\n'), "{text}");
        let (before, command) = text.split_once("## Command").expect("a command");
        for markup in ["<script>", "[a]", "|[a", "\nlicense: mit"] {
            assert!(!before.contains(markup), "{markup}: {text}");
        }
        assert!(
            command.starts_with("\n\n````sh\n") && command.ends_with("\n````\n"),
            "{text}"
        );
        let rows = before
            .lines()
            .filter(|line| line.starts_with("| base model"));
        assert_eq!(rows.count(), 1, "{text}");
    }

    #[test]
    fn the_licence_is_left_to_the_user() {
        let text = card(&run());
        let lines: Vec<&str> = front_matter(&text).lines().collect();
        assert!(lines.contains(&"# license:"), "{text}");
        assert!(
            !lines.iter().any(|line| line.starts_with("license")),
            "{text}"
        );
    }

    #[test]
    fn metrics_have_the_hubs_names() {
        let mut run = run();
        let evaluations = &mut run.epochs.last_mut().expect("an epoch").evaluations;
        let dev = evaluations.get_mut("dev").expect("dev");
        dev.metrics = [("pearson", 0.5), ("spearmanr", 0.4)]
            .map(|(name, score)| (name.to_owned(), score))
            .into();
        run.settings.headline.metric = "pearson".to_owned();
        let text = card(&run);
        assert!(
            front_matter(&text).ends_with("metrics:\n- pearsonr\n- spearmanr\n"),
            "{text}"
        );
        assert!(text.contains("| set | loss | Pearson correlation | Spearman correlation |"));
    }

    #[test]
    fn a_chosen_seed_is_said_to_be_flattered() {
        let mut run = run();
        for (saving, is_said) in [(Saving::Best, true), (Saving::All, false)] {
            run.saved_model = Some(SavedModel {
                folder: "models/x".to_owned(),
                saving,
            });
            assert_eq!(card(&run).contains("flatters"), is_said);
        }
    }
}
