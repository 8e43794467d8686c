//! Some rows of a table.

/// Some rows of a table, each once, in ascending order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    numbers: Vec<usize>,
    table: usize,
}

impl Rows {
    /// Takes rows of a table of `table` rows, in any order, however often each occurs.
    ///
    /// # Panics
    ///
    /// When a number is not below `table`.
    pub fn of(numbers: impl IntoIterator<Item = usize>, table: usize) -> Self {
        let mut numbers: Vec<usize> = numbers.into_iter().collect();
        numbers.sort_unstable();
        numbers.dedup();
        if let Some(&last) = numbers.last() {
            assert!(
                last < table,
                "embedding index {last}: expected less than {table}, from 0"
            );
        }
        Self { numbers, table }
    }

    /// The rows, in ascending order.
    pub fn numbers(&self) -> &[usize] {
        &self.numbers
    }

    /// How many rows the table has.
    pub fn table(&self) -> usize {
        self.table
    }

    /// The place of a row of the table among these; `None` if it is not one of them.
    pub fn place(&self, number: usize) -> Option<usize> {
        self.numbers.binary_search(&number).ok()
    }
}
