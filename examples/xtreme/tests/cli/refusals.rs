//! What is refused, with what would be right.

use crate::program::{World, data};

#[test]
fn wrong_arguments_are_refused_with_what_is_accepted() {
    let world = World::new();
    let archives = data("archives");
    world.refuse(&[], 2, &["--task"]);
    world.refuse(&["--task=mnli", &archives], 2, &["xnli", "pawsx"]);
    world.refuse(
        &["--task=pawsx", &archives, "--languages=de,sw"],
        2,
        &["--languages \"sw\": not a language of pawsx; expected some of de,en,es,fr,ja,ko,zh"],
    );
    world.refuse(
        &["--task=pawsx", &archives, "--languages=de,de"],
        2,
        &["--languages has de twice"],
    );
    world.refuse(
        &["--task=xnli", "--data=bundled"],
        2,
        &["--data bundled has sentences for sst2 alone; for xnli, use a folder or hf:facebook/xnli"],
    );
    world.refuse(
        &["--task=xnli", &archives, "--submission=there"],
        2,
        &[
            "--submission is for GLUE's tasks",
            "test sets that have no labels",
        ],
    );
    assert!(!world.path("out").exists());
}

#[test]
fn files_that_are_not_there_or_have_no_labels_are_refused_by_name() {
    let world = World::new();
    world.refuse(
        &["--task=xnli", &data("download")],
        1,
        &[
            "xnli/test-ar.tsv: no labels",
            "XNLI-1.0/xnli.test.tsv",
            "dev sets",
        ],
    );
    std::fs::create_dir(world.path("empty")).expect("a folder");
    world.refuse(
        &["--task=pawsx", "--data=empty"],
        1,
        &["empty/en", "cannot read the folder of pawsx"],
    );
    world.refuse(&["--task=pawsx", "--data=nowhere"], 1, &["nowhere"]);
}
