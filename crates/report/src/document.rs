//! What the report says, before it is laid out: HTML and Markdown come from the same document.

use harmless::{shown, shown_lines};

use crate::figures::Figure;

/// The report.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    /// The title of the document.
    pub(crate) title: String,
    /// The main finding in a few words.
    pub(crate) headline: String,
    /// The rest of the finding's sentence.
    pub(crate) standfirst: String,
    /// What the finding is based on: names and values.
    pub(crate) facts: Vec<(String, String)>,
    /// In order.
    pub(crate) sections: Vec<Section>,
    /// The last line.
    pub(crate) colophon: String,
}

/// A part with a heading.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    /// The id of the section in the page.
    pub(crate) id: &'static str,
    /// The question it answers.
    pub(crate) heading: String,
    /// The answer in a few words, if there is one.
    pub(crate) finding: Option<String>,
    /// In order.
    pub(crate) blocks: Vec<Block>,
}

/// What a section is made of.
#[derive(Clone, Debug)]
pub(crate) enum Block {
    /// A paragraph.
    Text(String),
    /// Sentences of equal weight.
    List(Vec<String>),
    /// Rows and columns.
    Table(Table),
    /// A drawing.
    Figure(Figure),
    /// Something to copy.
    Code(String),
    /// Something that few will want to see: its title and content.
    Folded(String, Folded),
}

/// What is folded away.
#[derive(Clone, Debug)]
pub(crate) enum Folded {
    /// Rows and columns.
    Table(Table),
    /// Something to copy.
    Code(String),
}

/// Rows and columns; the first column names the row.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Table {
    /// What the numbers are, with their units.
    pub(crate) caption: String,
    /// The headings.
    pub(crate) columns: Vec<Column>,
    /// One cell per column each.
    pub(crate) rows: Vec<Vec<String>>,
}

/// The heading of a column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Column {
    /// With the unit.
    pub(crate) name: String,
    /// Whether it holds numbers, which are aligned to the right.
    pub(crate) is_number: bool,
}

impl Table {
    /// A table without rows; columns whose names begin with `#` hold numbers.
    pub(crate) fn new(caption: impl Into<String>, columns: &[&str]) -> Self {
        let column = |name: &&str| match name.strip_prefix('#') {
            Some(name) => Column {
                name: name.to_owned(),
                is_number: true,
            },
            None => Column {
                name: (*name).to_owned(),
                is_number: false,
            },
        };
        Self {
            caption: caption.into(),
            columns: columns.iter().map(column).collect(),
            rows: Vec::new(),
        }
    }

    /// Removes the columns that say nothing: those where every cell is `empty`.
    pub(crate) fn without_columns_of(mut self, empty: &str) -> Self {
        let kept: Vec<bool> = (0..self.columns.len())
            .map(|at| self.rows.is_empty() || self.rows.iter().any(|row| row[at] != empty))
            .collect();
        let mut keep = kept.iter().copied();
        self.columns.retain(|_| keep.next().unwrap_or(true));
        for row in &mut self.rows {
            let mut keep = kept.iter().copied();
            row.retain(|_| keep.next().unwrap_or(true));
        }
        self
    }
}

impl Document {
    /// Makes what comes from outside harmless: in every text, whatever could act on its surroundings is shown instead. The
    /// templates escape markup, and figures are drawn so.
    pub(crate) fn harmless(mut self) -> Self {
        for text in [
            &mut self.title,
            &mut self.headline,
            &mut self.standfirst,
            &mut self.colophon,
        ] {
            show(text);
        }
        for (name, value) in &mut self.facts {
            show(name);
            show(value);
        }
        for section in &mut self.sections {
            show(&mut section.heading);
            section.finding.iter_mut().for_each(show);
            for block in &mut section.blocks {
                block.show();
            }
        }
        self
    }

    /// Every figure, in order.
    pub(crate) fn figures(&self) -> impl Iterator<Item = &Figure> {
        let blocks = self.sections.iter().flat_map(|section| &section.blocks);
        blocks.filter_map(|block| match block {
            Block::Figure(figure) => Some(figure),
            _ => None,
        })
    }
}

impl Block {
    fn show(&mut self) {
        match self {
            Self::Text(text) => show(text),
            Self::List(items) => items.iter_mut().for_each(show),
            Self::Table(table) => table.show(),
            Self::Figure(figure) => {
                show(&mut figure.title);
                show(&mut figure.description);
                show(&mut figure.caption);
            }
            Self::Code(code) => show_code(code),
            Self::Folded(title, folded) => {
                show(title);
                match folded {
                    Folded::Table(table) => table.show(),
                    Folded::Code(code) => show_code(code),
                }
            }
        }
    }
}

impl Table {
    fn show(&mut self) {
        show(&mut self.caption);
        for column in &mut self.columns {
            show(&mut column.name);
        }
        self.rows.iter_mut().flatten().for_each(show);
    }
}

fn show(text: &mut String) {
    *text = shown(text).into_owned();
}

fn show_code(code: &mut String) {
    *code = shown_lines(code).into_owned();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_that_say_nothing_are_left_out() {
        let mut table = Table::new("", &["arm", "#p", "#Holm"]);
        table.rows.push(vec!["a".into(), "–".into(), "–".into()]);
        table.rows.push(vec!["–".into(), "1".into(), "–".into()]);
        let table = table.without_columns_of("–");
        let names: Vec<_> = table.columns.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["arm", "p"]);
        assert_eq!(table.rows, [["a", "–"], ["–", "1"]]);
    }
}
