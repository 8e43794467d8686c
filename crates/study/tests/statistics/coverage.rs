//! How often intervals and tests err: the simulated tables stand in the crate's page.

/// What `../golden/statistics/coverage.py` wrote.
const SIMULATED: &str = include_str!("../golden/statistics/coverage.md");

#[test]
fn the_page_has_the_simulated_tables() {
    let page = include_str!("../../README.md");
    for table in SIMULATED.split("\n\n") {
        assert!(page.contains(table.trim_end()), "{table}");
    }
}

/// The share in a column of the first table, of every row with so many pairs or more whose differences are symmetric.
fn shares(column: &str, pairs: usize) -> Vec<f64> {
    let cells = |line: &'static str| -> Vec<&str> {
        line.trim_matches('|').split('|').map(str::trim).collect()
    };
    let mut lines = SIMULATED.lines();
    let headings = cells(lines.next().unwrap());
    let at = headings
        .iter()
        .position(|heading| heading.starts_with(column))
        .unwrap();
    let rows = lines.skip(1).take_while(|line| !line.is_empty()).map(cells);
    let asked = rows.filter(|row| {
        row[0].parse::<usize>().unwrap() >= pairs && !row[1].starts_with("exponential")
    });
    asked.map(|row| row[at].parse().unwrap()).collect()
}

#[test]
fn what_is_printed_holds_its_level_for_symmetric_differences_and_what_stood_before_did_not() {
    // Three standard errors of a share of 4,000 studies.
    const ERROR: f64 = 1.04;
    let t = shares("Student's t holds", 6);
    assert_eq!(t.len(), 12);
    assert!(t.iter().all(|share| *share >= 95.0 - ERROR), "{t:?}");
    let flips = shares("sign flips find", 6);
    assert!(flips.iter().all(|share| *share <= 5.0 + ERROR), "{flips:?}");
    let verdicts = shares("both find", 6);
    assert_eq!(verdicts.len(), flips.len());
    for (both, alone) in verdicts.iter().zip(&flips) {
        assert!(both <= alone, "{verdicts:?}");
    }
    let order = shares("order below 0.2", 6);
    assert!(order.iter().all(|share| *share <= 5.0 + ERROR), "{order:?}");
    let bca = shares("BCa holds", 3);
    assert!(bca.iter().all(|share| *share < 95.0 - ERROR), "{bca:?}");
}
