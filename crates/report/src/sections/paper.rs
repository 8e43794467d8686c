//! The paper's numbers next to these.

use study::Arm;
use study::summary::StudyResult;

use crate::document::{Block, Section, Table};
use crate::material::{Contrast, Material, main_contrast};
use crate::number::{NONE, interval, or_none, percent, points, thousands};
use crate::table_1;

/// Rows of SST-2's train and dev file; the bundled sentences have SST-2's format and are others.
const SST2: (usize, usize) = (67_349, 872);

/// `None` for another task, or if the paper's method is not compared with the baseline.
pub(super) fn section(material: &Material<'_>, study: &StudyResult) -> Option<Section> {
    let is_the_papers =
        |c: &Contrast<'_>| c.treatment.arm == Arm::NOISYTUNE && c.control.arm == Arm::BASELINE;
    let ours = main_contrast(material, study).filter(is_the_papers)?;
    let record = *material.runs(ours.treatment).first()?;
    let task = material.summary.task.as_str();
    let papers: Vec<_> = table_1::ROWS
        .iter()
        .filter_map(|row| Some((row.model, row.on(task)?)))
        .collect();
    if papers.is_empty() {
        return None;
    }
    let mut table = Table::new(
        format!(
            "{} in {}, difference in points.",
            material.scored_first(),
            material.unit()
        ),
        &[
            "",
            "model",
            "#baseline",
            "#NoisyTune",
            "#difference",
            "#95 % interval over seeds",
            "#seeds",
        ],
    );
    for (model, (without, with)) in papers {
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
    let rows = (
        train.rows,
        record.settings.headline_rows().map_or(0, |rows| rows.rows),
    );
    let other_data = if task != "sst2" || rows == SST2 {
        ""
    } else {
        " The sentences differ too: these scores cannot be compared with scores on SST-2."
    };
    let text = format!(
        "The settings differ. The paper finetunes base-size models (12 layers of width 768) on the whole training set and reports means of 5 seeds; \
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
        blocks: vec![
            Block::Text(text),
            Block::Table(table.without_columns_of(NONE)),
        ],
    })
}
