//! The interval of a mean over seeds and sentences.

use statrs::distribution::ContinuousCDF;

use super::error::{Error, check, check_lengths};
use super::t_test::student;

/// Returns the 95 % interval of the mean of a table with one row per seed and one column per sentence, if other seeds
/// and other sentences might have been drawn.
///
/// The variance of the mean is the sum of what seeds and sentences contribute, estimated from the mean squares of a
/// two-way analysis of variance: (MS seeds + MS sentences − MS residual) / cells, with Satterthwaite's degrees of
/// freedom. If the residual is larger than one of the two, that one contributes nothing, and the larger one counts alone.
///
/// Sources: Clark (1973), "The language-as-fixed-effect fallacy", for the sum; Satterthwaite (1946), "An approximate
/// distribution of estimates of variance components".
///
/// # Errors
///
/// [`Error::TooFew`] for fewer than two seeds or sentences, [`Error::LengthMismatch`] unless all rows have the same
/// length, [`Error::NotFinite`], [`Error::NoSpread`] when all cells are equal.
pub fn crossed_interval(table: &[Vec<f64>]) -> Result<[f64; 2], Error> {
    let seeds = table.len();
    let sentences = table.first().map_or(0, Vec::len);
    for count in [seeds, sentences] {
        if count < 2 {
            return Err(Error::TooFew {
                found: count,
                needed: 2,
            });
        }
    }
    let mut columns = vec![0.0; sentences];
    let mut rows = Vec::with_capacity(seeds);
    for row in table {
        check_lengths(sentences, row.len())?;
        check(row, 2)?;
        rows.push(row.iter().sum::<f64>() / sentences as f64);
        for (column, cell) in columns.iter_mut().zip(row) {
            *column += cell / seeds as f64;
        }
    }
    let mean = rows.iter().sum::<f64>() / seeds as f64;
    let squares = |values: &[f64]| -> f64 { values.iter().map(|x| (x - mean).powi(2)).sum() };
    let of_seeds = sentences as f64 * squares(&rows);
    let of_sentences = seeds as f64 * squares(&columns);
    let of_cells: f64 = table.iter().map(|row| squares(row)).sum();
    let residual = (of_cells - of_seeds - of_sentences).max(0.0);

    let [by_seed, by_sentence] = [seeds, sentences].map(|count| (count - 1) as f64);
    let mean_squares = [
        (of_seeds / by_seed, by_seed),
        (of_sentences / by_sentence, by_sentence),
        (residual / (by_seed * by_sentence), by_seed * by_sentence),
    ];
    let [(seed, _), (sentence, _), (rest, _)] = mean_squares;
    let sum = seed + sentence - rest;
    let (variance, freedom) = if sum > 0.0 && sum >= seed.max(sentence) {
        // Shares of the sum, because squares of the mean squares may overflow.
        let errors = mean_squares.map(|(square, freedom)| (square / sum).powi(2) / freedom);
        (sum, errors.iter().sum::<f64>().recip())
    } else if seed >= sentence {
        (seed, by_seed)
    } else {
        (sentence, by_sentence)
    };
    let cells = (seeds * sentences) as f64;
    if variance <= 0.0 {
        return Err(Error::NoSpread {
            count: seeds * sentences,
        });
    }
    let half = student(freedom).inverse_cdf(0.975) * (variance / cells).sqrt();
    Ok([mean - half, mean + half])
}
