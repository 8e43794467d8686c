//! A share of the training file that is held out for validation.

use std::collections::BTreeSet;

use tasks::{OwnFiles, Split};

use crate::folder::{Folder, classes, sentences, task};

/// 100 rows of three classes: 70, 28 and 2.
fn rows() -> String {
    let rows = (0..100).map(|row| {
        let label = match row {
            0 | 50 => "rare",
            row if row % 7 < 5 => "often",
            _ => "less",
        };
        format!("text {row},{label}\n")
    });
    format!("text,label\n{}", rows.collect::<String>())
}

fn parts(files: &OwnFiles) -> (Split, Split) {
    let task = task(files).task;
    let train = task.read_train().expect("it is read");
    let validation = task.read_evaluation_set("validation").expect("it is read");
    (train, validation)
}

fn files(folder: &Folder, share: f64, seed: u64) -> OwnFiles {
    OwnFiles {
        validation_split: Some(share),
        split_seed: seed,
        ..OwnFiles::new(folder.file("own.csv", rows()))
    }
}

fn counts(split: &Split) -> [usize; 3] {
    let mut counts = [0; 3];
    for &class in classes(split) {
        counts[class] += 1;
    }
    counts
}

#[test]
fn the_parts_share_no_row_and_lack_none() {
    let folder = Folder::new();
    let (train, validation) = parts(&files(&folder, 0.1, 0));
    assert_eq!((train.count, validation.count), (90, 10));
    let all: BTreeSet<&str> = sentences(&train)
        .into_iter()
        .chain(sentences(&validation))
        .collect();
    assert_eq!(all.len(), 100);
    // Both are of the same file, and say so.
    assert_eq!(train.sha256, validation.sha256);
    assert_eq!(train.sha256, files::sha256_of(rows().as_bytes()));
    // Rows keep the file's order and their labels.
    for part in [&train, &validation] {
        let numbers: Vec<usize> = sentences(part)
            .iter()
            .map(|text| text["text ".len()..].parse().expect("a number"))
            .collect();
        assert!(numbers.is_sorted());
        // The texts are numbered from 0.
        let rows: Vec<usize> = numbers.iter().map(|number| number + 1).collect();
        assert_eq!(part.rows.as_ref(), Some(&rows));
        for (number, class) in numbers.iter().zip(classes(part)) {
            assert_eq!(*class == 2, [0, 50].contains(number));
        }
    }
}

#[test]
fn every_class_gives_its_share_and_at_least_one() {
    let folder = Folder::new();
    let [less, often, rare] = {
        let (train, validation) = parts(&files(&folder, 0.1, 0));
        let (train, validation) = (counts(&train), counts(&validation));
        assert_eq!(validation[2], 1);
        std::array::from_fn(|class| train[class] + validation[class])
    };
    assert_eq!(rare, 2);
    for (share, seed) in [(0.1, 1), (0.25, 2), (0.5, 3), (0.01, 4), (0.99, 5)] {
        let (train, validation) = parts(&files(&folder, share, seed));
        let held_out = counts(&validation);
        assert_eq!(held_out[2], 1, "{share}");
        for (class, all) in [less, often].into_iter().enumerate() {
            let exact = share * all as f64;
            assert!(
                (held_out[class] as f64 - exact).abs() <= 1.5,
                "{share}: {held_out:?}"
            );
            assert_eq!(counts(&train)[class] + held_out[class], all);
            assert!(held_out[class] >= 1 && held_out[class] < all);
        }
    }
}

#[test]
fn the_draw_depends_on_the_seed_alone() {
    let folder = Folder::new();
    let draw = |seed| parts(&files(&folder, 0.2, seed));
    assert_eq!(draw(7), draw(7));
    assert_ne!(draw(7).1.examples, draw(8).1.examples);
}

#[test]
fn classes_of_one_row_are_said_to_be_in_no_validation() {
    let folder = Folder::new();
    let few = "text,label\na,x\nb,x\nc,x\nd,y\ne,y\nf,z\n";
    let files = OwnFiles {
        validation_split: Some(0.1),
        ..OwnFiles::new(folder.file("few.csv", few))
    };
    let statement = folder.statement(&files);
    let end =
        "; 2 of 6 rows held out for validation with seed 0, none of the class with a single row";
    assert!(statement.ends_with(end), "{statement}");
}

#[test]
fn the_name_tells_which_share_and_which_seed() {
    let folder = Folder::new();
    let files = files(&folder, 0.1, 42);
    let name = task(&files).task.name().to_owned();
    assert_eq!(name, "own-held-out-0.1-seed-42");
    assert!(
        folder
            .statement(&files)
            .ends_with("; 10 of 100 rows held out for validation with seed 42"),
        "{}",
        folder.statement(&files)
    );
}

#[test]
fn scores_are_drawn_as_one_class() {
    let folder = Folder::new();
    let rows: String = (0..40).map(|row| format!("text {row},{row}.5\n")).collect();
    let files = OwnFiles {
        validation_split: Some(0.3),
        ..OwnFiles::new(folder.file("scores.csv", format!("text,label\n{rows}")))
    };
    let (train, validation) = parts(&files);
    assert_eq!((train.count, validation.count), (28, 12));
    assert_eq!(train.targets.map(|targets| targets.len()), Some(28));
}

#[test]
fn classes_of_one_row_cannot_give_any() {
    let folder = Folder::new();
    let files = OwnFiles {
        validation_split: Some(0.5),
        ..OwnFiles::new(folder.file("own.csv", "text,label\na,0\nb,1\n"))
    };
    assert_eq!(
        folder.error(&files),
        "own.csv: 2 rows of 2 classes; expected a class of two rows, of which to hold 0.5 out"
    );
}
