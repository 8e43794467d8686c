//! The paper's numbers next to these.

use study::Arm;
use study::summary::StudyResult;

use crate::document::{Block, Section, Table};
use crate::material::{Contrast, Material, main_contrast};
use crate::number::{NONE, interval, or_none, percent, points, thousands};

/// SST-2 dev accuracy in % without and with NoisyTune, base-size models, means of 5 seeds: Wu et al.
/// (2022), "NoisyTune: A Little Noise Can Help You Finetune Pretrained Language Models Better", table 1.
const PAPER: [(&str, f64, f64); 4] = [
    ("BERT", 93.0, 93.4),
    ("XLNet", 94.4, 94.7),
    ("RoBERTa", 94.5, 94.9),
    ("ELECTRA", 94.9, 95.2),
];

/// Rows of SST-2's train and dev file.
const SST2: (usize, usize) = (67_349, 872);

/// `None` for another task, or if the paper's method is not compared with the baseline.
pub(super) fn section(material: &Material<'_>, study: &StudyResult) -> Option<Section> {
    let is_the_papers =
        |c: &Contrast<'_>| c.treatment.arm == Arm::NOISYTUNE && c.control.arm == Arm::BASELINE;
    let ours = main_contrast(material, study).filter(is_the_papers)?;
    let record = *material.runs(ours.treatment).first()?;
    if material.summary.task != "sst2" {
        return None;
    }
    let mut table = Table::new(
        "Dev accuracy in % (the paper's is on SST-2), difference in points.",
        &[
            "",
            "model",
            "#baseline",
            "#NoisyTune",
            "#difference",
            "#95 % interval",
            "#seeds",
        ],
    );
    for (model, without, with) in PAPER {
        table.rows.push(vec![
            "paper".to_owned(),
            format!("{model} base"),
            format!("{without:.1}"),
            format!("{with:.1}"),
            crate::number::signed(with - without, 1),
            NONE.to_owned(),
            "5".to_owned(),
        ]);
    }
    let paired = &ours.comparison.paired;
    let model = &record.settings.model;
    table.rows.push(vec![
        "here".to_owned(),
        model.name.clone(),
        or_none(ours.control.scores.mean, percent),
        or_none(ours.treatment.scores.mean, percent),
        points(paired.mean),
        paired
            .ci95
            .map_or(NONE.to_owned(), |ends| interval(Some(ends))),
        thousands(paired.n),
    ]);
    let train = &record.settings.train;
    let size = model
        .size()
        .map(|(layers, width)| format!(", {layers} layers of width {width}"));
    let share = if train.used == train.rows {
        format!("all {}", thousands(train.rows))
    } else {
        format!("{} of the {}", thousands(train.used), thousands(train.rows))
    };
    let other_data = if (
        train.rows,
        record.settings.headline_rows().map_or(0, |rows| rows.rows),
    ) == SST2
    {
        ""
    } else {
        " The sentences differ too: these scores cannot be compared with scores on SST-2."
    };
    let text = format!(
        "The settings differ. The paper finetunes base-size models (12 layers of width 768) on the whole of SST-2 and reports means of 5 seeds; \
         here it is {}{}, on {share} training sentences of {}, with the recipe below.{other_data} \
         Compare the sign and the size of the difference, not the level of the scores.",
        model.name,
        size.unwrap_or_default(),
        material.data,
    );
    Some(Section {
        id: "paper",
        heading: "What did the paper find?".to_owned(),
        finding: None,
        blocks: vec![Block::Text(text), Block::Table(table)],
    })
}
